#include "triggers/standard_webhooks.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::triggers;

namespace {

// The vector that the reference libraries of Standard Webhooks are tested with.
const std::string known_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const std::string id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const Time at(std::chrono::seconds(1'614'265'330));
const std::string body = R"({"test": 2432232314})";

std::string encoded(std::size_t size) {
  return net::base64_encode(std::string(size, 'k'));
}

}  // namespace

TEST_CASE("a message is signed as the reference libraries do") {
  const auto key = signing_key(Secret(known_secret));
  REQUIRE(key);
  CHECK(signature(*key, id, at, body) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST_CASE("the headers carry id, time in whole seconds and signature") {
  const auto key = signing_key(Secret(known_secret));
  REQUIRE(key);
  const auto headers = signed_headers(*key, id, at + std::chrono::microseconds(999'999), body);
  CHECK(headers.get("webhook-id") == id);
  CHECK(headers.get("webhook-timestamp") == "1614265330");
  CHECK(headers.get("webhook-signature") == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  CHECK(headers.get("content-type") == "application/json");
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
