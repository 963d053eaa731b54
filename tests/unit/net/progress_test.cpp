#include "net/progress.hpp"

#include <limits>

#include <catch2/catch.hpp>

using namespace sluice;
using net::Progress;
using std::chrono::seconds;

namespace {
constexpr std::uint64_t endless = std::numeric_limits<std::uint64_t>::max();
const Steady beginning{std::chrono::hours(5)};
}  // namespace

TEST_CASE("C3: a peer that moves nothing is given up after the idle time") {
  Progress progress(seconds(30), 1024);
  progress.resume(beginning, endless);
  CHECK(progress.deadline() == beginning + seconds(30));
}

TEST_CASE("C3: single bytes do not put the deadline off, a full window does") {
  Progress progress(seconds(30), 1024);
  progress.resume(beginning, endless);
  progress.add(1000, beginning + seconds(10), endless);
  CHECK(progress.deadline() == beginning + seconds(30));
  progress.add(24, beginning + seconds(20), endless);
  CHECK(progress.deadline() == beginning + seconds(50));
}

TEST_CASE("C3: near the end only what is left must come") {
  Progress progress(seconds(30), 1024);
  progress.resume(beginning, 10);
  progress.add(10, beginning + seconds(29), 0);
  CHECK(progress.deadline() == beginning + seconds(59));
}

TEST_CASE("time in which we do not wait for the peer does not count") {
  Progress progress(seconds(30), 1024);
  progress.resume(beginning, endless);
  progress.add(1, beginning + seconds(20), endless);
  progress.pause(beginning + seconds(20));
  progress.resume(beginning + seconds(500), endless);
  CHECK(progress.deadline() == beginning + seconds(510));
}
