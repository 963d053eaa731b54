#include "net/standard_webhooks.hpp"
#include "unit/triggers/support.hpp"

#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::test;
using Catch::Contains;

namespace {

const std::string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const std::string simple_webhook =
    "webhook: {url: https://b.example.com/hooks/token-canary, secret: {file: /secret}}";

Bench bench() {
  Bench made;
  made.files["/secret"] = secret;
  return made;
}

}  // namespace

TEST_CASE("a rebuild is posted as one signed message") {
  auto here = bench();
  CHECK(here.send(simple_webhook) == "204 No Content");
  REQUIRE(here.http.requests.size() == 1);
  const auto& request = here.http.requests[0];
  CHECK(request.method == "POST");
  CHECK(request.url.text() == "https://b.example.com/hooks/token-canary");
  CHECK(request.max_redirects == 0);
  CHECK(request.headers.get("webhook-id") == "rebuild-ca1b");
  CHECK(request.headers.get("webhook-timestamp") == "1800000000");
  CHECK(request.headers.get("content-type") == "application/json");
  const auto key = net::standard_webhooks::signing_key(Secret(secret));
  REQUIRE(key);
  CHECK(net::standard_webhooks::is_signed(*key, request.headers, request.body));
}

TEST_CASE("the message names what is to be built on what") {
  auto here = bench();
  here.send(simple_webhook);
  const auto body = nlohmann::json::parse(here.http.requests.at(0).body);
  CHECK(body["type"] == "image.updated");
  CHECK(body["timestamp"] == "2023-11-14T22:13:20.000000Z");
  CHECK(body["data"] == nlohmann::json{{"image", "r.example.com/team/app:latest"},
                                       {"base", "r.example.com/base/node:9"},
                                       {"digest", base_digest},
                                       {"base_by_digest", "r.example.com/base/node@" + base_digest},
                                       {"dependent", "app"},
                                       {"run", "ca1b"},
                                       {"pipeline", "node"},
                                       {"promotion_run", "ca1a"}});
}

TEST_CASE("A3: a repeat has the same id and body, and a signature of its own time") {
  auto here = bench();
  here.send(simple_webhook);
  here.clock.advance(std::chrono::minutes(5));
  here.send(simple_webhook);
  const auto& first = here.http.requests.at(0);
  const auto& second = here.http.requests.at(1);
  CHECK(first.body == second.body);
  CHECK(first.headers.get("webhook-id") == second.headers.get("webhook-id"));
  CHECK(second.headers.get("webhook-timestamp") == "1800000300");
  CHECK(first.headers.get("webhook-signature") != second.headers.get("webhook-signature"));
}

TEST_CASE("headers and an authorization of the operator are sent along") {
  auto here = bench();
  here.files["/token"] = "Bearer abc";
  here.send(
      "webhook: {url: https://b.example.com/, secret: {file: /secret}, authorization: {file: /token}, "
      "headers: {X-Team: b}, timeout: 5s}");
  const auto& request = here.http.requests.at(0);
  CHECK(request.headers.get("Authorization") == "Bearer abc");
  CHECK(request.headers.get("X-Team") == "b");
  CHECK(request.header_timeout == std::chrono::seconds(5));
  CHECK(request.connect_timeout == std::chrono::seconds(5));
}

TEST_CASE("any 2xx is good") {
  for (const int status : {200, 201, 202, 204, 299}) {
    auto here = bench();
    here.http.status = status;
    CHECK_THAT(here.send(simple_webhook), Catch::StartsWith(std::to_string(status)));
  }
}

TEST_CASE("other answers are errors with what came back") {
  auto here = bench();
  here.http.status = 503;
  here.http.headers.add("Retry-After", "120");
  here.http.body = "maintenance";
  const auto error = here.failure(simple_webhook);
  CHECK(error.kind() == ErrorKind::unavailable);
  CHECK(error.retry_after() == std::chrono::minutes(2));
  CHECK_THAT(error.what(), Contains("https://b.example.com answered 503") && Contains("maintenance"));
}

TEST_CASE("an endless error body is cut") {
  auto here = bench();
  here.http.status = 500;
  here.http.body = std::string(10'000'000, 'x');
  CHECK(std::string(here.failure(simple_webhook).what()).size() < 500);
}

TEST_CASE("D11: neither the secrets nor the path of the address are in an error") {
  auto here = bench();
  here.files["/token"] = "Bearer abc-canary";
  here.http.status = 400;
  const auto error = here.failure(
      "webhook: {url: \"https://b.example.com/hooks/token-canary?key=canary\", secret: {file: "
      "/secret}, authorization: {file: /token}}");
  CHECK_THAT(error.what(), !Contains("canary") && !Contains(secret.substr(6)));
  for (const auto& line : here.log)
    CHECK_THAT(line, !Contains("canary"));
}

TEST_CASE("D11: a receiver that cannot be reached is told without the path of its address") {
  auto here = bench();
  const auto url = net::Url::parse("https://b.example.com/hooks/token-canary?key=canary");
  here.http.failure = Error(ErrorKind::rate_limited, "POST " + url.without_query() + ": connecting: refused",
                            std::chrono::seconds(7));
  const auto error = here.failure("webhook: {url: \"" + url.text() + "\", secret: {file: /secret}}");
  CHECK(std::string(error.what()) == "POST https://b.example.com: connecting: refused");
  CHECK(error.kind() == ErrorKind::rate_limited);
  CHECK(error.retry_after() == std::chrono::seconds(7));
}

TEST_CASE("D11: an answer that repeats the path of the address is told without it") {
  auto here = bench();
  here.http.status = 404;
  here.http.body = "Cannot POST /hooks/token-canary?key=canary, nothing at /hooks/token-canary";
  const auto error = here.failure(
      "webhook: {url: \"https://b.example.com/hooks/token-canary?key=canary\", secret: {file: /secret}}");
  CHECK_THAT(error.what(), !Contains("canary"));
  CHECK_THAT(error.what(),
             Contains("https://b.example.com answered 404") && Contains("Cannot POST /..., nothing at /..."));
}

TEST_CASE("D11: a secret that is not good is not shown") {
  Bench here;
  here.files["/secret"] = "hunter2-canary";
  const auto told = here.mistakes(simple_webhook);
  CHECK_THAT(told, Contains("whsec_BASE64") && !Contains("hunter2"));
}

TEST_CASE("mistakes in a webhook are told") {
  const auto here = bench();
  const auto with = [&](const std::string& rest) {
    return here.mistakes("webhook: {secret: {file: /secret}, " + rest + "}");
  };
  CHECK_THAT(with("timeout: 1s"), Contains("'url'"));
  CHECK_THAT(with("url: http://b.example.com/"), Contains("allow_http: true"));
  CHECK_THAT(with("url: ftp://b.example.com/"), Contains("only http and https"));
  CHECK_THAT(with("url: \"https://b.example.com/ x\""), Contains("cannot be used"));
  CHECK_THAT(with("url: https://b.example.com/, headers: {Webhook-Id: x}"), Contains("set by sluice itself"));
  CHECK_THAT(with("url: https://b.example.com/, headers: {Authorization: x}"),
             Contains("authorization: {file: PATH}"));
  CHECK_THAT(with("url: https://b.example.com/, headers: {\"A B\": x}"), Contains("not a valid header"));
  CHECK_THAT(with("url: https://b.example.com/, headers: {A: \"x\\r\\nB: y\"}"),
             Contains("control character"));
  CHECK_THAT(with("url: https://b.example.com/, timeout: 0"), Contains("longer than nothing"));
  CHECK_THAT(here.mistakes("webhook: {url: https://b.example.com/}"), Contains("secret"));
}

TEST_CASE("http is good for loopback, and elsewhere when it is allowed") {
  const auto here = bench();
  for (const auto* url : {"http://127.0.0.1:8080/x", "http://localhost/x", "\"http://[::1]:8080/x\""})
    CHECK(here.parse(std::string("webhook: {secret: {file: /secret}, url: ") + url + "}").config);
  CHECK(
      here.parse("webhook: {secret: {file: /secret}, url: http://b.example.com/, allow_http: true}").config);
  for (const auto* url :
       {"http://127.evil.example.com/", "http://127.0.0.1.example.com/", "http://localhost.example.com/"})
    CHECK_FALSE(here.parse(std::string("webhook: {secret: {file: /secret}, url: ") + url + "}").config);
}
