// What can be promised of a registry.

#include "watch/promise.hpp"

#include "core/random.hpp"

#include <algorithm>
#include <vector>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::watch;
using namespace std::chrono_literals;

TEST_CASE("where nothing limits, each watch has its own pace") {
  const std::vector<Milliseconds> paces(240, 15min);
  const auto made = promise(paces, {.at_once = 4, .look_takes = 200ms, .budget = {}, .limit = {}});
  CHECK(made.watches == 240);
  CHECK(made.from == 15min);
  CHECK(made.to == 15min);
  CHECK(made.per_hour == Approx(960));
  CHECK(made.held_back_by == HeldBackBy::nothing);
}

TEST_CASE("with a budget the interval is the number of watches divided by its rate, if that is longer") {
  const std::vector<Milliseconds> paces(1000, 60s);
  const auto made = promise(paces, {.at_once = 4, .look_takes = {}, .budget = 2.0, .limit = {}});
  CHECK(made.from == 500s);
  CHECK(made.to == 500s);
  CHECK(made.per_hour == Approx(7200));
  CHECK(made.held_back_by == HeldBackBy::budget);
  CHECK(promise(paces, {.at_once = 4, .look_takes = {}, .budget = 20.0, .limit = {}}).from == 60s);
}

TEST_CASE("looks that take long limit as well") {
  const std::vector<Milliseconds> paces(100, 1s);
  const auto made = promise(paces, {.at_once = 4, .look_takes = 1s, .budget = {}, .limit = {}});
  CHECK(made.from == 25s);
  CHECK(made.held_back_by == HeldBackBy::concurrency);
}

TEST_CASE("the limit that a registry told holds like a budget, and the tighter one is named") {
  const std::vector<Milliseconds> paces(200, 1s);
  Supply supply{.at_once = 4, .look_takes = 5ms, .budget = 1.0, .limit = 100 / 21600.0};
  const auto made = promise(paces, supply);
  CHECK(made.from == 12h);
  CHECK(made.held_back_by == HeldBackBy::limit);
  CHECK(to_string(made.held_back_by) == "limit");
  supply.budget = 0.001;
  CHECK(promise(paces, supply).held_back_by == HeldBackBy::budget);
}

TEST_CASE("a registry without watches promises nothing") {
  CHECK(promise({}, {}).watches == 0);
  CHECK(promise({}, {}).from == 0ms);
}

TEST_CASE("property: no more is promised than is allowed, and no watch faster than it wants") {
  SeededRandom draw(3);
  const auto below = [&](std::uint64_t limit) { return static_cast<std::int64_t>(draw.next() % limit); };
  for (int round = 0; round < 500; ++round) {
    std::vector<Milliseconds> paces;
    for (auto n = 1 + below(200); n > 0; --n)
      paces.emplace_back(100 + below(3'600'000));
    Supply supply{
        .at_once = static_cast<std::size_t>(1 + below(10)), .look_takes = {}, .budget = {}, .limit = {}};
    if (below(2) == 0) supply.look_takes = Milliseconds(1 + below(5000));
    if (below(2) == 0) supply.limit = 0.01 + static_cast<double>(below(1000)) / 10;
    if (below(2) == 0) supply.budget = 0.01 + static_cast<double>(below(1000)) / 10;
    const auto made = promise(paces, supply);
    REQUIRE(made.from <= made.to);
    REQUIRE(made.from >= *std::min_element(paces.begin(), paces.end()));
    if (supply.budget) REQUIRE(made.per_hour <= *supply.budget * 3600 * 1.000001);
    if (supply.limit) REQUIRE(made.per_hour <= *supply.limit * 3600 * 1.000001);
    // All of them at their promised paces are what is promised in an hour.
    const double factor = static_cast<double>(made.to.count()) /
                          static_cast<double>(std::max_element(paces.begin(), paces.end())->count());
    double hourly = 0;
    for (const auto pace : paces)
      hourly += 3'600'000.0 / (static_cast<double>(pace.count()) * factor);
    REQUIRE(hourly == Approx(made.per_hour).epsilon(0.01));
  }
}
