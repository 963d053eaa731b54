// When changes came about, and whether webhooks told of them.

#include "watch/freshness.hpp"

#include "core/random.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::watch;
using namespace std::chrono_literals;

namespace {

const Time t0 = Time(std::chrono::seconds(1'800'000'000));

HookRecord trusted() {
  HookRecord record;
  record = after_change(record, true, t0);
  return after_change(record, true, t0 + 1h);
}

}  // namespace

TEST_CASE("the time of a change is that of the webhook that told of it") {
  const auto found = detect({.seen = t0 + 10s, .not_before = t0, .told = t0 + 9s, .modified = {}});
  CHECK(found.changed == t0 + 9s);
  CHECK(found.by == KnownBy::webhook);
  CHECK(found.delay() == 1s);
}

TEST_CASE(
    "a webhook that was sent before the tag was written tells of a change after the look that it caused") {
  const auto found = detect({.seen = t0 + 3s, .not_before = t0, .told = t0 - 10ms, .modified = {}});
  CHECK(found.changed == t0);
  CHECK(found.by == KnownBy::webhook);
  CHECK(found.delay() == 3s);
}

TEST_CASE("a registry's own word counts where no webhook told, or told later") {
  CHECK(detect({.seen = t0 + 1h, .not_before = t0, .told = {}, .modified = t0 + 20min}).by ==
        KnownBy::last_modified);
  const auto late = detect({.seen = t0 + 1h, .not_before = t0, .told = t0 + 30min, .modified = t0 + 20min});
  CHECK(late.by == KnownBy::last_modified);
  CHECK(late.delay() == 40min);
  // Whole seconds: not earlier, only coarser.
  CHECK(detect({.seen = t0 + 1h, .not_before = t0, .told = t0 + 20min + 900ms, .modified = t0 + 20min}).by ==
        KnownBy::webhook);
}

TEST_CASE(
    "an implausible time says nothing: the tag still named something else then, or it is not over yet") {
  for (const auto modified : {t0 - 1s, t0, t0 + 1h + 1us}) {
    const auto found = detect({.seen = t0 + 1h, .not_before = t0, .told = {}, .modified = modified});
    CHECK_FALSE(found.changed);
    CHECK(found.by == KnownBy::nothing);
    CHECK(found.delay() == 1h);
  }
}

TEST_CASE(
    "the time at which an image was made counts only where nothing better is known, and when plausible") {
  const auto unknown = detect({.seen = t0 + 1h, .not_before = t0, .told = {}, .modified = {}});
  CHECK(with_created(unknown, t0 + 10min).changed == t0 + 10min);
  CHECK(with_created(unknown, t0 + 10min).by == KnownBy::created);
  CHECK(with_created(unknown, Time()) == unknown);  // reproducible builds say 1970
  CHECK(with_created(unknown, std::nullopt) == unknown);
  const auto told = detect({.seen = t0 + 1h, .not_before = t0, .told = t0 + 30min, .modified = {}});
  CHECK(with_created(told, t0 + 10min) == told);
}

TEST_CASE("webhooks are live when they told of two changes in a row") {
  HookRecord record;
  CHECK_FALSE(record.live());
  record = after_change(record, true, t0);
  CHECK_FALSE(record.live());
  record = after_change(record, true, t0 + 1h);
  CHECK(record.live());
  CHECK(record.told == 2);
}

TEST_CASE("a change that a poll finds and no webhook tells of within five minutes is missed") {
  auto record = after_change(trusted(), false, t0 + 5h);
  CHECK(settled(record, t0 + 5h + 4min).missed == 0);
  CHECK(settled(record, t0 + 5h + 4min).live());
  const auto missed = settled(record, t0 + 5h + 6min);
  CHECK(missed.missed == 1);
  CHECK_FALSE(missed.live());
  CHECK(settled(missed, t0 + 50h) == missed);
}

TEST_CASE("a poll that was a little faster than the webhook is no miss") {
  const auto before = after_change(after_delivery(trusted(), t0 + 5h - 1s), false, t0 + 5h);
  CHECK(settled(before, t0 + 6h).missed == 0);
  const auto after = after_delivery(after_change(trusted(), false, t0 + 5h), t0 + 5h + 10s);
  CHECK(settled(after, t0 + 6h).missed == 0);
  CHECK(after.told == 3);
  CHECK(after.live());
}

TEST_CASE("a delivery tells of one change: the next one, that a poll found, is missed") {
  auto record = trusted();
  for (int i = 0; i < 2; ++i) {
    record = after_delivery(record, t0 + 5h + i * 2s);
    record = after_change(record, true, t0 + 5h + i * 2s + 1s);
  }
  CHECK(record.told == 4);
  record = after_change(record, false, t0 + 5h + 11s);
  CHECK(record.told == 4);
  record = settled(record, t0 + 6h);
  CHECK(record.missed == 1);
  // One that came for a change that a poll had found tells of no further one either.
  record = after_delivery(after_change(record, false, t0 + 7h), t0 + 7h + 1s);
  CHECK(record.told == 5);
  CHECK(settled(after_change(record, false, t0 + 7h + 10s), t0 + 8h).missed == 2);
}

TEST_CASE("a tag that no webhook ever told of misses none") {
  HookRecord record;
  for (int i = 0; i < 10; ++i)
    record = after_change(record, false, t0 + i * 1h);
  CHECK(settled(record, t0 + 100h).missed == 0);
}

TEST_CASE("webhooks that ceased are missed three times, then no longer expected, until one comes again") {
  auto record = trusted();
  for (int i = 1; i <= 10; ++i)
    record = settled(after_change(record, false, t0 + i * 10h), t0 + i * 10h + 1h);
  CHECK(record.missed == 3);
  CHECK_FALSE(record.expected());
  record = after_change(record, true, t0 + 200h);
  CHECK(record.expected());
  CHECK_FALSE(record.live());
}

TEST_CASE("property: told and missed never go down, and every change counts at most once") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SeededRandom draw(seed);
    const auto below = [&](std::uint64_t limit) { return static_cast<std::int64_t>(draw.next() % limit); };
    HookRecord record;
    Time now = t0;
    std::int64_t changes = 0;
    for (int i = 0; i < 300; ++i) {
      now += std::chrono::seconds(below(1000));
      const auto before = record;
      switch (below(4)) {
        case 0:
          record = after_change(record, true, now);
          ++changes;
          break;
        case 1:
          record = after_change(record, false, now);
          ++changes;
          break;
        case 2:
          record = after_delivery(record, now);
          break;
        default:
          record = settled(record, now);
      }
      REQUIRE(record.told >= before.told);
      REQUIRE(record.missed >= before.missed);
      REQUIRE(record.told + record.missed <= changes);
      if (record.missed > before.missed) REQUIRE(record.streak <= 1);
    }
  }
}

TEST_CASE("the words of the store are read back") {
  for (const auto by : {KnownBy::webhook, KnownBy::last_modified, KnownBy::created, KnownBy::nothing})
    CHECK(known_by_from(to_string(by)) == by);
  CHECK(known_by_from("guessed") == KnownBy::nothing);
}
