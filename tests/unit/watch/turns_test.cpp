// Whose turn it is at one registry, and when.

#include "watch/turns.hpp"

#include <list>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::watch;
using namespace std::chrono_literals;

namespace {

struct OneRegistry {
  Turns turns{2};
  std::list<Watched> all;
  Steady now = Steady(1h);

  Watched& put(const std::string& key, Steady::duration in, bool hurried = false) {
    auto& watched = all.emplace_back();
    watched.watch.key = key;
    watched.hurried = hurried;
    turns.put(watched, {now + in, all.size()});
    return watched;
  }
  std::string take(Steady::duration in) { return turns.take(now + in).watch.key; }
  std::optional<Steady::duration> turn() const {
    const auto due = turns.turn();
    return due ? std::optional(due->at - now) : std::nullopt;
  }
};

}  // namespace

TEST_CASE_METHOD(OneRegistry,
                 "the earliest goes first, and a hurried one before those that are due as well") {
  put("late", 3s);
  put("early", 1s);
  put("pushed", 2s, true);
  CHECK(turn() == 1s);
  CHECK(take(2s) == "pushed");
  CHECK(take(2s) == "early");
}

TEST_CASE_METHOD(OneRegistry, "it is nobody's turn while as many looks are out as may be") {
  auto& first = put("a", 0s);
  put("b", 0s);
  put("c", 0s);
  take(0s);
  take(0s);
  CHECK_FALSE(turn());
  CHECK_FALSE(turns.end_look(first, now));
  CHECK(turn() == 0s);
  turns.limit(0);
  CHECK_FALSE(turn());
}

TEST_CASE_METHOD(OneRegistry,
                 "C4: what nobody hurried waits for the budget, what somebody hurried does not") {
  put("a", 0s);
  CHECK(turns.pace(now + 1h));
  CHECK_FALSE(turns.pace(now + 1h));
  CHECK(turn() == 1h);
  put("pushed", 5s, true);
  CHECK(turn() == 5s);
}

TEST_CASE_METHOD(OneRegistry,
                 "C1: while a registry is held, one probe is out at a time, whenever it is due") {
  auto& first = put("a", 2h);
  put("b", 3h);
  turns.hold(now + 10s);
  CHECK(turn() == 10s);
  CHECK(take(10s) == "a");
  CHECK_FALSE(turn());
  // The registry said nothing of the probe: another one goes a second later.
  CHECK(turns.end_look(first, now + 10s));
  CHECK(turn() == 11s);
}

TEST_CASE_METHOD(OneRegistry, "a look that ends after the registry was let go is no probe any more") {
  auto& first = put("a", 0s);
  turns.hold(now);
  take(0s);
  CHECK(turns.let_go(now).empty());
  CHECK_FALSE(turns.end_look(first, now));
  CHECK(turns.is_idle());
}

TEST_CASE_METHOD(OneRegistry, "letting go takes out of the line what became due or failed meanwhile") {
  auto& overdue = put("overdue", 1s);
  put("later", 1h);
  auto& failed = put("failed", 2h);
  failed.failed = true;
  turns.hold(now + 10s);
  CHECK(turns.let_go(now + 10s) == std::vector{&overdue, &failed});
  CHECK_FALSE(turns.held_until());
  CHECK(turns.last() == now + 1h);
}
