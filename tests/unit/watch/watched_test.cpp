// What the end of a look means for a watch.

#include "watch/watched.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::watch;
using namespace std::chrono_literals;

namespace {

struct OneWatch {
  SeededRandom random{1};
  Steady now = Steady(1h);
  Watched watched = [] {
    Watched made;
    made.watch = {.key = "a", .registry = "r", .every = 15min};
    made.begin_look(false);
    return made;
  }();

  Steady::duration wait_after_failure() { return watched.not_answered(now, std::nullopt, random) - now; }
};

}  // namespace

TEST_CASE_METHOD(OneWatch,
                 "a good look is followed by the next one as was said, or else after the interval") {
  CHECK(watched.succeeded(now, Next{now + 3h}, random) == now + 3h);
  const auto interval = watched.succeeded(now, std::nullopt, random) - now;
  CHECK(interval >= 13min + 30s);
  CHECK(interval <= 16min + 30s);
}

TEST_CASE_METHOD(OneWatch, "the backoff of a watch grows to five minutes, and ends with a good look") {
  Steady::duration longest{};
  for (int i = 0; i < 100; ++i)
    longest = std::max(longest, wait_after_failure());
  CHECK(longest > 1min);
  CHECK(longest <= 5min);
  watched.succeeded(now, std::nullopt, random);
  CHECK(wait_after_failure() <= 2s);
}

TEST_CASE_METHOD(OneWatch, "the backoff of a watch that is looked at often grows to eight intervals") {
  watched.watch.every = 1s;
  for (int i = 0; i < 100; ++i)
    CHECK(wait_after_failure() <= 8s);
}

TEST_CASE_METHOD(OneWatch, "C4: a time that was told is kept to a quarter of an hour and is no backoff") {
  CHECK(watched.not_answered(now, 10min, random) == now + 10min);
  CHECK(watched.not_answered(now, 24h, random) == now + 15min);
  CHECK(watched.failures == 0);
}

TEST_CASE_METHOD(OneWatch, "what was hurried while its look was out is hurried after it, at that time") {
  watched.look_again(now + 5s);
  watched.look_again(now + 3s);
  CHECK(watched.succeeded(now, Next{now + 3h}, random) == now + 3s);
  CHECK(watched.hurried);
  watched.begin_look(false);
  CHECK(watched.succeeded(now, Next{now + 3h}, random) == now + 3h);
  CHECK_FALSE(watched.hurried);
}

TEST_CASE_METHOD(OneWatch, "a hurried look that failed stays hurried") {
  watched.hurried = true;
  wait_after_failure();
  CHECK(watched.hurried);
}

TEST_CASE_METHOD(OneWatch, "E1: after an outage a watch is due within half its interval and a minute") {
  for (int i = 0; i < 100; ++i)
    CHECK(watched.returned(now, random) <= now + 1min);
  watched.watch.every = 10s;
  for (int i = 0; i < 100; ++i)
    CHECK(watched.returned(now, random) <= now + 5s);
  watched.hurried = true;
  CHECK(watched.returned(now, random) == now);
}
