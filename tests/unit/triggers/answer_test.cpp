#include "triggers/answer.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::triggers;
using Catch::Contains;

namespace {
const Time now(std::chrono::seconds(1'700'000'000));  // Tue, 14 Nov 2023 22:13:20 GMT

std::optional<Milliseconds> wait(const std::string& value) {
  return error_from("x", 503, {{"Retry-After", value}}, "", now).retry_after();
}
}  // namespace

TEST_CASE("C4: a target's Retry-After is obeyed for a day at most") {
  CHECK(wait("7") == std::chrono::seconds(7));
  CHECK(wait("31536000") == std::chrono::hours(24));
  CHECK(wait("soon") == std::nullopt);
}

TEST_CASE("the kind of an error follows the status") {
  struct Case {
    int status;
    ErrorKind kind;
  };
  const Case cases[] = {
      {301, ErrorKind::invalid},      {400, ErrorKind::invalid},     {401, ErrorKind::unauthorized},
      {403, ErrorKind::denied},       {404, ErrorKind::not_found},   {408, ErrorKind::unavailable},
      {410, ErrorKind::not_found},    {422, ErrorKind::invalid},     {425, ErrorKind::unavailable},
      {429, ErrorKind::rate_limited}, {500, ErrorKind::unavailable}, {503, ErrorKind::unavailable},
      {599, ErrorKind::unavailable}};
  for (const auto& one : cases)
    CHECK(error_from("x", one.status, {}, "", now).kind() == one.kind);
}

TEST_CASE("an error says what came back, what to do and how long to wait") {
  const auto error =
      error_from("https://b.example.com", 429, {{"Retry-After", "30"}}, "slow \x1b[1mdown", now);
  CHECK(std::string(error.what()) ==
        "https://b.example.com answered 429 Too Many Requests: \"slow \\x1b[1mdown\"");
  CHECK(error.retry_after() == std::chrono::seconds(30));
  CHECK_THAT(error_from("x", 302, {}, "", now).what(), Contains("redirects are not followed"));
  CHECK_THAT(error_from("x", 410, {}, "", now).what(), Contains("remove or replace the trigger"));
}
