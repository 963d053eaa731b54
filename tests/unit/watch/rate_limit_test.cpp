#include "watch/rate_limit.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::watch;
using namespace std::chrono_literals;

TEST_CASE("A burst passes, then the rate") {
  RateLimit limit({.per_second = 10, .burst = 5});
  Steady now(1h);
  for (int i = 0; i < 5; ++i)
    CHECK_FALSE(limit.take("a", now));
  CHECK(limit.take("a", now) == 100ms);
  now += 100ms;
  CHECK_FALSE(limit.take("a", now));
  CHECK(limit.take("a", now));
  now += 1h;
  for (int i = 0; i < 5; ++i)
    CHECK_FALSE(limit.take("a", now));
  CHECK(limit.take("a", now));
}

TEST_CASE("D6: one that floods takes nothing from another") {
  RateLimit limit({.per_second = 1, .burst = 1});
  const Steady now(1h);
  for (int i = 0; i < 100; ++i)
    limit.take("flood", now);
  CHECK_FALSE(limit.take("honest", now));
}

TEST_CASE("D6: a flood of addresses costs no memory without end") {
  RateLimit limit({.per_second = 1, .burst = 1}, 100);
  const Steady now(1h);
  CHECK_FALSE(limit.take("kept", now));
  for (int i = 0; i < 10'000; ++i) {
    limit.take(std::to_string(i), now);
    CHECK(limit.take("kept", now));  // used all the time, so it is not the one that goes
  }
  CHECK(limit.size() == 100);
}

TEST_CASE("A6: a clock that stands still or goes back gives no tokens and takes none") {
  RateLimit limit({.per_second = 10, .burst = 2});
  const Steady now(1h);
  CHECK_FALSE(limit.take("a", now));
  CHECK_FALSE(limit.take("a", now - 30min));
  CHECK(limit.take("a", now - 30min));
}
