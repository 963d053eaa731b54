// Promotion: unique tag first, drift, and what a kill between effect and record leaves behind.

#include "scene.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

TEST_CASE("a new upstream image is staged, checked and promoted under both tags", "[engine]") {
  Scene scene;
  const auto one = picture({"base"});
  scene.registries.push(upstream, "9", one);
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    const auto run = co_await scene.until_run(engine, one.digest, "Succeeded");
    CHECK(run.trigger == "Image Update");
    CHECK(scene.registries.tag(target, "9") == one.digest);
    CHECK(scene.registries.tag(target, "9-" + run.id.text()) == one.digest);
    CHECK(scene.registries.tag(staging, "9-" + run.id.text()) == one.digest);
  });
}

TEST_CASE("a rejected image is never promoted, not even when it is seen again", "[engine]") {
  Scene scene;
  const auto good = picture({"good"});
  const auto bad = picture({"bad"});
  scene.script->good = [&](const oci::Digest& digest) { return digest != bad.digest; };
  scene.registries.push(upstream, "9", good);
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, good.digest, "Succeeded");
    scene.registries.push(upstream, "9", bad);
    const auto rejected = co_await scene.until_run(engine, bad.digest, "Rejected");
    CHECK(rejected.outcome.find("exit code 1: broken") != std::string::npos);
    scene.registries.push(upstream, "9", good);
    co_await scene.until(engine, "good is seen again", [&](store::Tables& tables) {
      return tables.observations.latest("node")->digest == good.digest;
    });
    scene.registries.push(upstream, "9", bad);
    co_await scene.until(engine, "bad is seen again", [&](store::Tables& tables) {
      return tables.observations.history("node", 10).size() == 4;
    });
    CHECK(scene.registries.tag(target, "9") == good.digest);
    const auto runs = co_await scene.read([](store::Tables& tables) { return tables.runs.list({}); });
    CHECK(runs.size() == 2);
  });
}

TEST_CASE("A2: a stable tag that was written but not recorded is recorded, not taken for drift", "[engine]") {
  TwoImages scene;
  bool lost = false;
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    scene.registries.fault = [&](const net::Request& request) -> std::optional<MemoryRegistries::Fault> {
      if (lost || request.method != "PUT" || !request.url.target.ends_with("/base/node/manifests/9"))
        return std::nullopt;
      lost = true;
      return MemoryRegistries::Fault{.status = 0, .lose_answer = true};
    };
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    CHECK(lost);
    const auto promotion = co_await scene.read(
        [](store::Tables& tables) { return tables.promotions.latest(target, "9").value(); });
    CHECK(promotion.digest == scene.second.digest);
    CHECK(promotion.replaced == scene.first.digest);
    CHECK(scene.registries.tag_writes(target, "9") == 2);
  });
}

TEST_CASE("A2: a promotion that was cut before the signature came brings it with the next attempt",
          "[engine]") {
  Scene scene;
  const auto one = picture({"base"});
  const auto signature = picture({"signed"});
  const auto tag = "sha256-" + std::string(one.digest.hex()) + ".sig";
  scene.registries.push(upstream, tag, signature);
  scene.registries.push(upstream, "9", one);
  bool lost = false;
  scene.registries.fault = [&](const net::Request& request) -> std::optional<MemoryRegistries::Fault> {
    if (lost || request.method != "PUT" || !request.url.target.ends_with("/base/node/manifests/" + tag))
      return std::nullopt;
    lost = true;
    return MemoryRegistries::Fault{.status = 503};
  };
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, one.digest, "Succeeded");
    CHECK(lost);
    CHECK(scene.registries.tag(target, tag) == signature.digest);
    CHECK(scene.registries.tag(target, "9") == one.digest);
  });
}

TEST_CASE("a rollback needs nothing from staging, with referrers or without", "[engine]") {
  TwoImages scene;
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    scene.registries.fault = [](const net::Request& request) -> std::optional<MemoryRegistries::Fault> {
      if (request.url.target.find("/staging/") == std::string::npos) return std::nullopt;
      return MemoryRegistries::Fault{.status = 404};
    };
    co_await engine.rollback("node", "", "ann");
    co_await scene.until(engine, "the rollback is done", [&](store::Tables& tables) {
      return tables.promotions.latest(target, "9")->digest == scene.first.digest;
    });
    CHECK(scene.registries.tag(target, "9") == scene.first.digest);
  });
}

TEST_CASE("F5: a stable tag that somebody else moved is kept as a patch and the pipeline is held",
          "[engine]") {
  TwoImages scene;
  const auto foreign = picture({"foreign"});
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    scene.registries.push(target, "9", foreign);
    scene.registries.push(upstream, "9", scene.second);
    const auto waiting = co_await scene.until_run(engine, scene.second.digest, "Waiting");
    const auto patch = co_await scene.until_run(engine, foreign.digest, "Succeeded");
    CHECK(patch.trigger == "Patch");
    CHECK(scene.registries.tag(target, "9") == foreign.digest);
    CHECK(scene.registries.tag(target, "9-" + patch.id.text()) == foreign.digest);
    const auto hold = co_await scene.read([](store::Tables& tables) { return tables.holds.active("node"); });
    REQUIRE(hold);
    CHECK(hold->by == "sluice");
    CHECK(hold->reason.find("moved by somebody else") != std::string::npos);

    const bool changed_1 = co_await engine.resume("node", "ann");
    CHECK(changed_1);
    co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    CHECK(scene.registries.tag(target, "9") == scene.second.digest);
    const auto promotion = co_await scene.read(
        [](store::Tables& tables) { return tables.promotions.latest(target, "9").value(); });
    CHECK(promotion.replaced == foreign.digest);
    CHECK(promotion.run == waiting.id);
  });
}

TEST_CASE("a patch that a rollback came before does not bring the foreign image back", "[engine]") {
  bool is_down = true;
  TwoImages scene;
  const auto foreign = picture({"foreign"});
  auto config = scene.configuration();
  config->retry_attempts = 10'000;
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    scene.registries.fail_repository_while(is_down, target);
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until_retried(engine, scene.second.digest);
    scene.registries.push(target, "9", foreign);
    const auto back = co_await engine.rollback("node", scene.first.digest.text(), "ann");
    is_down = false;
    const auto patch = co_await scene.until_run(engine, foreign.digest, "Cancelled");
    CHECK(patch.trigger == "Patch");
    CHECK(patch.outcome == target + ":9 has moved on since");
    CHECK(scene.registries.tag(target, "9") == scene.first.digest);
    const auto present = co_await scene.read(
        [](store::Tables& tables) { return tables.promotions.latest(target, "9").value(); });
    CHECK(present.run == back.run);
  });
}

TEST_CASE("a stable tag that somebody moves while the image is brought is drift, and is kept", "[engine]") {
  TwoImages scene;
  const auto foreign = picture({"by hand"});
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    scene.registries.fault = [&](const net::Request& request) -> std::optional<MemoryRegistries::Fault> {
      const bool brings =
          request.method == "POST" && request.url.target.find("/base/node/blobs/") != std::string::npos;
      if (brings) scene.registries.push(target, "9", foreign);
      return std::nullopt;
    };
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until(engine, "the pipeline is held",
                         [&](store::Tables& tables) { return tables.holds.active("node").has_value(); });
    CHECK(scene.registries.tag(target, "9") == foreign.digest);
  });
}

TEST_CASE("on_drift: overwrite replaces the foreign image and says so", "[engine]") {
  TwoImages scene;
  const auto foreign = picture({"foreign"});
  auto config = scene.configuration();
  config->pipelines[0].on_drift = config::OnDrift::overwrite;
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    scene.registries.push(target, "9", foreign);
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    CHECK(scene.registries.tag(target, "9") == scene.second.digest);
    const auto audit =
        co_await scene.read([](store::Tables& tables) { return tables.audit.list("node", 10); });
    REQUIRE(audit.size() == 1);
    CHECK(audit[0].action == "drift");
    CHECK(audit[0].detail.find(foreign.digest.text()) != std::string::npos);
  });
}

TEST_CASE("A8: after a database was restored from a backup, a newer promotion on the tag is not overwritten",
          "[engine]") {
  TwoImages scene;
  const auto third = picture({"third"});
  const auto backup = scene.folder / "backup.db";
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    co_await scene.store->backup(backup);
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until_run(engine, scene.second.digest, "Succeeded");
  });
  scene.store.reset();
  for (const auto* suffix : {"", "-wal", "-shm"})
    std::filesystem::remove(scene.folder / ("sluice.db" + std::string(suffix)));
  std::filesystem::copy_file(backup, scene.folder / "sluice.db");
  scene.store =
      store::Store::open({.path = scene.folder / "sluice.db", .readers = 2, .new_instance = "other"});
  scene.registries.push(upstream, "9", third);
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, third.digest, "Waiting");
    co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    CHECK(scene.registries.tag(target, "9") == scene.second.digest);
  });
}

TEST_CASE("a target that answers 403 to questions for what it lacks is promoted to", "[engine]") {
  Scene scene;
  const auto one = picture({"base"});
  scene.registries.push(upstream, "9", one);
  scene.registries.fault = [&](const net::Request& request) -> std::optional<MemoryRegistries::Fault> {
    const bool asks = request.method == "HEAD" && request.url.target.starts_with("/v2/base/node/manifests/");
    if (!asks || scene.registries.tag(target, "9")) return std::nullopt;
    return MemoryRegistries::Fault{.status = 403};
  };
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, one.digest, "Succeeded");
    CHECK(scene.registries.tag(target, "9") == one.digest);
  });
}
