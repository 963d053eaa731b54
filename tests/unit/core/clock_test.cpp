#include "core/clock.hpp"

#include "core/random.hpp"
#include "support/run.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace std::chrono_literals;

namespace {
Time at(std::int64_t seconds, std::int64_t micros = 0) {
  return Time(std::chrono::seconds(seconds) + std::chrono::microseconds(micros));
}
}  // namespace

TEST_CASE("times are shown in UTC with seconds in tables and microseconds in JSON") {
  CHECK(format_time(at(1'795'496'191, 250'000)) == "2026-11-24T04:56:31Z");
  CHECK(format_time_exact(at(1'795'496'191, 250)) == "2026-11-24T04:56:31.000250Z");
  CHECK(format_time_exact(at(0)) == "1970-01-01T00:00:00.000000Z");
}

TEST_CASE("times before 1970 are shown right") {
  CHECK(format_time_exact(at(0, -1)) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("RFC 3339 times are read") {
  CHECK(parse_time("2026-11-24T04:56:31Z") == at(1'795'496'191));
  CHECK(parse_time("2026-11-24 04:56:31z") == at(1'795'496'191));
  CHECK(parse_time("2026-11-24T04:56:31.25Z") == at(1'795'496'191, 250'000));
  CHECK(parse_time("2026-11-24T04:56:31.123456789Z") == at(1'795'496'191, 123'456));
  CHECK(parse_time("2026-11-24T06:26:31+01:30") == at(1'795'496'191));
  CHECK(parse_time("2026-11-23T20:56:31-08:00") == at(1'795'496'191));
  CHECK(parse_time("2026-11-24") == at(1'795'478'400));
  CHECK(parse_time("2016-12-31T23:59:60Z") == at(1'483'228'800));
  CHECK(parse_time("2024-02-29") == at(1'709'164'800));
  CHECK(parse_time("0001-01-01T00:00:00Z"));
  CHECK_FALSE(parse_time("9999-12-31T23:59:60Z"));
  CHECK_FALSE(parse_time("0000-01-01T00:00:00+00:01"));
}

TEST_CASE("what is not a time is refused") {
  const auto* text = GENERATE(
      "", "2026", "2026-11", "2026-13-01", "2026-02-29", "2026-00-10", "2026-11-24T", "2026-11-24Z",
      "2026-11-24T04:56", "2026-11-24T04:56:31", "2026-11-24T24:00:00Z", "2026-11-24T04:60:00Z",
      "2026-11-24T04:56:61Z", "2026-11-24T04:56:31.Z", "2026-11-24T04:56:31+0100",
      "2026-11-24T04:56:31+25:00", "2026-11-24T04:56:31Zx", " 2026-11-24", "-026-11-24", "2026-11-2 ");
  CAPTURE(text);
  CHECK_FALSE(parse_time(text));
}

TEST_CASE("any time survives being shown exactly and read again") {
  SeededRandom random(7);
  constexpr std::int64_t year_9999 = 253'402'300'799;
  for (int i = 0; i < 20'000; ++i) {
    const auto time = at(static_cast<std::int64_t>(random.next() % year_9999),
                         static_cast<std::int64_t>(random.next() % 1'000'000));
    REQUIRE(parse_time(format_time_exact(time)) == time);
  }
}

TEST_CASE("durations are shown as hours, minutes and seconds") {
  CHECK(format_duration(9s) == "00:00:09");
  CHECK(format_duration(59min + 59s + 999ms) == "00:59:59");
  CHECK(format_duration(123h + 4min) == "123:04:00");
  CHECK(format_duration(-5s) == "-00:00:05");
  CHECK(format_duration(0s) == "00:00:00");
}

TEST_CASE("durations are read") {
  CHECK(parse_duration("0") == 0ms);
  CHECK(parse_duration("90s") == 90s);
  CHECK(parse_duration("15m") == 15min);
  CHECK(parse_duration("1h30m") == 90min);
  CHECK(parse_duration("7d") == 168h);
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("1d2h3m4s5ms") == 26h + 3min + 4s + 5ms);
  CHECK(parse_duration("36500d") == 24h * 36500);
}

TEST_CASE("what is not a duration is refused") {
  const auto* text =
      GENERATE("", "5", "-5s", "5 s", "s", "5S", "1.5h", "30m1h", "1h1h", "5sm", "5y", "+5s", "5s ", " 5s",
               "36501d", "36500d1ms", "9223372036854775807ms", "99999999999999999999d", "00", "1h30");
  CAPTURE(text);
  CHECK_FALSE(parse_duration(text));
}

TEST_CASE("any duration survives being written with units and read again") {
  SeededRandom random(11);
  for (int i = 0; i < 20'000; ++i) {
    const auto count = static_cast<std::int64_t>(random.next() % (std::uint64_t{36500} * 86'400'000)) >>
                       (random.next() % 40);
    std::string text;
    auto rest = count;
    for (const auto& [name, size] :
         {std::pair{"d", 86'400'000L}, {"h", 3'600'000L}, {"m", 60'000L}, {"s", 1000L}, {"ms", 1L}}) {
      if (rest / size > 0) text += std::to_string(rest / size) + name;
      rest %= size;
    }
    if (text.empty()) text = "0";
    CAPTURE(text);
    REQUIRE(parse_duration(text) == Milliseconds(count));
  }
}

TEST_CASE("a random text never upsets the parsers of times and durations") {
  SeededRandom random(13);
  constexpr std::string_view alphabet = "0123456789-:TZ.+dhms \xff";
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (auto size = random.next() % 30; size > 0; --size)
      text += alphabet[random.next() % alphabet.size()];
    if (const auto time = parse_time(text)) CHECK(parse_time(format_time_exact(*time)) == time);
    if (const auto duration = parse_duration(text)) CHECK(duration->count() >= 0);
  }
}

TEST_CASE("the system clock sleeps until the given time and not less") {
  SystemClock clock;
  const auto until = clock.steady() + 20ms;
  test::run([&]() -> Task<> { co_await clock.sleep_until(until); });
  CHECK(clock.steady() >= until);
}
