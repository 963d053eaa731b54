#include "registry/breaker.hpp"

#include "core/random.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::registry;
using namespace std::chrono_literals;
using State = Breaker::State;

namespace {

constexpr Steady first_failure{1h};

Breaker opened(Steady now = first_failure) {
  Breaker breaker;
  for (int i = 0; i < Breaker::threshold; ++i)
    breaker.failed(breaker.take(now), now, 0.0);
  return breaker;
}

/// So many probes in vain, each as early as it may go; when the last one ended.
Steady probe_in_vain(Breaker& breaker, int probes) {
  auto now = first_failure;
  for (int i = 0; i < probes; ++i) {
    now += breaker.wait(now);
    breaker.failed(breaker.take(now), now, 0.0);
  }
  return now;
}

}  // namespace

TEST_CASE("C1: failures in a row open a breaker, an answer in between begins the count anew") {
  Breaker breaker;
  for (int i = 1; i < Breaker::threshold; ++i)
    CHECK_FALSE(breaker.failed(breaker.take(first_failure), first_failure, 0.5));
  CHECK_FALSE(breaker.succeeded());
  CHECK(breaker.failures() == 0);
  for (int i = 1; i < Breaker::threshold; ++i)
    CHECK_FALSE(breaker.failed(false, first_failure, 0.5));
  CHECK(breaker.wait(first_failure) == 0ms);
  CHECK(breaker.failed(false, first_failure, 0.5));
  CHECK(breaker.state() == State::open);
  CHECK(breaker.wait(first_failure) > 0ms);
}

TEST_CASE("C1: after its time one probe goes out, and all else waits for it") {
  auto breaker = opened();
  const auto due = first_failure + breaker.wait(first_failure);
  CHECK(breaker.wait(due) == 0ms);
  CHECK(breaker.take(due));
  CHECK(breaker.state() == State::half_open);
  CHECK(breaker.wait(due) == Breaker::probe_time);
  CHECK(breaker.succeeded());
  CHECK(breaker.state() == State::closed);
  CHECK(breaker.wait(due) == 0ms);
}

TEST_CASE("C1: each failed probe doubles the time up to five minutes, with jitter") {
  auto breaker = opened();
  auto now = first_failure;
  auto before = 0ms;
  for (int i = 0; i < 20; ++i) {
    const auto wait = breaker.wait(now);
    CHECK(wait >= before);
    CHECK(wait <= 5min);
    before = wait;
    now += wait;
    CHECK_FALSE(breaker.failed(breaker.take(now), now, 0.0));
    CHECK(breaker.state() == State::open);
  }
  CHECK(before == 2min + 30s);  // the half that jitter leaves
  now += before;
  breaker.failed(breaker.take(now), now, 0.999);
  CHECK(breaker.wait(now) > 4min);
  // Once it was closed, it begins small again.
  breaker.succeeded();
  CHECK(opened(now).wait(now) == 500ms);
}

TEST_CASE("failures of requests that were out when it opened change nothing") {
  auto breaker = opened();
  const auto wait = breaker.wait(first_failure);
  CHECK_FALSE(breaker.failed(false, first_failure, 0.9));
  CHECK(breaker.wait(first_failure) == wait);
}

TEST_CASE(
    "a probe that ends without news makes room for another a second after it began, as does one that hangs") {
  auto breaker = opened();
  const auto now = first_failure + breaker.wait(first_failure);
  CHECK(breaker.take(now));
  breaker.given_up(now + 300ms);
  CHECK(breaker.wait(now + 300ms) == 700ms);
  CHECK(breaker.take(now + 1s));
  CHECK(breaker.wait(now + 1s + Breaker::probe_time) == 0ms);
  CHECK(breaker.take(now + 1s + Breaker::probe_time));
}

TEST_CASE("C1: from when on it is asked is one instant until something happens") {
  CHECK_FALSE(Breaker().asked_from());
  auto breaker = opened();
  const auto from = breaker.asked_from();
  CHECK(from == first_failure + breaker.wait(first_failure));
  CHECK_FALSE(breaker.failed(false, first_failure + 100ms, 0.5));
  CHECK(breaker.asked_from() == from);
}

TEST_CASE("C1: a sign of life lets a probe go at once, one in a second, and times begin small again") {
  auto breaker = opened();
  auto now = probe_in_vain(breaker, 12);
  REQUIRE(breaker.wait(now) > 2min);
  now += 1min;
  breaker.heard(now);
  CHECK(breaker.wait(now) == 0ms);
  REQUIRE(breaker.take(now));
  const auto probed = now;
  now += 100ms;
  breaker.failed(true, now, 0.0);
  CHECK(breaker.wait(now) == 500ms);
  int probes = 0;
  for (now = probed; now < probed + 60s; now += 10ms) {
    breaker.heard(now);
    if (breaker.wait(now) > 0ms) continue;
    ++probes;
    REQUIRE(breaker.take(now));
    breaker.failed(true, now, 0.999);
  }
  CHECK(probes <= 61);
  CHECK(probes >= 30);
}

TEST_CASE("C1: what is heard while a probe is out calls for the next one, should it fail") {
  auto breaker = opened();
  auto now = probe_in_vain(breaker, 8);
  now += breaker.wait(now);
  REQUIRE(breaker.take(now));
  breaker.heard(now + 1s);
  breaker.failed(true, now + 5s, 0.0);
  CHECK(breaker.wait(now + 5s) == 0ms);
}

TEST_CASE("property: whatever happens, a request may go within five minutes, and one answer closes it") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SeededRandom random(seed);
    Breaker breaker;
    auto now = first_failure;
    for (int step = 0; step < 500; ++step) {
      now += Milliseconds(random.next() % 120'000);
      REQUIRE(breaker.wait(now) <= 5min);
      REQUIRE((breaker.state() == State::closed) == (breaker.failures() < Breaker::threshold));
      if (breaker.wait(now) > 0ms) continue;
      const bool is_probe = breaker.take(now);
      REQUIRE(is_probe == (breaker.state() == State::half_open));
      switch (random.next() % 9) {
        case 8:
          breaker.heard(now);
          break;
        case 0:
          breaker.succeeded();
          REQUIRE(breaker.state() == State::closed);
          break;
        case 1:
          if (is_probe) breaker.given_up(now);
          break;
        case 2:
          break;  // hangs
        default:
          breaker.failed(is_probe, now, random.unit());
      }
    }
  }
}
