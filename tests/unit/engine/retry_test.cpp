// Failures of the world: what is retried, what ends a run, what heals by itself.

#include "scene.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

TEST_CASE("a transient failure is retried until it passes", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  int failures = 5;
  scene.registries.fault = [&](const net::Request& request) -> std::optional<MemoryRegistries::Fault> {
    if (request.url.host != "central.example" || failures-- <= 0) return std::nullopt;
    return MemoryRegistries::Fault{.status = 503, .lose_answer = false};
  };
  scene.registries.push(upstream, "9", one);
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    const auto run = co_await scene.until_run(engine, one.digest, "Succeeded");
    const auto lines =
        co_await scene.read([&](store::Tables& tables) { return tables.log.read(run.id, 0, 100); });
    CHECK(std::any_of(lines.begin(), lines.end(),
                      [](const auto& line) { return line.text.find("next try in") != std::string::npos; }));
  });
}

TEST_CASE("A6: a retry does not wait for a clock that was set back", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  bool down = true;
  scene.registries.fail_while(down, "central.example", 503);
  scene.registries.push(upstream, "9", one);
  auto config = scene.configuration();
  config->retry_first = config->retry_most = std::chrono::seconds(1);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until(engine, "a job failed once", [&](store::Tables& tables) {
      const auto run = tables.runs.latest_of("node", one.digest);
      if (!run) return false;
      const auto jobs = tables.jobs.of_run(run->id);
      return !jobs.empty() && jobs[0].failures > 0;
    });
    down = false;
    scene.clock.set(-std::chrono::hours(5));
    co_await engine.reload(config);
    co_await scene.until_run(engine, one.digest, "Succeeded");
  });
}

TEST_CASE("C9: a target that refuses for good fails the run with what it said, and is not asked for ever",
          "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  scene.registries.fault = [&](const net::Request& request) -> std::optional<MemoryRegistries::Fault> {
    if (request.method != "PUT" || request.url.target.find("/base/node/manifests/") == std::string::npos)
      return std::nullopt;
    return MemoryRegistries::Fault{.status = 403, .lose_answer = false};
  };
  scene.registries.push(upstream, "9", one);
  auto config = scene.configuration();
  config->retry_most = std::chrono::minutes(5);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    const auto run = co_await scene.until_run(engine, one.digest, "Failed");
    CHECK(run.outcome.find("403") != std::string::npos);
    CHECK_FALSE(scene.registries.tag(target, "9"));
  });
}

TEST_CASE("C9: a rollback that was accepted outlasts an outage of its target", "[engine]") {
  bool is_down = true;
  TwoImages scene;
  auto config = scene.configuration();
  config->retry_attempts = 2;
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    scene.registries.fail_repository_while(is_down, target);
    const auto back = co_await engine.rollback("node", "", "ann");
    co_await scene.until_retried(engine, scene.first.digest, 3);
    is_down = false;
    const auto run = co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    CHECK(run.id == back.run);
    CHECK(scene.registries.tag(target, "9") == scene.first.digest);
  });
}

TEST_CASE("C6: the digest that was observed is copied although the tag moved meanwhile", "[engine]") {
  TwoImages scene;
  bool moved = false;
  scene.registries.fault = [&](const net::Request& request) -> std::optional<MemoryRegistries::Fault> {
    if (!moved && request.method == "GET" && request.url.host == "up.example" &&
        request.url.target.find("/blobs/") != std::string::npos) {
      moved = true;
      scene.registries.push(upstream, "9", scene.second);
    }
    return std::nullopt;
  };
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    const auto history =
        co_await scene.read([](store::Tables& tables) { return tables.observations.history("node", 10); });
    REQUIRE(history.size() == 2);
    CHECK(history[1].digest == scene.first.digest);
    CHECK(scene.registries.tag(target, "9") == scene.second.digest);
  });
}

TEST_CASE("C7: a withdrawn tag is reported and nothing of ours is touched", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  scene.registries.push(upstream, "9", one);
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, one.digest, "Succeeded");
    scene.registries.remove_tag(upstream, "9");
    co_await scene.until(engine, "the missing tag is noticed",
                         [&](store::Tables&) { return !engine.watches().at("node").error.empty(); });
    CHECK(engine.watches().at("node").error.find("no such tag") != std::string::npos);
    CHECK(scene.registries.tag(target, "9") == one.digest);
  });
}

TEST_CASE("A1: jobs that an earlier process left are taken up at start", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  scene.registries.push(upstream, "9", one);
  // The first life ends with a job in hand: the staging registry does not answer, the drain is over at once.
  scene.registries.fault = [&](const net::Request& request) -> std::optional<MemoryRegistries::Fault> {
    if (request.url.host != "central.example") return std::nullopt;
    return MemoryRegistries::Fault{.status = 503, .lose_answer = false};
  };
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until(engine, "the run is staging", [&](store::Tables& tables) {
      const auto run = tables.runs.latest_of("node", one.digest);
      return run && run->state == "staging";
    });
  });
  scene.registries.fault = nullptr;
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, one.digest, "Succeeded");
    const auto runs = co_await scene.read([](store::Tables& tables) { return tables.runs.list({}); });
    CHECK(runs.size() == 1);
  });
}
