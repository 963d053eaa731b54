#include "net/bandwidth.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::net;
using namespace std::chrono_literals;

namespace {
const Steady start{1h};
}

TEST_CASE("without a limit nobody waits and pieces are as wanted") {
  Bandwidth bandwidth;
  CHECK_FALSE(bandwidth.is_limited());
  CHECK(bandwidth.take(1'000'000'000, start) <= start);
  CHECK(bandwidth.piece(256 * 1024) == 256 * 1024);
}

TEST_CASE("what is taken beyond the burst is paid for by waiting") {
  Bandwidth bandwidth(1'000'000);
  CHECK(bandwidth.take(250'000, start) <= start);
  CHECK(bandwidth.take(500'000, start) == start + 500ms);
  CHECK(bandwidth.take(500'000, start) == start + 1000ms);
  // After a pause the debt is gone, and no more than the burst was saved.
  CHECK(bandwidth.take(1'250'000, start + 1h) == start + 1h + 1000ms);
}

TEST_CASE("property: many transfers together keep to the rate over any time") {
  Bandwidth bandwidth(10'000'000);
  std::uint64_t moved = 0;
  Steady now[8];
  std::fill(std::begin(now), std::end(now), start);
  const Steady end = start + 20s;
  while (true) {
    auto* next = std::min_element(std::begin(now), std::end(now));
    if (*next >= end) break;
    const std::size_t piece = bandwidth.piece(256 * 1024);
    *next = std::max(*next, bandwidth.take(piece, *next));
    moved += piece;
  }
  CHECK(moved >= 10'000'000ULL * 20);
  CHECK(moved <= 10'000'000ULL * 21);
}

TEST_CASE("pieces are small enough for an even flow, and never nothing") {
  CHECK(Bandwidth(1'000'000).piece(256 * 1024) == 100'000);
  CHECK(Bandwidth(1'000'000).piece(10) == 10);
  CHECK(Bandwidth(1).piece(4096) == 1024);
  CHECK(Bandwidth(1).piece(1) == 1);
}

TEST_CASE("a new rate holds from the next piece on") {
  Bandwidth bandwidth(1'000);
  bandwidth.set_rate(1'000'000);
  CHECK(bandwidth.take(1'250'000, start) == start + 1000ms);
  bandwidth.set_rate(0);
  CHECK(bandwidth.take(1'250'000, start) == start);
}
