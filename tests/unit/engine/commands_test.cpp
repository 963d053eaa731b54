// Hold, resume, rollback, manual runs and cancel: each safe to repeat, each in the audit.

#include "core/error.hpp"
#include "engine/held.hpp"
#include "scene.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

Task<std::vector<std::string>> audited_actions(Scene& scene) {
  co_return co_await scene.read([](store::Tables& tables) {
    std::vector<std::string> names;
    for (const auto& entry : tables.audit.list("node", 100))
      names.insert(names.begin(), entry.action + " by " + entry.who);
    return names;
  });
}

Task<> until_promoted(Scene& scene, engine::Engine& engine, RunId run) {
  return scene.until(engine, "run " + run.text() + " is promoted",
                     [run](store::Tables& tables) { return tables.promotions.of_run(run).has_value(); });
}

// A promotion that fails is tried again for as long as a test takes.
std::shared_ptr<config::Config> patient(Scene& scene) {
  auto config = scene.configuration();
  config->retry_attempts = 10'000;
  return config;
}

}  // namespace

TEST_CASE("under a hold images are staged and checked, and promoted at once on resume", "[engine]") {
  TwoImages scene;
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    const bool changed_1 = co_await engine.hold("node", "audit week", "ann");
    CHECK(changed_1);
    const bool changed_2 = co_await engine.hold("node", "again", "bob");
    CHECK_FALSE(changed_2);
    scene.registries.push(upstream, "9", scene.second);
    const auto waiting = co_await scene.until_run(engine, scene.second.digest, "Waiting");
    CHECK(waiting.waiting_for == "hold: audit week");
    CHECK(waiting.checks_passed == 1);
    CHECK(scene.registries.tag(target, "9") == scene.first.digest);
    const bool changed_3 = co_await engine.resume("node", "bob");
    CHECK(changed_3);
    const bool changed_4 = co_await engine.resume("node", "bob");
    CHECK_FALSE(changed_4);
    co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    CHECK(scene.registries.tag(target, "9") == scene.second.digest);
    const auto told = co_await audited_actions(scene);
    CHECK(told == std::vector<std::string>{"hold by ann", "resume by bob"});
  });
}

TEST_CASE("a hold tells what waits behind it and, after thirty days, that it may have been forgotten",
          "[engine]") {
  TwoImages scene;
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    co_await engine.hold("node", "audit week", "ann");
    auto query = [](store::Tables& tables) {
      return engine::held(tables, tables.holds.active("node").value(), "node");
    };
    const auto before = co_await scene.read(query);
    CHECK(before.images_waiting == 0);
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until_run(engine, scene.second.digest, "Waiting");
    const auto after = co_await scene.read(query);
    CHECK(after.images_waiting == 1);
    const auto since = after.hold.since;
    CHECK(after.age(since + std::chrono::hours(5)) == std::chrono::hours(5));
    CHECK(after.age(since - std::chrono::hours(5)) == std::chrono::hours(0));
    CHECK_FALSE(after.is_overlong(since + std::chrono::days(30)));
    CHECK(after.is_overlong(since + std::chrono::days(30) + std::chrono::seconds(1)));
  });
}

TEST_CASE("a rollback promotes the earlier digest, holds, and changes nothing when repeated", "[engine]") {
  TwoImages scene;
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until_run(engine, scene.second.digest, "Succeeded");

    const auto back = co_await engine.rollback("node", "", "ann");
    CHECK(back.changed);
    CHECK(back.digest == scene.first.digest);
    const auto at_once = co_await engine.rollback("node", "", "ann");
    CHECK_FALSE(at_once.changed);
    CHECK(at_once.run == back.run);
    const auto run = co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    CHECK(run.id == back.run);
    CHECK(run.trigger == "Rollback");
    CHECK(scene.registries.tag(target, "9") == scene.first.digest);
    CHECK(scene.registries.tag(target, "9-" + run.id.text()) == scene.first.digest);
    const auto repeated = co_await engine.rollback("node", "", "ann");
    CHECK_FALSE(repeated.changed);
    CHECK(repeated.digest == scene.first.digest);

    // Upstream's digest was taken out by a person: resume alone does not bring it back.
    const bool changed_5 = co_await engine.resume("node", "ann");
    CHECK(changed_5);
    const auto third = picture({"third"});
    scene.registries.push(upstream, "9", third);
    co_await scene.until_run(engine, third.digest, "Succeeded");
    CHECK(scene.registries.tag(target, "9") == third.digest);
    const auto promotions =
        co_await scene.read([](store::Tables& tables) { return tables.promotions.history("node", 10); });
    CHECK(promotions.size() == 4);
    const auto told = co_await audited_actions(scene);
    CHECK(told == std::vector<std::string>{"hold by ann", "rollback by ann", "resume by ann"});
  });
}

TEST_CASE("a rollback names its goal by run or digest, and refuses what was never promoted", "[engine]") {
  Scene scene;
  const std::vector<Picture> images{picture({"1"}), picture({"2"}), picture({"3"})};
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    std::vector<RunId> runs;
    for (const auto& image : images) {
      scene.registries.push(upstream, "9", image);
      const auto run = co_await scene.until_run(engine, image.digest, "Succeeded");
      runs.push_back(run.id);
    }
    const auto by_run = co_await engine.rollback("node", runs[0].text(), "ann");
    CHECK(by_run.digest == images[0].digest);
    co_await scene.until_run(engine, images[0].digest, "Succeeded");
    const auto by_digest = co_await engine.rollback("node", images[1].digest.text(), "ann");
    CHECK(by_digest.changed);
    co_await scene.until(engine, "the second rollback is promoted", [&](store::Tables& tables) {
      return tables.promotions.latest(target, "9")->run == by_digest.run;
    });
    CHECK(scene.registries.tag(target, "9") == images[1].digest);
    std::string refused;
    try {
      co_await engine.rollback("node", oci::Digest::of("never").text(), "ann");
    } catch (const Error& error) {
      refused = error.what();
    }
    CHECK(refused.find("was never promoted by node") != std::string::npos);
  });
}

TEST_CASE("a rollback to what is on the tag comes after the promotion that is in progress", "[engine]") {
  bool is_down = true;
  TwoImages scene;
  scene.play(patient(scene), [&](engine::Engine& engine) -> Task<> {
    const auto first = co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    scene.registries.fail_repository_while(is_down, target);
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until_retried(engine, scene.second.digest);
    const auto back = co_await engine.rollback("node", scene.first.digest.text(), "ann");
    CHECK(back.changed);
    CHECK(back.run != first.id);
    const auto repeated = co_await engine.rollback("node", scene.first.digest.text(), "ann");
    CHECK_FALSE(repeated.changed);
    CHECK(repeated.run == back.run);
    is_down = false;
    co_await until_promoted(scene, engine, back.run);
    CHECK(scene.registries.tag(target, "9") == scene.first.digest);
    co_await scene.until_run(engine, scene.second.digest, "Waiting");
  });
}

TEST_CASE("a rollback that waits or cannot be written gives way to a later one", "[engine]") {
  bool is_down = true;
  TwoImages scene;
  const auto third = picture({"third"});
  scene.play(patient(scene), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    scene.registries.push(upstream, "9", third);
    co_await scene.until_run(engine, third.digest, "Succeeded");

    scene.registries.refuse_tag_while(is_down, "9", scene.first);
    const auto wrong = co_await engine.rollback("node", scene.first.digest.text(), "ann");
    co_await scene.until_retried(engine, scene.first.digest);
    const auto right = co_await engine.rollback("node", third.digest.text(), "ann");
    CHECK(right.changed);
    CHECK(right.run != wrong.run);
    co_await until_promoted(scene, engine, right.run);
    CHECK(scene.registries.tag(target, "9") == third.digest);
    const auto given_up = co_await scene.until_run(engine, scene.first.digest, "Cancelled");
    CHECK(given_up.outcome == "replaced by the rollback of run " + right.run.text());

    scene.registries.fail_repository_while(is_down, target);
    co_await engine.rollback("node", scene.second.digest.text(), "ann");
    co_await scene.until_retried(engine, scene.second.digest);
    co_await engine.rollback("node", scene.first.digest.text(), "ann");
    const auto last = co_await engine.rollback("node", third.digest.text(), "ann");
    const auto waited = co_await scene.until_run(engine, scene.first.digest, "Cancelled");
    CHECK(waited.outcome == "another rollback was asked for");
    is_down = false;
    co_await until_promoted(scene, engine, last.run);
    CHECK(scene.registries.tag(target, "9") == third.digest);
  });
}

TEST_CASE("a hold keeps out what is being promoted and could not be written so far", "[engine]") {
  bool is_down = true;
  TwoImages scene;
  scene.play(patient(scene), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    scene.registries.refuse_tag_while(is_down, "9", scene.second);
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until_retried(engine, scene.second.digest);
    co_await engine.hold("node", "audit week", "ann");
    const auto waiting = co_await scene.until_run(engine, scene.second.digest, "Waiting");
    CHECK(waiting.waiting_for == "hold: audit week");
    is_down = false;
    co_await engine.resume("node", "ann");
    const auto done = co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    CHECK(done.id == waiting.id);
    CHECK(scene.registries.tag(target, "9") == scene.second.digest);
  });
}

TEST_CASE("a rollback overwrites drift, and the audit names what it overwrote", "[engine]") {
  TwoImages scene;
  const auto foreign = picture({"foreign"});
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    scene.registries.push(target, "9", foreign);
    co_await engine.rollback("node", "", "ann");
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    CHECK(scene.registries.tag(target, "9") == scene.first.digest);
    const auto told = co_await audited_actions(scene);
    CHECK(told == std::vector<std::string>{"hold by ann", "rollback by ann", "drift by sluice"});
  });
}

TEST_CASE("a rollback to what was promoted last overwrites what somebody put there since", "[engine]") {
  TwoImages scene;
  const auto foreign = picture({"foreign"});
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    const auto first = co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    scene.registries.push(target, "9", foreign);
    const auto back = co_await engine.rollback("node", scene.first.digest.text(), "ann");
    CHECK(back.changed);
    CHECK(back.run != first.id);
    co_await until_promoted(scene, engine, back.run);
    CHECK(scene.registries.tag(target, "9") == scene.first.digest);
    const auto told = co_await audited_actions(scene);
    CHECK(told == std::vector<std::string>{"hold by ann", "rollback by ann", "drift by sluice"});

    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    const auto repeated = co_await engine.rollback("node", scene.first.digest.text(), "ann");
    CHECK_FALSE(repeated.changed);
    CHECK(repeated.run == back.run);
    scene.registries.push(target, "9", foreign);
    const auto again = co_await engine.rollback("node", "", "ann");
    CHECK(again.changed);
    CHECK(again.digest == scene.first.digest);
    co_await until_promoted(scene, engine, again.run);
    CHECK(scene.registries.tag(target, "9") == scene.first.digest);
  });
}

TEST_CASE("a rollback to what was promoted last is promoted when the target cannot tell what is there",
          "[engine]") {
  bool is_down = true;
  TwoImages scene;
  const auto foreign = picture({"foreign"});
  scene.play(patient(scene), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    scene.registries.push(target, "9", foreign);
    scene.registries.fail_repository_while(is_down, target);
    const auto back = co_await engine.rollback("node", scene.first.digest.text(), "ann");
    CHECK(back.changed);
    is_down = false;
    co_await until_promoted(scene, engine, back.run);
    CHECK(scene.registries.tag(target, "9") == scene.first.digest);
  });
}

TEST_CASE("a rollback without a goal is refused when nothing was promoted before", "[engine]") {
  TwoImages scene;
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    std::string refused;
    try {
      co_await engine.rollback("node", "", "ann");
    } catch (const Error& error) {
      refused = error.what();
    }
    CHECK(refused == "node: there is no earlier promotion to go back to");
    const auto told = co_await audited_actions(scene);
    CHECK(told.empty());
  });
}

TEST_CASE("a rollback without a goal puts back what was there before the foreign image", "[engine]") {
  bool is_down = true;
  TwoImages scene;
  const auto foreign = picture({"foreign"});
  scene.play(patient(scene), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    // The foreign image is noticed, and its unique tag cannot be written so far.
    scene.registries.fault = [&](const net::Request& request) -> std::optional<MemoryRegistries::Fault> {
      const bool writes = request.method == "PUT" && request.body == foreign.manifest;
      if (!is_down || !writes) return std::nullopt;
      return MemoryRegistries::Fault{.status = 503};
    };
    scene.registries.push(target, "9", foreign);
    const auto third = picture({"third"});
    scene.registries.push(upstream, "9", third);
    co_await scene.until_retried(engine, foreign.digest);
    const auto back = co_await engine.rollback("node", "", "ann");
    CHECK(back.digest == scene.second.digest);
    CHECK(back.changed);
    is_down = false;
    co_await until_promoted(scene, engine, back.run);
    CHECK(scene.registries.tag(target, "9") == scene.second.digest);
  });
}

TEST_CASE("a manual run tries a rejected digest again", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  bool good = false;
  scene.script->good = [&](const oci::Digest&) { return good; };
  scene.registries.push(upstream, "9", one);
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, one.digest, "Rejected");
    good = true;
    const auto id = co_await engine.start_run("node", "ann");
    const auto run = co_await scene.until_run(engine, one.digest, "Succeeded");
    CHECK(run.id == id);
    CHECK(run.trigger == "Manual");
  });
}

TEST_CASE("a waiting run can be cancelled, a promoted one cannot", "[engine]") {
  TwoImages scene;
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    const auto done = co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    co_await engine.hold("node", "wait", "ann");
    scene.registries.push(upstream, "9", scene.second);
    const auto waiting = co_await scene.until_run(engine, scene.second.digest, "Waiting");
    const bool changed_6 = co_await engine.cancel(waiting.id, "ann");
    CHECK(changed_6);
    const bool changed_7 = co_await engine.cancel(waiting.id, "ann");
    CHECK_FALSE(changed_7);
    const bool changed_8 = co_await engine.cancel(done.id, "ann");
    CHECK_FALSE(changed_8);
    const auto cancelled = co_await scene.until_run(engine, scene.second.digest, "Cancelled");
    CHECK(cancelled.outcome == "cancelled by ann");
  });
}

TEST_CASE("commands on an unknown pipeline are not_found", "[engine]") {
  Scene scene;
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    std::optional<ErrorKind> kind;
    try {
      co_await engine.hold("nodde", "x", "ann");
    } catch (const Error& error) {
      kind = error.kind();
    }
    CHECK(kind == ErrorKind::not_found);
  });
}
