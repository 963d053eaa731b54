// Everything in virtual time: the test's own hours pass in no time.

#include "watch/scheduler.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::watch;
using namespace std::chrono_literals;

namespace {

using Keys = std::vector<std::string>;

struct World {
  SeededRandom random{1};
  Scheduler scheduler;
  Steady now = Steady(1h);

  explicit World(std::size_t per_registry = 4) : scheduler(random, per_registry) {}

  void put(const std::string& key, const std::string& registry = "r", Milliseconds every = 15min) {
    scheduler.put({.key = key, .registry = registry, .every = every}, now);
  }
  /// Goes to the next due time and takes what is due there.
  Keys next() {
    const auto due = scheduler.next_due();
    if (!due) return {};
    now = std::max(now, *due);
    return scheduler.take_due(now);
  }
  void finish(const std::string& key, bool ok = true,
              std::optional<Milliseconds> retry_after = std::nullopt) {
    scheduler.finished(key, now, ok, retry_after);
  }
};

}  // namespace

TEST_CASE("an empty scheduler has nothing due") {
  World world;
  CHECK_FALSE(world.scheduler.next_due());
  CHECK(world.scheduler.take_due(world.now).empty());
  CHECK(world.scheduler.size() == 0);
}

TEST_CASE("a new watch is first due within two seconds, or sooner when it is watched more often") {
  for (int i = 0; i < 100; ++i) {
    World world;
    world.random = SeededRandom(static_cast<std::uint64_t>(i));
    world.put("slow");
    CHECK(*world.scheduler.next_due() >= world.now);
    CHECK(*world.scheduler.next_due() < world.now + 2s);
    world.put("fast", "other", 100ms);
    CHECK(*world.scheduler.next_due() < world.now + 2s);
    world.scheduler.remove("slow");
    CHECK(*world.scheduler.next_due() < world.now + 100ms);
  }
}

TEST_CASE("after a good look a watch is due after its interval, within ten percent") {
  World world;
  world.put("a");
  std::set<Steady::duration> intervals;
  for (int i = 0; i < 200; ++i) {
    REQUIRE(world.next() == Keys{"a"});
    world.finish("a");
    const auto interval = *world.scheduler.next_due() - world.now;
    REQUIRE(interval >= 13min + 30s);
    REQUIRE(interval <= 16min + 30s);
    intervals.insert(interval);
  }
  CHECK(intervals.size() > 100);
}

TEST_CASE("a watch that is out is not taken again until its look ended") {
  World world;
  world.put("a");
  REQUIRE(world.next() == Keys{"a"});
  CHECK_FALSE(world.scheduler.next_due());
  CHECK(world.scheduler.take_due(world.now + 24h).empty());
}

TEST_CASE("a hurried watch is due now") {
  World world;
  world.put("a");
  REQUIRE(world.next() == Keys{"a"});
  world.finish("a");
  CHECK(world.scheduler.take_due(world.now).empty());
  CHECK(world.scheduler.hurry("a", world.now));
  CHECK(world.scheduler.next_due() == world.now);
  CHECK(world.scheduler.take_due(world.now) == Keys{"a"});
}

TEST_CASE("hurrying a watch that nobody knows is refused") {
  World world;
  CHECK_FALSE(world.scheduler.hurry("a", world.now));
}

TEST_CASE("E2: ten thousand hints for one watch are one look, and one more when a look was out") {
  World world;
  world.put("a");
  for (int i = 0; i < 10'000; ++i)
    world.scheduler.hurry("a", world.now);
  REQUIRE(world.scheduler.take_due(world.now) == Keys{"a"});
  for (int i = 0; i < 10'000; ++i)
    world.scheduler.hurry("a", world.now);
  CHECK(world.scheduler.take_due(world.now).empty());
  world.finish("a");
  REQUIRE(world.scheduler.take_due(world.now) == Keys{"a"});
  world.finish("a");
  CHECK(world.scheduler.take_due(world.now).empty());
}

TEST_CASE("one registry has at most its number of looks out, others go on") {
  World world(2);
  for (const auto* key : {"a", "b", "c", "d"})
    world.put(key, "busy");
  world.put("e", "idle");
  world.now += 2s;
  auto due = world.scheduler.take_due(world.now);
  std::sort(due.begin(), due.end());
  CHECK(due.size() == 3);
  CHECK(due.back() == "e");
  CHECK_FALSE(world.scheduler.next_due());
  world.finish(due.front());
  CHECK(world.scheduler.take_due(world.now).size() == 1);
}

TEST_CASE("a registry with its own limit uses that") {
  World world(1);
  world.scheduler.limit("r", 3);
  for (const auto* key : {"a", "b", "c", "d"})
    world.put(key);
  world.now += 2s;
  CHECK(world.scheduler.take_due(world.now).size() == 3);
  world.scheduler.limit("r", 4);
  CHECK(world.scheduler.take_due(world.now).size() == 1);
}

TEST_CASE("C1: a registry that is down gets one look at the time that was told, whoever is due") {
  World world;
  for (int i = 0; i < 50; ++i)
    world.put("w" + std::to_string(i), "down", 1h);
  world.put("other", "up", 1h);
  while (*world.scheduler.next_due() < Steady(1h + 3s))
    for (const auto& key : world.next())
      world.finish(key);
  auto wait = 1s;
  std::set<std::string> probes;
  for (int i = 0; i < 8; ++i, wait *= 2) {
    const auto until = world.now + wait;
    world.scheduler.hold("down", until, world.now);
    CHECK(world.scheduler.take_due(until - 1ms).empty());
    const auto probe = world.next();
    REQUIRE(probe.size() == 1);
    CHECK(world.now == until);
    CHECK(world.scheduler.take_due(world.now + 30s).empty());
    probes.insert(probe.front());
    // The registry's word comes before the end of the look.
    world.scheduler.hold("down", world.now + wait * 2, world.now);
    world.finish(probe.front(), false);
  }
  // A watch that fails by its own fault must not stand in the way.
  CHECK(probes.size() == 8);
}

TEST_CASE("C1: a probe that never came to ask is followed by another one a second later") {
  World world;
  world.put("a");
  world.put("b");
  world.scheduler.hold("r", world.now, world.now);
  const auto first = world.scheduler.take_due(world.now);
  REQUIRE(first.size() == 1);
  world.finish(first.front());
  CHECK(world.scheduler.next_due() == world.now + 1s);
}

TEST_CASE("E1: what became due or failed during an outage is spread over half of its interval afterwards") {
  World world(8);
  constexpr int watches = 1500;
  for (int i = 0; i < watches; ++i)
    world.put("w" + std::to_string(i), "r", 10s);
  std::map<std::string, int> looks;
  const auto turn = [&](bool up) {
    for (const auto& key : world.next()) {
      ++looks[key];
      world.finish(key, up);
    }
  };
  while (world.now < Steady(1h + 20s))
    turn(true);
  for (int i = 0; i < 5; ++i)
    turn(false);
  const auto back = world.now + 25s;
  world.scheduler.hold("r", back, world.now);
  REQUIRE(world.next().size() == 1);
  world.scheduler.hurry("w7", world.now);
  world.scheduler.hold("r", std::nullopt, back);
  // What somebody pushed goes first.
  REQUIRE(world.next() == Keys{"w7"});
  CHECK(world.now == back);
  world.finish("w7");
  looks.clear();
  std::map<std::int64_t, int> per_second;
  while (*world.scheduler.next_due() < back + 5s)
    for (const auto& key : world.next()) {
      ++per_second[std::chrono::floor<std::chrono::seconds>(world.now - back).count()];
      ++looks[key];
      world.finish(key);
    }
  CHECK(looks.size() >= watches - 2);
  for (const auto& [second, count] : per_second)
    CHECK(count < 400);
}

TEST_CASE("after an outage every watch is looked at soon, whatever its own backoff had become") {
  World world;
  for (int i = 0; i < 50; ++i)
    world.put("w" + std::to_string(i), "r", 2s);
  for (int i = 0; i < 200; ++i)
    for (const auto& key : world.next())
      world.finish(key, false);
  world.scheduler.hold("r", world.now + 10min, world.now);
  world.now += 10min;
  world.scheduler.hold("r", std::nullopt, world.now);
  const auto back = world.now;
  std::set<std::string> seen;
  while (seen.size() < 50)
    for (const auto& key : world.next()) {
      seen.insert(key);
      world.finish(key);
    }
  CHECK(world.now <= back + 1s);
}

TEST_CASE("a watch that was hurried goes before those that have been due for long, until it succeeds") {
  World world(1);
  for (int i = 0; i < 100; ++i)
    world.put("w" + std::to_string(i));
  world.put("pushed");
  world.now += 1min;
  world.scheduler.hurry("pushed", world.now);
  REQUIRE(world.next() == Keys{"pushed"});
  world.finish("pushed", false);
  world.now += 5s;
  REQUIRE(world.next() == Keys{"pushed"});
  world.finish("pushed");
  world.scheduler.put_off("pushed", {world.now});
  CHECK(world.next() != Keys{"pushed"});
}

TEST_CASE("C4: a budget that allows looks later holds back what nobody hurried, and only that") {
  World world;
  world.put("a");
  world.put("b");
  world.now += 2s;
  world.scheduler.pace("r", world.now + 1h);
  CHECK(world.scheduler.take_due(world.now).empty());
  CHECK(world.scheduler.next_due() == world.now + 1h);
  world.scheduler.hurry("b", world.now);
  CHECK(world.scheduler.take_due(world.now) == Keys{"b"});
  CHECK(world.scheduler.take_due(world.now + 59min).empty());
  CHECK(world.scheduler.take_due(world.now + 1h) == Keys{"a"});
}

TEST_CASE("one watch that always fails does not slow down the others of its registry") {
  World world;
  world.put("missing", "r", 10s);
  for (int i = 0; i < 10; ++i)
    world.put("w" + std::to_string(i), "r", 10s);
  std::map<std::string, int> looks;
  const auto begin = world.now;
  while (world.now < begin + 1h)
    for (const auto& key : world.next()) {
      ++looks[key];
      world.finish(key, key != "missing");
    }
  for (int i = 0; i < 10; ++i)
    CHECK(looks["w" + std::to_string(i)] > 300);
  CHECK(looks["missing"] < 120);
  CHECK(looks["missing"] > 20);
}

TEST_CASE("C4: a watch that was told when to come back comes back then, with no backoff of its own") {
  World world;
  world.put("a");
  for (int i = 0; i < 10; ++i) {
    REQUIRE(world.next() == Keys{"a"});
    world.finish("a", false, 10min);
    CHECK(*world.scheduler.next_due() == world.now + 10min);
  }
  REQUIRE(world.next() == Keys{"a"});
  world.finish("a", false);
  CHECK(*world.scheduler.next_due() <= world.now + 2s);
}

TEST_CASE("C4: a retry-after of a year is capped") {
  World world;
  world.put("a");
  REQUIRE(world.next() == Keys{"a"});
  world.finish("a", false, std::chrono::hours(24 * 365));
  CHECK(*world.scheduler.next_due() == world.now + 15min);
}

TEST_CASE("a hint does not break the pause that the registry asked for, and no other registry has it") {
  World world;
  world.put("a");
  world.put("b", "other");
  world.now += 2s;
  REQUIRE(world.scheduler.take_due(world.now).size() == 2);
  world.finish("b");
  world.scheduler.hurry("a", world.now);
  world.scheduler.hold("r", world.now + 10min, world.now);
  world.finish("a", false, 10min);
  world.scheduler.hurry("a", world.now);
  world.scheduler.hurry("b", world.now);
  CHECK(world.scheduler.take_due(world.now + 9min) == Keys{"b"});
  CHECK(world.scheduler.take_due(world.now + 10min) == Keys{"a"});
}

TEST_CASE("a removed watch is never due again, also when it was out") {
  World world;
  world.put("a");
  world.put("b");
  world.now += 2s;
  REQUIRE(world.scheduler.take_due(world.now).size() == 2);
  world.finish("b");
  world.scheduler.remove("a");
  world.scheduler.remove("b");
  CHECK(world.scheduler.size() == 0);
  CHECK_FALSE(world.scheduler.hurry("a", world.now));
  world.finish("a");
  CHECK_FALSE(world.scheduler.next_due());
}

TEST_CASE("a watch that is removed and comes back while out is looked at again") {
  World world;
  world.put("a");
  REQUIRE(world.next() == Keys{"a"});
  world.scheduler.remove("a");
  world.put("a");
  CHECK(world.scheduler.size() == 1);
  CHECK(world.scheduler.take_due(world.now + 1h).empty());
  world.finish("a");
  CHECK(world.scheduler.take_due(world.now) == Keys{"a"});
}

TEST_CASE("a watch that moves to another registry while out frees its place at the old one") {
  World world(1);
  world.put("a", "old");
  REQUIRE(world.next() == Keys{"a"});
  world.put("b", "old");
  world.put("a", "new");
  world.finish("a");
  world.now += 2s;
  auto due = world.scheduler.take_due(world.now);
  std::sort(due.begin(), due.end());
  CHECK(due == Keys{"a", "b"});
}

TEST_CASE("results that nobody waits for are ignored") {
  World world;
  world.put("a");
  world.finish("a");
  world.finish("stranger");
  REQUIRE(world.next() == Keys{"a"});
  world.finish("a");
  world.finish("a");
  CHECK(world.scheduler.size() == 1);
  CHECK(*world.scheduler.next_due() > world.now);
}

TEST_CASE("E1: 100,000 watches due at one instant are spread and each is looked at once") {
  World world(8);
  constexpr int watches = 100'000;
  constexpr int registries = 10;
  for (int i = 0; i < watches; ++i)
    world.put("w" + std::to_string(i), "r" + std::to_string(i % registries), 24h);
  REQUIRE(world.scheduler.size() == watches);
  // The machine slept: all of them are overdue at the same instant.
  world.now += 1min;
  std::set<std::string> seen;
  std::size_t most_at_once = 0;
  while (seen.size() < watches) {
    const auto due = world.scheduler.take_due(world.now);
    REQUIRE_FALSE(due.empty());
    most_at_once = std::max(most_at_once, due.size());
    world.now += 20ms;
    for (const auto& key : due) {
      REQUIRE(seen.insert(key).second);
      world.finish(key);
    }
  }
  CHECK(most_at_once == 8 * registries);
}

TEST_CASE("property: drawn operations never let more looks out than allowed, nor lose a watch") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    World world(2);
    SeededRandom draw(seed);
    std::map<std::string, std::string> out;  // key -> registry when taken
    std::map<std::string, std::string> live;
    const auto below = [&](std::uint64_t limit) { return draw.next() % limit; };
    for (int i = 0; i < 2000; ++i) {
      const auto key = "k" + std::to_string(below(12));
      const auto registry = "r" + std::to_string(below(3));
      switch (below(8)) {
        case 6:
          world.scheduler.hold(
              registry, below(2) == 0 ? std::optional(world.now + Milliseconds(below(9000))) : std::nullopt,
              world.now);
          break;
        case 7:
          world.scheduler.pace(registry, world.now + Milliseconds(below(3000)));
          break;
        case 0:
          world.put(key, registry, Milliseconds(100 + below(5000)));
          live[key] = registry;
          break;
        case 1:
          world.scheduler.remove(key);
          live.erase(key);
          break;
        case 2:
          CHECK(world.scheduler.hurry(key, world.now) == live.contains(key));
          break;
        case 3:
          world.now += Milliseconds(below(3000));
          break;
        case 4:
          for (const auto& taken : world.scheduler.take_due(world.now)) {
            REQUIRE(live.contains(taken));
            REQUIRE(out.emplace(taken, live[taken]).second);
          }
          break;
        default:
          if (out.contains(key)) {
            world.finish(key, below(2) == 0,
                         below(4) == 0 ? std::optional(Milliseconds(below(9000))) : std::nullopt);
            out.erase(key);
          }
      }
      std::map<std::string, int> counts;
      for (const auto& [name, of] : out)
        REQUIRE(++counts[of] <= 2);
      REQUIRE(world.scheduler.size() == live.size());
    }
    for (const auto& [key, registry] : out)
      world.finish(key);
    for (int i = 0; i < 3; ++i)
      world.scheduler.hold("r" + std::to_string(i), std::nullopt, world.now);
    std::set<std::string> seen;
    for (int i = 0; i < 5000 && seen.size() < live.size(); ++i)
      for (const auto& key : world.next()) {
        seen.insert(key);
        world.finish(key);
      }
    REQUIRE(seen.size() == live.size());
  }
}

TEST_CASE("E2: a watch that is hurried to a later moment is due then, and a nearer one stays") {
  World world;
  world.put("a");
  world.next();
  world.finish("a");
  const auto start = world.now;
  CHECK(world.scheduler.hurry("a", start + 1s));
  CHECK(world.scheduler.next_due() == start + 1s);
  CHECK(world.scheduler.hurry("a", start + 2s));
  CHECK(world.scheduler.next_due() == start + 1s);
  CHECK(world.scheduler.hurry("a", start));
  CHECK(world.scheduler.next_due() == start);
}

TEST_CASE("E2: a watch that is hurried while its look is out is due again at the moment that was asked for") {
  World world;
  world.put("a");
  world.next();
  const auto start = world.now;
  world.scheduler.hurry("a", start + 3s);
  world.scheduler.hurry("a", start + 1s);
  world.scheduler.hurry("a", start + 2s);
  world.now += 100ms;
  world.finish("a");
  CHECK(world.scheduler.next_due() == start + 1s);
}

TEST_CASE("after a good look a watch is due when it is told so, spread as wide as it is told") {
  World world;
  world.put("a");
  std::set<Steady> times;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(world.next() == Keys{"a"});
    const Next next{world.now + 2h, 30s};
    world.scheduler.finished("a", world.now, true, std::nullopt, next);
    CHECK(*world.scheduler.next_due() >= next.at);
    CHECK(*world.scheduler.next_due() <= next.at + 30s);
    times.insert(*world.scheduler.next_due());
  }
  CHECK(times.size() == 100);
}

TEST_CASE("a failed look is tried again soon, whenever it would have been due") {
  World world;
  world.put("a");
  world.next();
  world.scheduler.finished("a", world.now, false, std::nullopt, Next{world.now + 24h});
  CHECK(*world.scheduler.next_due() < world.now + 1min);
}

TEST_CASE("A6: a watch can be put off to another time, unless it is out or waits after a failure") {
  World world;
  world.put("a");
  world.next();
  world.scheduler.put_off("a", {world.now + 9h});
  world.finish("a");
  world.scheduler.put_off("a", {world.now + 9h});
  CHECK(world.scheduler.next_due() == world.now + 9h);
  world.scheduler.put_off("a", {world.now});
  REQUIRE(world.next() == Keys{"a"});
  world.finish("a", false);
  const auto again = world.scheduler.next_due();
  world.scheduler.put_off("a", {world.now + 9h});
  world.scheduler.put_off("stranger", {world.now});
  CHECK(world.scheduler.next_due() == again);
}

TEST_CASE("E1: 100,000 watches with one cron are spread by jitter within their registry's concurrency") {
  World world(8);
  constexpr int watches = 100'000;
  for (int i = 0; i < watches; ++i)
    world.put("w" + std::to_string(i), "r", 24h);
  world.now += 1min;
  const Next cron{world.now + 10h, 30s};
  // All were looked at once.
  for (int done = 0; done < watches;)
    for (const auto& key : world.scheduler.take_due(world.now)) {
      world.scheduler.finished(key, world.now, true, std::nullopt, cron);
      ++done;
    }
  CHECK(*world.scheduler.next_due() >= cron.at);
  world.now = cron.at + 15s;
  // Half of the spread is over, so about half of them are due; never more than eight at once.
  int due = 0;
  for (auto taken = world.scheduler.take_due(world.now); !taken.empty();
       taken = world.scheduler.take_due(world.now)) {
    REQUIRE(taken.size() <= 8);
    for (const auto& key : taken) {
      world.scheduler.finished(key, world.now, true, std::nullopt, Next{world.now + 24h});
      ++due;
    }
  }
  CHECK(due > watches * 48 / 100);
  CHECK(due < watches * 52 / 100);
}
