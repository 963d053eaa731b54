#include "net/fields.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::net;
using namespace std::chrono_literals;

namespace {

const Time now(std::chrono::seconds(784111777));  // Sun, 06 Nov 1994 08:49:37 GMT

std::optional<Milliseconds> after(const std::string& value) {
  return retry_after({{"retry-after", value}}, now, 1h);
}

}  // namespace

TEST_CASE("dates are written as senders must, and read in all three forms") {
  CHECK(format_http_date(now) == "Sun, 06 Nov 1994 08:49:37 GMT");
  for (const auto* text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    INFO(text);
    CHECK(parse_http_date(text) == now);
  }
}

TEST_CASE("what is written is read again, over four centuries") {
  for (auto at = Time(std::chrono::sys_days(std::chrono::year(1900) / 1 / 1));
       at < Time(std::chrono::sys_days(std::chrono::year(2300) / 1 / 1)); at += 7919h + 13min + 7s)
    REQUIRE(parse_http_date(format_http_date(at)) == at);
}

TEST_CASE("what is no date is none") {
  for (const auto* text :
       {"", "soon", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 08:49:37 GMT and more", "Sun, 99 Nov 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 99:49:37 GMT", "Tue, 30 Feb 1994 08:49:37 GMT"}) {
    INFO(text);
    CHECK_FALSE(parse_http_date(text).has_value());
  }
}

TEST_CASE("C4: Retry-After is read as seconds or date, capped, and nonsense is ignored") {
  CHECK(after("7") == 7s);
  CHECK(after(" 120 ") == 120s);
  CHECK(after("31536000") == 1h);
  CHECK(after("99999999999999999999999") == 1h);
  CHECK(after("Sun, 06 Nov 1994 08:50:37 GMT") == 60s);
  CHECK(after("Wed, 21 Oct 2099 07:28:00 GMT") == 1h);
  for (const auto* nothing : {"0", "", "-5", "soon", "1.5", "1e3", "Sun, 06 Nov 1994 08:49:36 GMT",
                              "Sun, 06 Nov 1994 08:49:37 GMT"}) {
    INFO(nothing);
    CHECK_FALSE(after(nothing).has_value());
  }
  CHECK_FALSE(retry_after({}, now, 1h).has_value());
}

TEST_CASE("a status has the name of its specification, or none") {
  CHECK(reason_phrase(429) == "Too Many Requests");
  CHECK(reason_phrase(308) == "Permanent Redirect");
  CHECK(reason_phrase(799).empty());
}
