#include "net/answer.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::net;

TEST_CASE("each kind of error has its status and is told as JSON") {
  const std::pair<ErrorKind, int> statuses[] = {
      {ErrorKind::not_found, 404},    {ErrorKind::unauthorized, 401}, {ErrorKind::denied, 403},
      {ErrorKind::rate_limited, 429}, {ErrorKind::unavailable, 503},  {ErrorKind::timeout, 504},
      {ErrorKind::corrupt, 500},      {ErrorKind::conflict, 409},     {ErrorKind::invalid, 400},
      {ErrorKind::cancelled, 503},    {ErrorKind::internal, 500}};
  for (const auto& [kind, status] : statuses) {
    const auto answer = answer_to(Error(kind, "what \"happened\"\n"));
    CHECK(answer.status == status);
    const auto body = nlohmann::json::parse(answer.body);
    CHECK(body["error"]["kind"] == to_string(kind));
    CHECK(body["error"]["message"] == "what \"happened\"\n");
  }
}

TEST_CASE("rate limited answers say when to come back") {
  CHECK(answer_to(Error(ErrorKind::rate_limited, "x", std::chrono::milliseconds(1500)))
            .headers.get("Retry-After") == "2");
  CHECK(answer_to(Error(ErrorKind::rate_limited, "x")).headers.get("Retry-After") == "1");
}

TEST_CASE("an error text that is no UTF-8 still becomes JSON") {
  CHECK_NOTHROW(nlohmann::json::parse(answer_to(Error(ErrorKind::invalid, "\xff\xfe")).body));
}

TEST_CASE("an answer is framed by the server alone") {
  ServerResponse response;
  response.headers = {{"Content-Length", "99"}, {"Transfer-Encoding", "chunked"}, {"X", "y"}};
  response.body = "abc";
  const std::string text = serialize_answer(response, Time(std::chrono::seconds(784111777)), true, true);
  CHECK(text ==
        "HTTP/1.1 200 OK\r\nX: y\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 3\r\n\r\nabc");
}

TEST_CASE("HEAD, 204 and 304 are answered without a body") {
  ServerResponse response;
  response.body = "abc";
  CHECK(serialize_answer(response, {}, false, true).ends_with("Content-Length: 3\r\n\r\n"));
  response.status = 204;
  const std::string text = serialize_answer(response, {}, true, false);
  CHECK(text.find("Content-Length") == std::string::npos);
  CHECK(text.ends_with("Connection: close\r\n\r\n"));
}
