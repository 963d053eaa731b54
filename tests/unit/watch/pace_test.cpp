// The pace of looks, in virtual time.

#include "watch/pace.hpp"

#include "core/random.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::watch;
using namespace std::chrono_literals;

namespace {

const Time start = Time(std::chrono::seconds(1'800'000'000));
const Pace minutely{.every = 1min, .slowest = 1h};

Rhythm every(std::chrono::microseconds gap, int changes, Time last) {
  Rhythm rhythm;
  for (int i = changes - 1; i >= 0; --i)
    rhythm.changed(last - gap * i);
  return rhythm;
}

}  // namespace

TEST_CASE("a tag that nothing is known of is looked at at the fastest pace") {
  CHECK(interval(minutely, {}, false, start) == 1min);
  CHECK(interval(minutely, {}, true, start) == 1min);
}

TEST_CASE("a tag that moves weekly is not asked every minute") {
  const auto rhythm = every(168h, 9, start - 72h);
  const auto pace = interval(minutely, rhythm, false, start);
  CHECK(pace == 1h);
  CHECK(interval({.every = 1min, .slowest = 24h}, rhythm, false, start) > 1h);
  CHECK(interval({.every = 1min, .slowest = 24h}, rhythm, false, start) < 2h);
}

TEST_CASE("a tag that moves daily is looked at a hundred times between changes") {
  const auto pace = interval(minutely, every(24h, 9, start - 12h), false, start);
  CHECK(pace > 12min);
  CHECK(pace < 15min);
}

TEST_CASE("a tag that moves each hour is looked at at the fastest pace") {
  CHECK(interval(minutely, every(1h, 9, start - 61min), false, start) == 1min);
}

TEST_CASE("after a change the pace is the fastest for an hour, then returns to what it was") {
  auto rhythm = every(168h, 8, start - 168h);
  CHECK(interval(minutely, rhythm, false, start) == 1h);
  rhythm.changed(start);
  CHECK(interval(minutely, rhythm, false, start) == 1min);
  CHECK(interval(minutely, rhythm, false, start + 59min) == 1min);
  CHECK(interval(minutely, rhythm, false, start + 61min) == 1h);
}

TEST_CASE("after a change of a tag that is looked at hourly, eight looks are at the fastest pace") {
  const Pace hourly{.every = 1h, .slowest = 24h};
  auto rhythm = every(168h * 10, 8, start);
  CHECK(interval(hourly, rhythm, false, start + 7h) == 1h);
  CHECK(interval(hourly, rhythm, false, start + 9h) > 1h);
}

TEST_CASE("a new tag that stays quiet slows down by and by") {
  const auto rhythm = every(0us, 1, start);
  CHECK(interval(minutely, rhythm, false, start + 30min) == 1min);
  CHECK(interval(minutely, rhythm, false, start + 10h) == 6min);
  CHECK(interval(minutely, rhythm, false, start + 240h) == 1h);
}

TEST_CASE("where webhooks tell of the changes, polls are a safety net") {
  auto rhythm = every(1h, 9, start);
  CHECK(interval(minutely, rhythm, true, start) == 1h);
}

TEST_CASE("a pace that does not adapt is always the same") {
  const Pace fixed{.every = 5min, .slowest = 5min};
  CHECK(interval(fixed, every(1000h, 9, start - 1000h), false, start) == 5min);
  CHECK(interval(fixed, every(1000h, 9, start - 1000h), true, start) == 5min);
}

TEST_CASE(
    "A6: a clock that was set back makes the pace fast, one that was set ahead no slower than the slowest") {
  const auto rhythm = every(168h, 9, start);
  CHECK(interval(minutely, rhythm, false, start - 100'000h) == 1min);
  CHECK(interval(minutely, rhythm, false, start + 100'000h) == 1h);
}

TEST_CASE(
    "property: whatever the history, the pace is within its limits and no longer history makes it faster") {
  SeededRandom draw(1);
  const auto below = [&](std::uint64_t limit) { return static_cast<std::int64_t>(draw.next() % limit); };
  for (int round = 0; round < 2000; ++round) {
    const Pace pace{.every = Milliseconds(100 + below(3'600'000)),
                    .slowest = Milliseconds(100 + below(90'000'000))};
    Rhythm rhythm;
    Time at = start;
    for (auto changes = below(30); changes > 0; --changes) {
      at += std::chrono::seconds(below(1'000'000) - 1000);
      rhythm.changed(at);
    }
    auto last = Milliseconds(0);
    for (int hours = 0; hours < 1000; hours += 50) {
      const auto now = interval(pace, rhythm, false, at + quick_after_change(pace) + hours * 1h);
      REQUIRE(now >= pace.every);
      REQUIRE(now <= std::max(pace.slowest, pace.every));
      REQUIRE(now >= last);  // quiet tags slow down, and never speed up by being quiet
      last = now;
    }
  }
}

TEST_CASE(
    "in virtual time a weekly tag costs few looks, and its changes are still seen within the slowest pace") {
  SeededRandom draw(7);
  Rhythm rhythm;
  rhythm.changed(start);
  Time now = start;
  Time change = start + 168h;
  int looks = 0;
  std::chrono::microseconds longest{0};
  for (int weeks = 0; weeks < 20;) {
    now += interval(minutely, rhythm, false, now);
    ++looks;
    if (now < change) continue;
    longest = std::max(longest, now - change);
    rhythm.changed(now);
    change += 168h;
    ++weeks;
  }
  // A look each minute would be 10,080 a week.
  CHECK(looks < 20 * 300);
  CHECK(longest <= 1h);
}
