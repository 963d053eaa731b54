#include "net/standard_webhooks.hpp"

#include "net/signature.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::net::standard_webhooks;

namespace {

// The vector that the reference libraries of Standard Webhooks are tested with.
const std::string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const std::string id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const Time sent_at(std::chrono::seconds(1'614'265'330));
const std::string body = R"({"test": 2432232314})";
const std::string good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

std::string encoded(std::size_t size) {
  return net::base64_encode(std::string(size, 'k'));
}

struct Message {
  Secret key = signing_key(Secret(secret)).value();
  net::Headers headers = signed_headers(key, id, sent_at, body);

  bool is_good_with(const std::string& name, const std::string& value) const {
    auto changed = headers;
    changed.set(name, value);
    return is_signed(key, changed, body);
  }
};

}  // namespace

TEST_CASE_METHOD(Message, "a message is signed as the reference libraries do") {
  CHECK(signature(key, id, "1614265330", body) == good);
}

TEST_CASE_METHOD(Message, "the headers carry id, time in whole seconds and signature") {
  headers = signed_headers(key, id, sent_at + std::chrono::microseconds(999'999), body);
  CHECK(headers.get("webhook-id") == id);
  CHECK(headers.get("webhook-timestamp") == "1614265330");
  CHECK(headers.get("webhook-signature") == good);
}

TEST_CASE_METHOD(Message, "what was signed is good, and nothing of it can be changed") {
  CHECK(is_signed(key, headers, body));
  CHECK_FALSE(is_signed(key, headers, body + " "));
  CHECK_FALSE(is_signed(Secret("another key"), headers, body));
  CHECK_FALSE(is_good_with("webhook-id", "msg_other"));
  CHECK_FALSE(is_good_with("webhook-timestamp", "1614265331"));
  CHECK_FALSE(is_good_with("webhook-signature", ""));
  CHECK_FALSE(is_signed(key, {}, body));
}

TEST_CASE_METHOD(Message, "one good signature of several is enough, among the first eight") {
  const auto wrong = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i)
      text += "v1,AAAA ";
    return text;
  };
  CHECK(is_good_with("webhook-signature", "v1a,xxx " + good));
  CHECK(is_good_with("webhook-signature", good + " v1,AAAA"));
  CHECK(is_good_with("webhook-signature", wrong(7) + good));
  CHECK_FALSE(is_good_with("webhook-signature", wrong(8) + good));
}

TEST_CASE_METHOD(Message, "a message without an id is not proven, whoever signed it") {
  CHECK_FALSE(is_signed(key, signed_headers(key, "", sent_at, body), body));
}

TEST_CASE("the time of a message is a whole number of seconds") {
  const auto read = [](const std::string& text) { return signed_at({{"webhook-timestamp", text}}); };
  CHECK(read("1614265330") == sent_at);
  for (const auto* text : {"", "-1", "1614265330.5", "soon", "100000000001", "99999999999999999999"})
    CHECK_FALSE(read(text));
  CHECK_FALSE(signed_at({}));
}

TEST_CASE("a signing secret is whsec_ and the base64 of 24 to 64 bytes") {
  CHECK(signing_key(Secret("whsec_" + encoded(24))));
  CHECK(signing_key(Secret("whsec_" + encoded(64))));
  CHECK_FALSE(signing_key(Secret("whsec_" + encoded(23))));
  CHECK_FALSE(signing_key(Secret("whsec_" + encoded(65))));
  CHECK_FALSE(signing_key(Secret(encoded(32))));
  CHECK_FALSE(signing_key(Secret("whsk_" + encoded(32))));
  CHECK_FALSE(signing_key(Secret("whsec_not base64 at all, only words")));
  CHECK_FALSE(signing_key(Secret("")));
}

TEST_CASE("the secret of a sender may be of any size and without whsec_") {
  CHECK(key_of(Secret("whsec_" + encoded(8)))->reveal() == "kkkkkkkk");
  CHECK(key_of(Secret(encoded(8)))->reveal() == "kkkkkkkk");
  CHECK_FALSE(key_of(Secret("whsec_")));
  CHECK_FALSE(key_of(Secret("not base64 at all, only words")));
}
