#include "api/output.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::api;

TEST_CASE("an error answers with kind and message") {
  const auto response = error_response(Error(ErrorKind::not_found, "there is no run 'ca1a'"));
  CHECK(response.status == 404);
  CHECK(response.headers.get("content-type") == "application/json");
  const auto body = nlohmann::json::parse(response.body);
  CHECK(body["error"]["kind"] == "not_found");
  CHECK(body["error"]["message"] == "there is no run 'ca1a'");
}

TEST_CASE("what another registry refused is not the caller's lack of permission") {
  CHECK(error_response(Error(ErrorKind::unauthorized, "x")).status == 502);
  CHECK(error_response(Error(ErrorKind::denied, "x")).status == 502);
  CHECK(error_response(Error(ErrorKind::corrupt, "x")).status == 502);
}

TEST_CASE("how long to wait is passed on in whole seconds, never as zero") {
  const auto after = [](int ms) {
    return error_response(Error(ErrorKind::rate_limited, "x", Milliseconds(ms))).headers.get("Retry-After");
  };
  CHECK(after(1500) == "2");
  CHECK(after(0) == "1");
  CHECK(error_response(Error(ErrorKind::unavailable, "x")).headers.get("Retry-After") == std::nullopt);
}

TEST_CASE("a text that is no UTF-8 does not fail the answer") {
  const auto response = json_response({{"text", "a\xff"}});
  CHECK(nlohmann::json::parse(response.body)["text"] == "a\xEF\xBF\xBD");
}
