// F2: what a new configuration means for runs that are going.

#include "core/error.hpp"
#include "engine/recorder.hpp"
#include "scene.hpp"
#include "support/full_disk.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

TEST_CASE("F2: the waiting run of a removed pipeline ends as cancelled, its history stays", "[engine]") {
  TwoImages scene;
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    co_await engine.hold("node", "wait", "ann");
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until_run(engine, scene.second.digest, "Waiting");
    auto empty = scene.configuration();
    empty->pipelines.clear();
    co_await engine.reload(empty);
    const auto run = co_await scene.until_run(engine, scene.second.digest, "Cancelled");
    CHECK(run.outcome.find("removed from the configuration") != std::string::npos);
    CHECK(engine.watches().empty());
    const auto history =
        co_await scene.read([](store::Tables& tables) { return tables.observations.history("node", 10); });
    CHECK(history.size() == 2);
  });
}

TEST_CASE("F2: a pipeline that got another check checks its waiting image again", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  scene.registries.push(upstream, "9", one);
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await engine.hold("node", "wait", "ann");
    const auto before = co_await scene.until_run(engine, one.digest, "Waiting");
    auto stricter = scene.configuration();
    stricter->pipelines[0].checks.push_back(stricter->pipelines[0].checks[0]);
    co_await engine.reload(stricter);
    co_await scene.until(engine, "a new run passed both checks", [&](store::Tables& tables) {
      const auto run = tables.runs.latest_of("node", one.digest);
      return run && run->id != before.id && run->checks_passed == 2 && run->status == "Waiting";
    });
    const auto old =
        co_await scene.read([&](store::Tables& tables) { return tables.runs.find(before.id).value(); });
    CHECK(old.status == "Superseded");
  });
}

TEST_CASE("F2: checks that change places or settings check the waiting image again, a plain reload does not",
          "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  scene.registries.push(upstream, "9", one);
  const auto with_checks = [&](const std::vector<std::string>& names, const std::string& written) {
    auto config = scene.configuration();
    auto& checks = config->pipelines[0].checks;
    checks.resize(names.size(), checks[0]);
    for (std::size_t i = 0; i < names.size(); ++i) {
      checks[i].name = names[i];
      checks[i].written = written;
    }
    return config;
  };
  const auto before = with_checks({"smoke", "scan"}, "quick");
  const auto turned = with_checks({"scan", "smoke"}, "quick");
  const auto stricter = with_checks({"scan", "smoke"}, "thorough");
  scene.play(before, [&](engine::Engine& engine) -> Task<> {
    co_await engine.hold("node", "wait", "ann");
    const auto first = co_await scene.until_run(engine, one.digest, "Waiting");
    co_await engine.reload(before);
    const auto same = co_await scene.until_run(engine, one.digest, "Waiting");
    CHECK(same.id == first.id);
    co_await engine.reload(turned);
    const auto second = co_await scene.until_run(engine, one.digest, "Waiting");
    CHECK(second.id != first.id);
    CHECK(second.checks_passed == 2);
    co_await engine.reload(stricter);
    const auto third = co_await scene.until_run(engine, one.digest, "Waiting");
    CHECK(third.id != second.id);
  });
}

TEST_CASE("F2: a run that began with other checks begins again with those of now", "[engine]") {
  TwoImages scene;
  scene.registries.push(upstream, "next", scene.second);
  auto before = scene.configuration()->pipelines[0];
  before.checks[0].name = "removed since";
  auto config = scene.configuration();
  config->pipelines[0].checks.push_back(config->pipelines[0].checks[0]);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    auto begin = [&](store::Tables& tables) {
      return engine::start_run(tables, before, scene.second.digest, pipeline::Trigger::manual,
                               scene.clock.now());
    };
    const auto old = co_await scene.store->write(std::move(begin));
    co_await engine.resume("node", "ann");  // has the jobs looked at
    const auto run = co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    CHECK(run.id != old);
    CHECK(run.checks_passed == 2);
    CHECK(run.trigger == "Manual");
    const auto row =
        co_await scene.read([&](store::Tables& tables) { return tables.runs.find(old).value(); });
    CHECK(row.status == "Superseded");
  });
}

TEST_CASE("B1: a reload that cannot be written changes nothing, and can be made once there is room",
          "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  scene.registries.push(upstream, "9", one);
  const auto before = scene.configuration();
  const auto stricter = scene.configuration();
  stricter->pipelines[0].checks[0].name = "thorough";
  scene.play(before, [&](engine::Engine& engine) -> Task<> {
    co_await engine.hold("node", "wait", "ann");
    const auto run = co_await scene.until_run(engine, one.digest, "Waiting");
    bool refused = false;
    try {
      const FullDisk full;
      co_await engine.reload(stricter);
    } catch (const Error&) {
      refused = true;
    }
    CHECK(refused);
    CHECK(engine.config() == before);
    co_await engine.reload(stricter);
    CHECK(engine.config() == stricter);
    const auto again = co_await scene.until_run(engine, one.digest, "Waiting");
    CHECK(again.id != run.id);
  });
}

TEST_CASE("a reload that adds a pipeline watches it at once", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  scene.registries.push(upstream, "9", one);
  auto empty = scene.configuration();
  const auto full = scene.configuration();
  empty->pipelines.clear();
  scene.play(empty, [&](engine::Engine& engine) -> Task<> {
    co_await engine.reload(full);
    co_await scene.until_run(engine, one.digest, "Succeeded");
  });
}
