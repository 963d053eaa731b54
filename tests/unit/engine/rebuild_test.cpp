// Dependents: asked once per promotion with one key, in order, and believed only when the registry shows the
// image.

#include "core/error.hpp"
#include "core/signal.hpp"
#include "scene.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

// A builder that puts one layer on the base and pushes the result.
void builds(Scene& scene, std::vector<Picture> bases) {
  scene.script->build = [&scene, bases](const std::string& key, const oci::Digest& base, const std::string&) {
    const auto found =
        std::find_if(bases.begin(), bases.end(), [&](const auto& each) { return each.digest == base; });
    if (found == bases.end()) throw Error(ErrorKind::not_found, "unknown base");
    auto layers = found->layers;
    layers.push_back("app " + key);
    scene.registries.push(hello, "latest", picture(layers));
  };
}

Task<store::Rebuild> rebuild_of(Scene& scene, RunId promotion) {
  auto query = [promotion](store::Tables& tables) { return tables.rebuilds.of_promotion(promotion).at(0); };
  co_return co_await scene.read(std::move(query));
}

}  // namespace

TEST_CASE("a promotion has its dependents rebuilt and confirmed", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  builds(scene, {one});
  scene.registries.push(upstream, "9", one);
  scene.play(scene.configuration(true), [&](engine::Engine& engine) -> Task<> {
    const auto run = co_await scene.until_run(engine, one.digest, "Succeeded");
    const auto rebuild = co_await rebuild_of(scene, run.id);
    CHECK(rebuild.state == "confirmed");
    CHECK(rebuild.digest == scene.registries.tag(hello, "latest"));
    CHECK(scene.script->keys == std::vector<std::string>{rebuild.idempotency_key});
  });
}

namespace {

/// The target does not answer the first requests, and then builds as it did before.
void refuse_first(Scene& scene, int times) {
  scene.script->build = [build = scene.script->build, left = std::make_shared<int>(times)](
                            const std::string& key, const oci::Digest& base, const std::string& image) {
    if ((*left)-- > 0) throw Error(ErrorKind::unavailable, "no answer");
    build(key, base, image);
  };
}

}  // namespace

TEST_CASE("A3: every repeat of a rebuild request carries the same idempotency key", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  builds(scene, {one});
  refuse_first(scene, 3);
  scene.registries.push(upstream, "9", one);
  scene.play(scene.configuration(true), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, one.digest, "Succeeded");
    CHECK(scene.script->keys.size() == 4);
    CHECK(std::set<std::string>(scene.script->keys.begin(), scene.script->keys.end()).size() == 1);
  });
}

TEST_CASE("B4: however often a rebuild request is tried, what it writes is kept within bounds", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  builds(scene, {one});
  scene.script->chatter = 2500;
  refuse_first(scene, 4);
  scene.registries.push(upstream, "9", one);
  scene.play(scene.configuration(true), [&](engine::Engine& engine) -> Task<> {
    const auto run = co_await scene.until_run(engine, one.digest, "Succeeded");
    const auto rebuild = co_await rebuild_of(scene, run.id);
    const auto lines =
        co_await scene.read([&](store::Tables& tables) { return tables.log.read(rebuild.run, 0, 20'000); });
    CHECK(lines.size() > 7500);
    CHECK(lines.size() < 8000);
    const auto count = [&](const std::string& text) {
      return std::count_if(lines.begin(), lines.end(), [&](const auto& line) { return line.text == text; });
    };
    CHECK(count("line 2499") == 3);
    CHECK(count("[what the first tries wrote is not kept any more]") > 0);
  });
}

TEST_CASE("a request whose trigger is not free goes out when it is, which is no failure", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  builds(scene, {one});
  bool is_free = false;
  int asked = 0;
  scene.script->is_free = [&] {
    ++asked;
    return is_free;
  };
  scene.registries.push(upstream, "9", one);
  scene.play(scene.configuration(true), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until(engine, "the request is put off", [&](store::Tables& tables) {
      const auto run = tables.runs.latest_of("node", one.digest);
      if (asked == 0 || !run) return false;
      const auto jobs = tables.jobs.of_run(tables.rebuilds.of_promotion(run->id).at(0).run);
      return !jobs.empty() && jobs[0].due > scene.clock.now();
    });
    CHECK(scene.script->keys.empty());
    is_free = true;
    scene.clock.pass(std::chrono::seconds(10));
    co_await engine.resume("node", "ann");  // has the jobs looked at
    const auto run = co_await scene.until_run(engine, one.digest, "Succeeded");
    const auto rebuild = co_await rebuild_of(scene, run.id);
    CHECK(asked == 2);
    const auto lines =
        co_await scene.read([&](store::Tables& tables) { return tables.log.read(rebuild.run, 0, 100); });
    CHECK(std::count_if(lines.begin(), lines.end(),
                        [](const auto& line) { return line.text.starts_with("asking scripted"); }) == 1);
    CHECK(std::none_of(lines.begin(), lines.end(),
                       [](const auto& line) { return line.text.find("next try") != std::string::npos; }));
  });
}

TEST_CASE("a builder that says done without pushing is not believed", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  const auto stale = picture({"something else", "app"});
  scene.registries.push(hello, "latest", stale);
  scene.registries.push(upstream, "9", one);
  auto config = scene.configuration(true);
  config->dependents[0].confirm_within = Milliseconds(50);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    const auto run = co_await scene.until_run(engine, one.digest, "Failed");
    const auto rebuild = co_await rebuild_of(scene, run.id);
    CHECK(rebuild.state == "overdue");
    CHECK(run.outcome == "the dependent was not rebuilt");
    CHECK(scene.registries.tag(target, "9") == one.digest);
  });
}

TEST_CASE("an image on a newer base confirms the older rebuild", "[engine]") {
  TwoImages scene;
  // The builder of the first one pushes nothing; the builder of the second one does.
  builds(scene, {scene.first, scene.second});
  scene.script->build = [&, build = scene.script->build](const auto& key, const auto& base,
                                                         const auto& image) {
    if (base == scene.second.digest) build(key, base, image);
  };
  scene.play(scene.configuration(true), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until(engine, "the first request went out", [&](store::Tables& tables) {
      return !tables.rebuilds.in_state("hello", "dispatched").empty();
    });
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    const auto first = co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    const auto rebuild = co_await rebuild_of(scene, first.id);
    CHECK(rebuild.state == "confirmed");
    CHECK(rebuild.idempotency_key != scene.script->keys.back());
  });
}

TEST_CASE("a request that the target refused gives way to a newer one", "[engine]") {
  TwoImages scene;
  builds(scene, {scene.first, scene.second});
  scene.script->build = [&, build = scene.script->build](const auto& key, const auto& base,
                                                         const auto& image) {
    if (base == scene.first.digest) throw Error(ErrorKind::unavailable, "down");
    build(key, base, image);
  };
  scene.play(scene.configuration(true), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until(engine, "the first request was refused",
                         [&](store::Tables&) { return scene.script->keys.size() > 1; });
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    const auto first = co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    const auto rebuild = co_await rebuild_of(scene, first.id);
    CHECK(rebuild.state == "superseded");
  });
}

namespace {

// Many dependents on one base, and a target that is away, and then takes few requests at a time.
struct DayAway {
  static constexpr int dependents = 100;
  static constexpr int promotions = 8;

  explicit DayAway(Scene& where) : scene(where), config(where.configuration(true)) {
    config->retry_first = config->retry_most = std::chrono::minutes(30);
    const auto first = config->dependents.front();
    config->dependents.clear();
    for (int i = 0; i < dependents; ++i) {
      auto each = first;
      each.name = "app-" + std::to_string(i);
      each.image = oci::Reference::parse("dev.example/team/" + each.name + ":latest");
      each.confirm_within = std::chrono::hours(48);
      config->dependents.push_back(each);
    }
    scene.script->build = [this](const std::string& key, const oci::Digest& base, const std::string& image) {
      if (away) throw Error(ErrorKind::unavailable, "the target is away");
      if (++asked % 3 == 0) throw Error(ErrorKind::rate_limited, "too many builds", Milliseconds(20));
      CHECK(base == newest.digest);
      built.insert(image);
      keys.push_back(key);
      auto layers = newest.layers;
      layers.push_back(image);
      scene.registries.push(image.substr(0, image.rfind(':')), "latest", picture(layers));
    };
  }

  // A new base, once all its rebuilds are owed.
  Task<> promote(engine::Engine& engine, int number) {
    newest = picture({"base " + std::to_string(number)});
    scene.registries.push(upstream, "9", newest);
    co_await scene.until(engine, "the rebuilds are planned", [&](store::Tables& tables) {
      const auto last = config->dependents.back().name;
      const auto open = tables.rebuilds.in_state(last, "dispatching");
      return !open.empty() && open.back().base.ends_with(newest.digest.text());
    });
  }

  Scene& scene;
  std::shared_ptr<config::Config> config;
  bool away = true;
  int asked = 0;
  Picture newest;
  std::set<std::string> built;
  std::vector<std::string> keys;
};

}  // namespace

TEST_CASE("E3: after a day away the target is asked once for each dependent, on the newest digest",
          "[engine]") {
  Scene scene;
  DayAway day(scene);
  scene.play(day.config, [&](engine::Engine& engine) -> Task<> {
    for (int i = 0; i < DayAway::promotions; ++i) {
      if (i > 0) scene.clock.pass(std::chrono::hours(3) - std::chrono::minutes(1));
      co_await day.promote(engine, i);
    }
    // However many were owed, what waits is one for each dependent, and what was with the target at that
    // moment.
    const auto jobs = co_await scene.read([](store::Tables& tables) { return tables.jobs.count(); });
    CHECK(jobs <= DayAway::dependents + 2 * day.config->jobs);
    // What the target refuses gets its pause from the time at which that is recorded; and what asked for the
    // image before is done with.
    co_await scene.until(engine, "no request is on its way or due", [&](store::Tables& tables) {
      for (const auto& each : day.config->dependents)
        for (const auto& rebuild : tables.rebuilds.in_state(each.name, "dispatching"))
          for (const auto& job : tables.jobs.of_run(rebuild.run))
            if (job.leased_until || job.due <= scene.clock.now()) return false;
      return true;
    });
    day.away = false;
    scene.clock.pass(std::chrono::minutes(31));
    co_await scene.until_run(engine, day.newest.digest, "Succeeded");
    CHECK(day.built.size() == DayAway::dependents);
    CHECK(day.keys.size() == DayAway::dependents);
  });
}

namespace {

// More dependents than the engine has slots, and what hangs until the test lets it go on.
struct FullHouse {
  FullHouse() {
    config->jobs = 2;
    const auto first = config->dependents.front();
    for (int i = 1; i < 3 * config->jobs; ++i) {
      config->dependents.push_back(first);
      config->dependents.back().name = "app-" + std::to_string(i);
      config->dependents.back().image = oci::Reference::parse("dev.example/team/app-" + std::to_string(i));
    }
  }
  std::function<Task<>()> hanging() {
    return [this] { return go_on.wait_past(0, scene.clock, scene.clock.steady() + std::chrono::hours(1)); };
  }

  TwoImages scene;
  Signal go_on;
  std::shared_ptr<config::Config> config = scene.configuration(true);
};

}  // namespace

TEST_CASE("a request that is on its way is not sent again because the clock was set or the machine slept",
          "[engine]") {
  TwoImages scene;
  Signal go_on;
  scene.script->build_waits = [&] {
    return go_on.wait_past(0, scene.clock, scene.clock.steady() + std::chrono::hours(1));
  };
  scene.play(scene.configuration(true), [&](engine::Engine& engine) -> Task<> {
    const auto& keys = scene.script->keys;
    co_await scene.until(engine, "the target hangs", [&](store::Tables&) { return !keys.empty(); });
    scene.clock.set(std::chrono::hours(1));
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until(engine, "jobs were taken up since", [&](store::Tables&) {
      return scene.registries.tag(target, "9") == scene.second.digest;
    });
    CHECK(std::count(keys.begin(), keys.end(), keys.front()) == 1);
    go_on.notify();
  });
}

TEST_CASE("rebuild targets that hang keep no new image from being staged and promoted", "[engine]") {
  FullHouse house;
  auto& scene = house.scene;
  scene.script->build_waits = house.hanging();
  scene.play(house.config, [&](engine::Engine& engine) -> Task<> {
    const auto slots = static_cast<std::size_t>(house.config->jobs);
    co_await scene.until(engine, "a target hangs in every slot",
                         [&](store::Tables&) { return scene.script->keys.size() == slots; });
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until(engine, "the new image is promoted", [&](store::Tables&) {
      return scene.registries.tag(target, "9") == scene.second.digest;
    });
    CHECK(scene.script->keys.size() == slots);
    house.go_on.notify();
  });
}

TEST_CASE("dependents' registries that hang keep no new image from being staged and promoted", "[engine]") {
  FullHouse house;
  auto& scene = house.scene;
  scene.registries.wait_before = [wait = house.hanging()](const net::Request& request) -> Task<> {
    if (request.url.host == "dev.example") co_await wait();
  };
  scene.play(house.config, [&](engine::Engine& engine) -> Task<> {
    const auto confirming = [&](store::Tables& tables) {
      int count = 0;
      for (const auto& each : house.config->dependents)
        for (const auto& rebuild : tables.rebuilds.in_state(each.name, "dispatched"))
          for (const auto& job : tables.jobs.of_run(rebuild.run))
            if (job.leased_until) ++count;
      return count;
    };
    co_await scene.until(engine, "a confirmation hangs in every slot",
                         [&](store::Tables& tables) { return confirming(tables) == house.config->jobs; });
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until(engine, "the new image is promoted", [&](store::Tables&) {
      return scene.registries.tag(target, "9") == scene.second.digest;
    });
    const int still = co_await scene.read(confirming);
    CHECK(still == house.config->jobs);
    house.go_on.notify();
  });
}

TEST_CASE("images whose checks hang keep no rebuild from being asked for", "[engine]") {
  FullHouse house;
  auto& scene = house.scene;
  house.config->jobs = 1;
  bool away = true;
  scene.script->build = [&](const auto&, const auto&, const auto&) {
    if (away) throw Error(ErrorKind::unavailable, "the target is away");
  };
  scene.play(house.config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until(engine, "rebuilds are owed",
                         [&](store::Tables&) { return scene.script->keys.size() > 1; });
    bool hangs = false;
    scene.script->check_waits = [&hangs, wait = house.hanging()] {
      hangs = true;
      return wait();
    };
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until(engine, "the check hangs", [&](store::Tables&) { return hangs; });
    away = false;
    co_await scene.until(engine, "every dependent's rebuild was asked for", [&](store::Tables& tables) {
      return std::all_of(
          house.config->dependents.begin(), house.config->dependents.end(),
          [&](const auto& each) { return !tables.rebuilds.in_state(each.name, "dispatched").empty(); });
    });
    house.go_on.notify();
  });
}

TEST_CASE("after a rollback, an image on what was replaced is not confirmed by the layers that both have",
          "[engine]") {
  Scene scene;
  const auto plain = picture({"a"});
  const auto fixed = picture({"a", "fix"});
  scene.script->build = [&](const std::string&, const oci::Digest& base, const std::string&) {
    if (base == fixed.digest) scene.registries.push(hello, "latest", picture({"a", "fix", "app"}));
    if (base == plain.digest && !scene.registries.tag(hello, "latest"))
      scene.registries.push(hello, "latest", picture({"a", "app"}));
  };
  scene.registries.push(upstream, "9", plain);
  scene.play(scene.configuration(true), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, plain.digest, "Succeeded");
    scene.registries.push(upstream, "9", fixed);
    co_await scene.until_run(engine, fixed.digest, "Succeeded");
    co_await engine.rollback("node", plain.digest.text(), "ann");
    co_await scene.until(engine, "the image was looked for twice", [&](store::Tables& tables) {
      const auto waiting = tables.rebuilds.in_state("hello", "dispatched");
      return !waiting.empty() && tables.jobs.of_run(waiting[0].run).at(0).attempt >= 2;
    });
    scene.registries.push(hello, "latest", picture({"a", "app2"}));
    co_await scene.until_run(engine, plain.digest, "Succeeded");
  });
}

namespace {

const std::string on_hello = "dev.example/team/app";

// `app` is built on the image of `hello`.
std::shared_ptr<config::Config> with_two_waves(Scene& scene) {
  auto config = scene.configuration(true);
  auto second = config->dependents[0];
  second.name = "app";
  second.image = oci::Reference::parse(on_hello + ":latest");
  second.from = {oci::Reference::parse(hello + ":latest")};
  config->dependents.push_back(second);
  return config;
}

}  // namespace

TEST_CASE("what is built on a superseded rebuild is superseded too, and the older promotion did not fail",
          "[engine]") {
  TwoImages scene;
  scene.script->build = [](const auto&, const auto&, const auto&) {
    throw Error(ErrorKind::unavailable, "the target is away");
  };
  scene.play(with_two_waves(scene), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until(engine, "the first request was refused",
                         [&](store::Tables&) { return scene.script->keys.size() > 1; });
    scene.registries.push(upstream, "9", scene.second);
    const auto first = co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    const auto rebuilds =
        co_await scene.read([&](store::Tables& tables) { return tables.rebuilds.of_promotion(first.id); });
    REQUIRE(rebuilds.size() == 2);
    CHECK(rebuilds[0].state == "superseded");
    CHECK(rebuilds[1].state == "superseded");
    // Each by its own successor: the older promotion is looked at once, after all.
    for (const auto& rebuild : rebuilds) {
      const auto outcome =
          co_await scene.read([&](store::Tables& tables) { return tables.runs.find(rebuild.run)->outcome; });
      CHECK(outcome.starts_with("superseded by "));
    }
  });
}

TEST_CASE("a rebuild is not overdue while nobody can look, and the next wave goes when somebody can",
          "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  const auto two_layers = picture({"one", "hello"});
  scene.script->build = [&](const std::string&, const oci::Digest&, const std::string& image) {
    if (image == hello + ":latest") scene.registries.push(hello, "latest", two_layers);
    if (image == on_hello + ":latest")
      scene.registries.push(on_hello, "latest", picture({"one", "hello", "app"}));
  };
  bool down = true;
  scene.registries.fail_while(down, "dev.example", 503);
  scene.registries.push(upstream, "9", one);
  auto config = with_two_waves(scene);
  config->dependents[0].confirm_within = Milliseconds(50);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until(engine, "it was looked for in vain after the deadline", [&](store::Tables& tables) {
      const auto waiting = tables.rebuilds.in_state("hello", "dispatched");
      return !waiting.empty() && tables.jobs.of_run(waiting[0].run).at(0).attempt >= 3;
    });
    down = false;
    const auto run = co_await scene.until_run(engine, one.digest, "Succeeded");
    const auto rebuilds =
        co_await scene.read([&](store::Tables& tables) { return tables.rebuilds.of_promotion(run.id); });
    REQUIRE(rebuilds.size() == 2);
    CHECK(rebuilds[0].state == "confirmed");
    CHECK(rebuilds[1].state == "confirmed");
  });
}

namespace {

// The rebuild of `hello` is asked for, and nothing is built until the test does so.
struct SlowBuilder : Scene {
  SlowBuilder() { registries.push(upstream, "9", one); }
  Task<> until_asked(engine::Engine& engine) {
    co_await until(engine, "the request was accepted", [](store::Tables& tables) {
      return !tables.rebuilds.in_state("hello", "dispatched").empty();
    });
  }
  // Until somebody looks for it once more.
  Task<> until_looked_for(engine::Engine& engine) {
    std::optional<int> before;
    co_await until(engine, "the image was looked for", [&before](store::Tables& tables) {
      const auto waiting = tables.rebuilds.in_state("hello", "dispatched");
      if (waiting.empty()) return false;
      const auto job = tables.jobs.of_run(waiting[0].run).at(0);
      if (!before) before = job.attempt;
      return job.attempt > *before && !job.leased_until;
    });
  }
  Task<> until_built(engine::Engine& engine) {
    registries.push(hello, "latest", picture({"one", "app"}));
    co_await until_run(engine, one.digest, "Succeeded");
  }
  const Picture one = picture({"one"});
};

}  // namespace

TEST_CASE("a run whose dependents are being rebuilt cannot be cancelled", "[engine]") {
  SlowBuilder scene;
  scene.play(scene.configuration(true), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_asked(engine);
    const auto run = co_await scene.read(
        [&](store::Tables& tables) { return tables.runs.latest_of("node", scene.one.digest); });
    REQUIRE(run);
    CHECK(run->state == "rebuilding");
    const bool cancelled = co_await engine.cancel(run->id, "ann");
    CHECK_FALSE(cancelled);
    co_await scene.until_built(engine);
  });
}

TEST_CASE("a registry that refuses us gives no verdict before the deadline", "[engine]") {
  SlowBuilder scene;
  bool refused = true;
  scene.registries.fail_while(refused, "dev.example", 403);
  scene.play(scene.configuration(true), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_asked(engine);
    co_await scene.until_looked_for(engine);
    const auto waiting = co_await scene.read(
        [](store::Tables& tables) { return tables.rebuilds.in_state("hello", "dispatched"); });
    REQUIRE(waiting.size() == 1);
    const auto lines =
        co_await scene.read([&](store::Tables& tables) { return tables.log.read(waiting[0].run, 0, 100); });
    CHECK(std::any_of(lines.begin(), lines.end(),
                      [](const auto& line) { return line.text.starts_with("cannot look: "); }));
    refused = false;
    co_await scene.until_built(engine);
  });
}

TEST_CASE("a registry that still refuses us at the deadline fails the rebuild with what it said",
          "[engine]") {
  SlowBuilder scene;
  const bool refused = true;
  scene.registries.fail_while(refused, "dev.example", 403);
  auto config = scene.configuration(true);
  config->dependents[0].confirm_within = Milliseconds(50);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    const auto run = co_await scene.until_run(engine, scene.one.digest, "Failed");
    const auto rebuild = co_await rebuild_of(scene, run.id);
    CHECK(rebuild.state == "overdue");
    const auto outcome =
        co_await scene.read([&](store::Tables& tables) { return tables.runs.find(rebuild.run)->outcome; });
    CHECK(outcome.find("could not be looked at in time") != std::string::npos);
    CHECK(outcome.find("403") != std::string::npos);
  });
}

TEST_CASE("A6: a rebuild is not overdue because the clock was set or the machine slept", "[engine]") {
  SlowBuilder scene;
  const auto config = scene.configuration(true);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_asked(engine);
    scene.clock.set(std::chrono::hours(5));
    co_await engine.reload(config);
    co_await scene.until_looked_for(engine);
    co_await scene.until_built(engine);
  });
}

TEST_CASE("A6: a rebuild is not overdue because the daemon was off", "[engine]") {
  SlowBuilder scene;
  const auto config = scene.configuration(true);
  scene.play(config, [&](engine::Engine& engine) -> Task<> { co_await scene.until_asked(engine); });
  scene.clock.pass(std::chrono::hours(5));
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_looked_for(engine);
    co_await scene.until_built(engine);
  });
}

TEST_CASE("A6: a request is not given up at the first failure because the machine was off for days",
          "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  bool away = true;
  builds(scene, {one});
  scene.script->build = [&, build = scene.script->build](const auto& key, const auto& base,
                                                         const auto& image) {
    if (std::exchange(away, false)) throw Error(ErrorKind::unavailable, "the target is away");
    build(key, base, image);
  };
  scene.registries.push(upstream, "9", one);
  auto config = scene.configuration(true);
  config->retry_first = config->retry_most = std::chrono::hours(1);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until(engine, "the first request failed", [&](store::Tables& tables) {
      const auto owed = tables.rebuilds.in_state("hello", "dispatching");
      return !owed.empty() && tables.jobs.of_run(owed[0].run).at(0).failures == 1;
    });
  });
  scene.clock.pass(std::chrono::hours(48));
  away = true;
  config = scene.configuration(true);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, one.digest, "Succeeded");
    CHECK(scene.script->keys.size() == 3);
  });
}

TEST_CASE("the next wave waits for the one before it and is built on its image", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  const auto on_one = picture({"one", "hello"});
  scene.script->build = [&](const std::string&, const oci::Digest& base, const std::string& image) {
    if (image == hello + ":latest") {
      CHECK(base == one.digest);
      scene.registries.push(hello, "latest", on_one);
    } else {
      CHECK(base == on_one.digest);
      scene.registries.push(on_hello, "latest", picture({"one", "hello", "app"}));
    }
  };
  scene.registries.push(upstream, "9", one);
  scene.play(with_two_waves(scene), [&](engine::Engine& engine) -> Task<> {
    const auto run = co_await scene.until_run(engine, one.digest, "Succeeded");
    const auto rebuilds =
        co_await scene.read([&](store::Tables& tables) { return tables.rebuilds.of_promotion(run.id); });
    REQUIRE(rebuilds.size() == 2);
    CHECK(rebuilds[0].dependent == "hello");
    CHECK(rebuilds[1].wave == 1);
    CHECK(rebuilds[1].state == "confirmed");
  });
}
