// Cron times, against a clock on the wall that is walked minute by minute.

#include "core/cron.hpp"

#include "core/error.hpp"
#include "core/random.hpp"
#include "zones.hpp"

#include <set>
#include <vector>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;
using Catch::Contains;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> times(const std::string& cron, const TimeZone& zone, const std::string& after,
                               int count) {
  const auto parsed = Cron::parse(cron);
  std::vector<std::string> found;
  auto at = *parse_time(after);
  for (int i = 0; i < count; ++i) {
    at = parsed.next(at, zone).value();
    found.push_back(format_time(at));
  }
  return found;
}

std::string refused(const std::string& text) {
  try {
    Cron::parse(text);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid);
    return error.what();
  }
  return {};
}

using Times = std::vector<std::string>;

}  // namespace

TEST_CASE("a cron of each form names the times of crontab(5)") {
  const auto utc = TimeZone::utc();
  CHECK(times("0 */2 * * 1-5", utc, "2026-11-27T21:00:00Z", 3) ==
        Times{"2026-11-27T22:00:00Z", "2026-11-30T00:00:00Z", "2026-11-30T02:00:00Z"});
  CHECK(times("30 4 1,15 * *", utc, "2026-01-01T04:30:00Z", 2) ==
        Times{"2026-01-15T04:30:00Z", "2026-02-01T04:30:00Z"});
  CHECK(times("0-30/10,45 9 * * *", utc, "2026-01-01T08:59:59Z", 5) ==
        Times{"2026-01-01T09:00:00Z", "2026-01-01T09:10:00Z", "2026-01-01T09:20:00Z", "2026-01-01T09:30:00Z",
              "2026-01-01T09:45:00Z"});
  CHECK(times("0 0 29 FEB *", utc, "2026-01-01T00:00:00Z", 2) ==
        Times{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"});
  CHECK(times("0 12 * jan-feb sun", utc, "2026-02-20T00:00:00Z", 2) ==
        Times{"2026-02-22T12:00:00Z", "2027-01-03T12:00:00Z"});
}

TEST_CASE("when both days are restricted, one of them is enough; a star narrows") {
  const auto utc = TimeZone::utc();
  CHECK(times("0 0 13 * 5", utc, "2026-11-01T00:00:00Z", 3) ==
        Times{"2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z", "2026-11-20T00:00:00Z"});
  CHECK(times("0 0 12 * 5", utc, "2026-11-10T00:00:00Z", 2) ==
        Times{"2026-11-12T00:00:00Z", "2026-11-13T00:00:00Z"});
  CHECK(times("0 0 */10 * 5", utc, "2026-11-01T00:00:00Z", 1) == Times{"2026-12-11T00:00:00Z"});
}

TEST_CASE("7 is Sunday as 0 is, also at the end of a range") {
  const auto utc = TimeZone::utc();
  for (const auto* cron : {"0 0 * * 0", "0 0 * * 7", "0 0 * * sun", "0 0 * * SUN"})
    CHECK(times(cron, utc, "2026-11-27T00:00:00Z", 1) == Times{"2026-11-29T00:00:00Z"});
  CHECK(times("0 0 * * sat-sun", utc, "2026-11-27T00:00:00Z", 3) ==
        Times{"2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z", "2026-12-05T00:00:00Z"});
}

TEST_CASE("a local time that is skipped runs once right after") {
  const auto berlin = zone("Europe/Berlin");
  // 2027-03-28: 02:00 CET is 03:00 CEST, at 01:00 UTC.
  CHECK(times("30 2 * * *", berlin, "2027-03-27T12:00:00Z", 2) ==
        Times{"2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"});
  CHECK(times("*/20 2 * * *", berlin, "2027-03-27T12:00:00Z", 2) ==
        Times{"2027-03-28T01:00:00Z", "2027-03-29T00:00:00Z"});
}

TEST_CASE("a local time that comes twice runs once, the first time") {
  const auto berlin = zone("Europe/Berlin");
  // 2026-10-25: 03:00 CEST is 02:00 CET, at 01:00 UTC.
  CHECK(times("30 2 * * *", berlin, "2026-10-24T12:00:00Z", 2) ==
        Times{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"});
  CHECK(times("30 2 * * *", berlin, "2026-10-25T01:10:00Z", 1) == Times{"2026-10-26T01:30:00Z"});
}

TEST_CASE("where every hour counts, the hour that comes twice counts twice") {
  const auto berlin = zone("Europe/Berlin");
  CHECK(
      times("0 * * * *", berlin, "2026-10-24T23:30:00Z", 4) ==
      Times{"2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T03:00:00Z"});
  CHECK(times("30 * * * *", berlin, "2027-03-28T00:00:00Z", 2) ==
        Times{"2027-03-28T00:30:00Z", "2027-03-28T01:30:00Z"});
}

TEST_CASE("what is no cron is refused with what to write instead") {
  CHECK_THAT(refused(""), Contains("0 fields instead of five"));
  CHECK_THAT(refused("0 2 * *"), Contains("4 fields instead of five"));
  CHECK_THAT(refused("@daily"), Contains("for instance"));
  CHECK_THAT(refused("60 * * * *"), Contains("'60' as minute: write numbers from 0 to 59"));
  CHECK_THAT(refused("* 24 * * *"), Contains("as hour"));
  CHECK_THAT(refused("* * 0 * *"), Contains("from 1 to 31"));
  CHECK_THAT(refused("* * * 13 *"), Contains("or feb and so on"));
  CHECK_THAT(refused("* * * * fryday"), Contains("day of the week"));
  CHECK_THAT(refused("*/0 * * * *"), Contains("a step is a number"));
  CHECK_THAT(refused("5/15 * * * *"), Contains("5-59/15"));
  CHECK_THAT(refused("* 22-2 * * *"), Contains("write 22-23,0-2"));
  CHECK_THAT(refused("1,,2 * * * *"), Contains("'1,,2' as minute"));
  CHECK_THAT(refused("-1 * * * *"), Contains("as minute"));
  CHECK_THAT(refused("+1 * * * *"), Contains("as minute"));
  CHECK_THAT(refused("0 0 30 2 *"), Contains("never comes"));
  CHECK_THAT(refused("0 0 31 4,6,9,11 *"), Contains("never comes"));
  CHECK_THAT(refused("99999999999999999999 * * * *"), Contains("as minute"));
}

TEST_CASE(
    "property: what is drawn from the characters of crons is read or refused, and a next time is later") {
  SeededRandom draw(5);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(draw.next() % limit); };
  const std::string alphabet = "0123456789*/-, janfebsun";
  const auto berlin = zone("Europe/Berlin");
  int good = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (int field = 0; field < 5; ++field) {
      // Whole items now and then, so that many are good.
      for (auto n = 1 + below(2); n > 0; --n)
        text += below(3) == 0 ? std::string(1, alphabet[below(alphabet.size())])
                              : std::vector<std::string>{"*", "1", "5-7", "*/3", "2,", "1-9/2"}[below(6)];
      text += ' ';
    }
    try {
      const auto cron = Cron::parse(text);
      const auto after =
          Time(std::chrono::seconds(1'700'000'000 + static_cast<std::int64_t>(below(1'000'000'000))));
      const auto next = cron.next(after, berlin);
      REQUIRE(next);
      REQUIRE(*next > after);
      ++good;
    } catch (const Error& error) {
      REQUIRE(error.kind() == ErrorKind::invalid);
    }
  }
  CHECK(good > 100);
}

TEST_CASE("property: next() is what somebody finds who watches the clock on the wall minute by minute") {
  const std::vector<std::string> crons{"30 2 * * *",  "*/15 * * * *",  "0 0,1,2,3 * * *", "59 23 * * *",
                                       "5 1-3 * * *", "0 */2 * * 1-5", "10 2 * 10,4 0",   "45 * 28-31 * *"};
  // Half an hour (Lord Howe), a whole day skipped (Apia, 2011), summer that is winter (Dublin), and usual
  // ones.
  const std::vector<std::pair<std::string, std::string>> places{
      {"Europe/Berlin", "2026-10-24T18:00:00Z"},       {"Europe/Berlin", "2027-03-27T18:00:00Z"},
      {"America/New_York", "2026-10-31T20:00:00Z"},    {"Australia/Lord_Howe", "2026-04-04T06:00:00Z"},
      {"Australia/Lord_Howe", "2026-10-03T06:00:00Z"}, {"Europe/Dublin", "2026-10-24T18:00:00Z"},
      {"Pacific/Apia", "2011-12-29T20:00:00Z"},        {"Africa/Casablanca", "2026-02-14T20:00:00Z"},
      {"America/Sao_Paulo", "2018-11-03T18:00:00Z"}};
  for (const auto& [name, from] : places) {
    const auto place = zone(name);
    for (const auto& text : crons) {
      const auto cron = Cron::parse(text);
      const auto fields = text;
      const bool every_hour = text.find(" * ") == text.find(' ');
      const auto begin = *parse_time(from);
      const auto end = begin + 3 * 24h;
      // A minute that is read from the clock for the first time, or, after a gap, was passed over.
      std::set<Time> expected;
      auto most = place.most_shown(std::chrono::floor<std::chrono::seconds>(begin));
      const auto matches = [&](Local minute) {
        const auto just_before = Time(minute.time_since_epoch() - 1s);
        return cron.next(just_before, TimeZone::utc()) == Time(minute.time_since_epoch());
      };
      for (auto now = begin + 1min; now <= end; now += 1min) {
        const auto shown = place.local(std::chrono::floor<std::chrono::seconds>(now));
        if (every_hour) {
          if (matches(shown)) expected.insert(now);
        } else {
          for (auto minute = most + 1min; minute <= shown; minute += 1min)
            if (matches(minute)) expected.insert(now);
        }
        most = std::max(most, shown);
      }
      std::set<Time> found;
      for (auto at = cron.next(begin, place); at && *at <= end; at = cron.next(*at, place))
        found.insert(*at);
      INFO(name << " " << text << " from " << from);
      REQUIRE(found == expected);
    }
  }
}
