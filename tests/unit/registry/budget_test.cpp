#include "registry/budget.hpp"

#include "core/random.hpp"

#include <deque>
#include <limits>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::registry;
using namespace std::chrono_literals;

namespace {

constexpr Steady start{1h};
constexpr bool pull = true;

Budget with(Allowance allowance) {
  Budget budget;
  budget.allow(allowance, start);
  return budget;
}

/// Takes as much as there is and says how much that was.
int take_all(Budget& budget, Pace pace, Steady now) {
  int taken = 0;
  for (; budget.wait(pace, pull, now) == 0ms && taken < 100'000; ++taken)
    budget.take(pull, now);
  return taken;
}

}  // namespace

TEST_CASE("Docker Hub's limits are read, whatever else a header holds") {
  using Fields = net::Headers;
  CHECK(rate_limit(Fields{{"RateLimit-Limit", "100;w=21600"}, {"ratelimit-remaining", "76;w=21600"}}) ==
        RateLimit{100, 76, 6h});
  CHECK(rate_limit(Fields{{"ratelimit-limit", "100, 100;w=60"}, {"ratelimit-remaining", " 3 "}}) ==
        RateLimit{100, 3, 0ms});
  CHECK(rate_limit(Fields{{"ratelimit-remaining", "5 ; x=1 ; w=60"}}) == RateLimit{0, 5, 60s});
  for (const auto* nothing : {"", ";w=21600", "many;w=21600", "-3;w=21600", "99999999999999999999", "1.5"}) {
    INFO(nothing);
    CHECK_FALSE(rate_limit(Fields{{"ratelimit-remaining", nothing}}).has_value());
  }
  CHECK(rate_limit(Fields{{"ratelimit-remaining", "5;w=99999999999"}}) == RateLimit{0, 5, 0ms});
  CHECK_FALSE(rate_limit(Fields{{"ratelimit-limit", "100;w=21600"}}).has_value());
  CHECK_FALSE(rate_limit({}).has_value());
}

TEST_CASE("D4: a limit of absurd size is a large one") {
  const std::string most = std::to_string(std::numeric_limits<std::int64_t>::max());
  const auto limit = rate_limit({{"ratelimit-limit", most + ";w=60"}, {"ratelimit-remaining", most}});
  REQUIRE(limit);
  CHECK(limit->limit == limit->remaining);
  CHECK(limit->window == 60s);
  Budget budget;
  budget.told(*limit, true, start);
  CHECK_FALSE(budget.puts_off_looks(start));
  budget.told({0, limit->remaining, 60s}, true, start);
  CHECK(budget.looks_from(start) == Steady::min());
}

TEST_CASE("without an allowance nothing waits") {
  Budget budget;
  for (int i = 0; i < 1000; ++i)
    budget.take(pull, start);
  CHECK(budget.wait(Pace::look, pull, start) == 0ms);
}

TEST_CASE("an allowance may be used at once, and comes back evenly") {
  auto budget = with({100, 6h});
  CHECK(take_all(budget, Pace::begin, start) == 100);
  CHECK(budget.left(start) == Approx(0));
  CHECK(budget.wait(Pace::begin, pull, start) == 216s);
  CHECK(budget.wait(Pace::begin, pull, start + 215s) == 1s);
  CHECK(take_all(budget, Pace::begin, start + 216s) == 1);
  CHECK(take_all(budget, Pace::begin, start + 24h) == 100);
}

TEST_CASE("HEADs are free where pulls count, and are not where requests do") {
  auto pulls = with({1, 1h, Allowance::Counts::pulls});
  auto requests = with({1, 1h, Allowance::Counts::requests});
  for (auto* budget : {&pulls, &requests})
    budget->take(!pull, start);
  CHECK(pulls.wait(Pace::begin, pull, start) == 0ms);
  CHECK(requests.wait(Pace::begin, !pull, start) == 1h);
}

TEST_CASE("looks leave a tenth to work") {
  auto budget = with({100, 100min});
  CHECK(take_all(budget, Pace::look, start) == 90);
  CHECK(budget.wait(Pace::look, pull, start) == 1min);
  CHECK(budget.wait(Pace::begin, pull, start) == 0ms);
  auto tiny = with({1, 1h});
  CHECK(tiny.wait(Pace::look, pull, start) == 0ms);
}

TEST_CASE("work that has begun goes on, and what it overdraws is paid back first") {
  auto budget = with({10, 10min});
  take_all(budget, Pace::begin, start);
  for (int i = 0; i < 5; ++i) {
    CHECK(budget.wait(Pace::go_on, pull, start) == 0ms);
    budget.take(pull, start);
  }
  CHECK(budget.left(start) == Approx(-5));
  CHECK(budget.wait(Pace::begin, pull, start) == 6min);
  for (int i = 0; i < 1000; ++i)
    budget.take(pull, start);
  CHECK(budget.wait(Pace::begin, pull, start) <= 11min);
}

TEST_CASE("work that has begun waits for its turn when that comes soon") {
  auto budget = with({50, 1s, Allowance::Counts::requests});
  take_all(budget, Pace::begin, start);
  CHECK(budget.wait(Pace::go_on, pull, start, 5s) == 20ms);
  CHECK(budget.wait(Pace::go_on, pull, start, 19ms) == 0ms);
}

TEST_CASE("another allowance takes over what share of the one before was used") {
  auto budget = with({100, 1h});
  for (int i = 0; i < 50; ++i)
    budget.take(pull, start);
  budget.allow(Allowance{10, 1min}, start);
  CHECK(budget.left(start) == Approx(5).margin(0.001));
  budget.allow(std::nullopt, start);
  CHECK(budget.wait(Pace::begin, pull, start) == 0ms);
}

TEST_CASE("property: no window ever sees more than twice the allowance, nor an idle registry less than all") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SeededRandom random(seed);
    const Allowance allowance{1 + static_cast<std::int64_t>(random.next() % 50),
                              Milliseconds(1000 + random.next() % 100'000)};
    auto budget = with(allowance);
    std::deque<Steady> taken;
    auto now = start;
    for (int step = 0; step < 2000; ++step) {
      now += Milliseconds(random.next() % 3000);
      const auto pace = random.next() % 2 == 0 ? Pace::look : Pace::begin;
      const auto wait = budget.wait(pace, pull, now);
      // What is promised holds: when nobody else asks, the wait is enough.
      CHECK(budget.wait(pace, pull, now + wait) == 0ms);
      if (wait > 0ms) continue;
      budget.take(pull, now);
      taken.push_back(now);
      while (taken.front() <= now - allowance.per)
        taken.pop_front();
      REQUIRE(taken.size() <= 2 * static_cast<std::size_t>(allowance.count));
    }
    CHECK(take_all(budget, Pace::begin, now + allowance.per) == allowance.count);
  }
}

TEST_CASE("C4: a refusal is a pause for everything, as long as the registry said") {
  Budget budget;
  CHECK(budget.refused(30s, start, start, 0.5));
  for (const auto pace : {Pace::look, Pace::begin, Pace::go_on})
    CHECK(budget.wait(pace, !pull, start) == 30s);
  CHECK(budget.wait(Pace::begin, pull, start + 30s) == 0ms);
  CHECK_FALSE(budget.refused(10s, start, start, 0.5));  // the same pause, not cut short
  CHECK(budget.pause(start) == 30s);
}

TEST_CASE("C4: without a Retry-After each refusal doubles the pause, those at the same time count once") {
  Budget budget;
  auto now = start;
  for (int i = 0; i < 4; ++i)
    budget.refused(std::nullopt, now, now + 1ms, 0.0);
  CHECK(budget.pause(now + 1ms) == 1s);
  auto longest = 0ms;
  for (int i = 0; i < 20; ++i) {
    now += budget.pause(now) + 1ms;
    budget.refused(std::nullopt, now, now, 0.0);
    CHECK(budget.pause(now) >= longest);
    longest = budget.pause(now);
  }
  CHECK(longest == 7min + 30s);
  now += longest;
  budget.accepted(now);
  budget.refused(std::nullopt, now, now, 0.0);
  CHECK(budget.pause(now) == 1s);
}

TEST_CASE("looks are spread over the window when little remains and they count") {
  Budget budget;
  CHECK_FALSE(budget.puts_off_looks(start));
  budget.told({100, 60, 6h}, true, start);
  CHECK_FALSE(budget.puts_off_looks(start));
  budget.told({100, 10, 1h}, true, start);  // less than before: looks count here
  CHECK(budget.puts_off_looks(start));
  const auto gap = std::chrono::duration_cast<Milliseconds>(1h) / 11;
  CHECK(budget.puts_off_looks(start + gap - 1ms));
  CHECK_FALSE(budget.puts_off_looks(start + gap));
  CHECK(budget.wait(Pace::begin, pull, start) == 0ms);  // work goes
  budget.told({100, 0, 6h}, true, start);
  CHECK(budget.puts_off_looks(start + 59min));
  CHECK_FALSE(budget.puts_off_looks(start + 1h));  // never for longer
}

TEST_CASE("from when on looks may go follows from the allowance and from the registry's limit") {
  Budget budget;
  CHECK(budget.looks_from(start) <= start);
  budget.allow(Allowance{60, 1h, Allowance::Counts::requests}, start);
  for (int i = 0; i < 54; ++i) {
    CHECK(budget.looks_from(start) <= start);
    budget.take(false, start);
  }
  // The last tenth is left to work.
  CHECK(budget.looks_from(start) == start + 1min);
  CHECK(budget.looks_from(start + 1min) <= start + 1min);
  budget.told({100, 10, 6h}, true, start);
  CHECK_FALSE(budget.looks_cost());
  budget.told({100, 9, 6h}, true, start);
  CHECK(budget.looks_cost());
  CHECK(budget.looks_from(start) == start + 36min);
}

TEST_CASE("looks that the registry does not count are not put off") {
  Budget budget;
  budget.told({100, 5, 6h}, false, start);
  budget.told({100, 5, 6h}, true, start);
  CHECK_FALSE(budget.puts_off_looks(start));
  budget.told({100, 4, 6h}, true, start);
  CHECK(budget.puts_off_looks(start));
}

TEST_CASE("what a registry told holds for its window only") {
  Budget budget;
  budget.told({100, 0, 10min}, true, start);
  CHECK(budget.puts_off_looks(start + 9min));
  CHECK_FALSE(budget.puts_off_looks(start + 10min));
  budget.told({100, 0, 0ms}, true, start);
  CHECK_FALSE(budget.puts_off_looks(start));
}
