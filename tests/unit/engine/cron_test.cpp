// Looks at times of the wall clock, and what happens when that is set.

#include "scene.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<config::Config> nightly(Scene& scene) {
  auto config = scene.configuration();
  config->pipelines.front().poll.cron = Cron::parse("0 3 * * *");
  return config;
}

std::ptrdiff_t looks_by_cron(const Scene& scene) {
  return std::count_if(scene.registries.requests.begin(), scene.registries.requests.end(),
                       [](const std::string& line) {
                         return line.starts_with("HEAD up.example/v2/library/node/manifests/9");
                       });
}

}  // namespace

TEST_CASE("a cron has the upstream looked at once at the start, then at its times") {
  TwoImages scene;
  const auto config = nightly(scene);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    const auto before = looks_by_cron(scene);
    scene.registries.push(upstream, "9", scene.second);
    scene.clock.pass(25h);
    co_await engine.reload(config);
    const auto run = co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    CHECK(run.trigger == "Image Update");
    CHECK(looks_by_cron(scene) == before + 1);
  });
}

TEST_CASE("A6: a clock that is set over the time of a cron has it made up for, once") {
  TwoImages scene;
  const auto config = nightly(scene);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    const auto before = looks_by_cron(scene);
    scene.registries.push(upstream, "9", scene.second);
    scene.clock.set(25h);
    co_await engine.reload(config);
    const auto beat = engine.heartbeats().front().second;
    const auto heeded = [&](store::Tables&) { return engine.heartbeats().front().second > beat; };
    co_await scene.until(engine, "the poller came round", heeded);
    // Watches with one cron are spread over half a minute.
    scene.clock.pass(31s);
    co_await engine.reload(config);
    co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    CHECK(looks_by_cron(scene) == before + 1);
  });
}

TEST_CASE("A6: a clock that is set back makes no storm and no stall") {
  TwoImages scene;
  const auto config = nightly(scene);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    const auto before = looks_by_cron(scene);
    scene.registries.push(upstream, "9", scene.second);
    scene.clock.set(-1000h);
    co_await engine.reload(config);
    const auto beat = engine.heartbeats().front().second;
    const auto heeded = [&](store::Tables&) { return engine.heartbeats().front().second > beat; };
    co_await scene.until(engine, "the poller came round", heeded);
    CHECK(looks_by_cron(scene) == before);
    scene.clock.pass(25h);
    co_await engine.reload(config);
    co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    CHECK(looks_by_cron(scene) == before + 1);
  });
}
