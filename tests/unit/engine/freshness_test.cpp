// What is measured about looks, and what follows for their pace.

#include "engine/freshness.hpp"

#include "core/secret.hpp"
#include "engine/overview.hpp"
#include "scene.hpp"
#include "watch/hook.hpp"

#include <numeric>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<config::Config> told_by_webhooks(Scene& scene) {
  auto config = scene.configuration();
  config->pipelines.front().poll = {.every = 1h, .slowest = 24h};
  auto hook = std::make_shared<watch::Hook>();
  hook->sender = watch::sender("generic");
  hook->bearer = Secret("fixture-secret");
  hook->reading.fields = {{"image", "/image"}, {"id", "/id"}};
  config->webhooks.push_back({.name = "own", .part = hook, .at = {}});
  return config;
}

Task<> send_push(engine::Engine& engine, std::string id) {
  net::ServerRequest request;
  request.method = "POST";
  request.path = request.target = "/hooks/own";
  request.peer = "192.0.2.1";
  request.headers.add("Authorization", "Bearer fixture-secret");
  request.body = nlohmann::json{{"image", upstream + ":9"}, {"id", id}}.dump();
  const auto handler = engine.webhook_handler();
  const auto answer = co_await handler(std::move(request));
  CHECK(answer.status == 200);
}

// The same image, made at a time.
Picture made_at(Picture image, Time created) {
  auto config = nlohmann::json::parse(image.config);
  config["created"] = format_time_exact(created);
  image.config = config.dump();
  auto manifest = nlohmann::json::parse(image.manifest);
  manifest["config"]["digest"] = oci::Digest::of(image.config).text();
  manifest["config"]["size"] = image.config.size();
  image.manifest = manifest.dump();
  image.digest = oci::Digest::of(image.manifest);
  return image;
}

// A tag that names `digest` since long ago.
Task<> remember(Scene& scene, oci::Digest digest, std::chrono::hours ago) {
  const auto at = scene.clock.now() - ago;
  auto change = [digest, at](store::Tables& tables) {
    tables.observations.append({.id = 0,
                                .pipeline = "node",
                                .reference = upstream + ":9",
                                .digest = digest,
                                .media_type = "",
                                .first_seen = at,
                                .last_seen = at,
                                .learned_by = "poll",
                                .run = std::nullopt});
  };
  co_await scene.store->write(std::move(change));
}

std::optional<store::Detection> detection_of(store::Tables& tables, const oci::Digest& digest) {
  const auto latest = tables.observations.latest("node");
  if (!latest || latest->digest != digest) return std::nullopt;
  return tables.freshness.of_observation(latest->id);
}

}  // namespace

TEST_CASE("The first sight of a tag is no change, the next one is measured from the look before") {
  Scene scene;
  const auto first = picture({"one"});
  const auto second = picture({"two"});
  scene.registries.push(upstream, "9", first);
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, first.digest, "Succeeded");
    CHECK_FALSE(engine.freshness().of("node")->last);
    scene.registries.push(upstream, "9", second);
    co_await scene.until_run(engine, second.digest, "Succeeded");
    const auto& last = engine.freshness().of("node")->last;
    REQUIRE(last);
    CHECK(last->not_before < last->seen);
    CHECK_FALSE(last->changed);
    std::optional<store::Detection> kept;
    co_await scene.until(engine, "the detection is kept", [&](store::Tables& tables) {
      kept = detection_of(tables, second.digest);
      return kept.has_value();
    });
    CHECK(kept->not_before == last->not_before);
    CHECK(kept->known_by == "nothing");
  });
}

TEST_CASE(
    "A change that a webhook told of is measured from its receipt, and two of them make the webhook live") {
  Scene scene;
  const std::vector<Picture> images{picture({"0"}), picture({"1"}), picture({"2"})};
  scene.registries.push(upstream, "9", images[0]);
  scene.play(told_by_webhooks(scene), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, images[0].digest, "Succeeded");
    for (int i = 1; i <= 2; ++i) {
      const auto& image = images[static_cast<std::size_t>(i)];
      scene.registries.push(upstream, "9", image);
      co_await send_push(engine, std::to_string(i));
      co_await scene.until_run(engine, image.digest, "Succeeded");
      const auto& memory = *engine.freshness().of("node");
      REQUIRE(memory.last);
      CHECK(memory.last->by == watch::KnownBy::webhook);
      CHECK(memory.last->changed.value() > memory.last->not_before);
      CHECK(engine.freshness().hooks("node").told == i);
    }
    CHECK(engine.freshness().hooks("node").live());
    // From now on polls are a safety net.
    CHECK(engine.freshness().pace("node", engine.config()->pipelines.front().poll) == 24h);
    const auto& delays = engine.freshness().delays().at(watch::KnownBy::webhook);
    CHECK(delays.counts().size() == delays.bounds().size() + 1);
    CHECK(std::accumulate(delays.counts().begin(), delays.counts().end(), std::uint64_t{0}) == 2);
  });
  // It is known after a restart, once the watch was looked at.
  scene.play(told_by_webhooks(scene), [&](engine::Engine& engine) -> Task<> {
    const auto looked = [&](store::Tables&) { return engine.watches().at("node").last_look.has_value(); };
    co_await scene.until(engine, "the upstream was looked at", looked);
    CHECK(engine.freshness().hooks("node").live());
    CHECK(engine.freshness().of("node")->last->by == watch::KnownBy::webhook);
    CHECK(engine.freshness().pace("node", engine.config()->pipelines.front().poll) == 24h);
    // With nobody left who may send, none is relied on.
    auto silent = told_by_webhooks(scene);
    silent->webhooks.clear();
    co_await engine.reload(silent);
    CHECK(engine.freshness().hooks("node").live());
    CHECK(engine.freshness().pace("node", silent->pipelines.front().poll) == 1h);
  });
}

TEST_CASE("A change that a poll found and no webhook told of counts as missed, also over a restart") {
  Scene scene;
  const auto first = picture({"one"});
  scene.registries.push(upstream, "9", first);
  scene.play(told_by_webhooks(scene), [&](engine::Engine& engine) -> Task<> {
    co_await remember(scene, first.digest, 100h);
    auto change = [at = scene.clock.now() - 10min](store::Tables& tables) {
      tables.freshness.put(store::HookRecord{.watch = "node", .told = 2, .streak = 2, .untold = at});
    };
    co_await scene.store->write(std::move(change));
    engine.stop();
  });
  scene.play(told_by_webhooks(scene), [&](engine::Engine& engine) -> Task<> {
    const auto looked = [&](store::Tables&) { return engine.watches().at("node").last_look.has_value(); };
    co_await scene.until(engine, "the upstream was looked at", looked);
    CHECK(engine.freshness().hooks("node").missed == 1);
    CHECK_FALSE(engine.freshness().hooks("node").live());
    CHECK(engine.freshness().missed() == 1);
  });
}

TEST_CASE("The time at which an image was made dates a change that nothing better tells") {
  Scene scene;
  const auto first = picture({"one"});
  scene.registries.push(upstream, "9", first);
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, first.digest, "Succeeded");
    // The look before is an hour ago; the image was made meanwhile.
    const auto made = scene.clock.now() + 30min;
    scene.registries.fault = [](const net::Request& request) -> std::optional<MemoryRegistries::Fault> {
      if (request.url.host != "up.example") return std::nullopt;
      return MemoryRegistries::Fault{.status = 503};
    };
    const auto fails = [&](store::Tables&) { return !engine.watches().at("node").error.empty(); };
    co_await scene.until(engine, "the upstream fails", fails);
    scene.clock.pass(1h);
    const auto second = made_at(picture({"two"}), made);
    scene.registries.push(upstream, "9", second);
    scene.registries.fault = nullptr;
    co_await engine.reload(engine.config());
    co_await scene.until_run(engine, second.digest, "Succeeded");
    auto query = [&](store::Tables& tables) { return detection_of(tables, second.digest); };
    const auto kept = co_await scene.read(std::move(query));
    REQUIRE(kept);
    CHECK(kept->known_by == "created");
    CHECK(kept->changed == made);
  });
}

TEST_CASE("A tag that has been quiet for long is slow from the start on, and fast after a change") {
  Scene scene;
  const auto first = picture({"one"});
  const auto second = picture({"two"});
  scene.registries.push(upstream, "9", first);
  auto config = scene.configuration();
  config->pipelines.front().poll = {.every = 10ms, .slowest = 100ms};
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await remember(scene, first.digest, 1000h);
    engine.stop();
  });
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    const auto& poll = config->pipelines.front().poll;
    co_await scene.until_run(engine, first.digest, "Succeeded");
    CHECK(engine.freshness().pace("node", poll) == 100ms);
    scene.registries.push(upstream, "9", second);
    co_await scene.until_run(engine, second.digest, "Succeeded");
    CHECK(engine.freshness().pace("node", poll) == 10ms);
  });
}

TEST_CASE(
    "A registry whose entity tags are digests is asked whether its tag is still the same, and that counts as "
    "a look") {
  Scene scene;
  const auto first = picture({"one"});
  const auto second = picture({"two"});
  scene.registries.push(upstream, "9", first);
  int unchanged = 0;
  const auto is_look = [](const net::Request& request) {
    return request.method == "HEAD" && request.url.host == "up.example";
  };
  const auto etag = [&] { return '"' + scene.registries.tag(upstream, "9")->text() + '"'; };
  scene.registries.also_say = [&](const net::Request& request, net::Headers& headers) {
    if (is_look(request)) headers.set("ETag", etag());
  };
  scene.registries.fault = [&](const net::Request& request) -> std::optional<MemoryRegistries::Fault> {
    if (!is_look(request) || request.headers.get("If-None-Match") != etag()) return std::nullopt;
    ++unchanged;
    return MemoryRegistries::Fault{.status = 304};
  };
  auto config = scene.configuration();
  config->pipelines.push_back(config->pipelines.front());
  config->pipelines.back().name = "other";
  config->pipelines.back().stable_tag = "other";
  config->pipelines.back().unique_tag = "other-{run}";
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    for (const auto& image : {first, second}) {
      if (image.digest != first.digest) scene.registries.push(upstream, "9", image);
      co_await scene.until_run(engine, image.digest, "Succeeded");
      co_await scene.until_run_of(engine, "other", image.digest, "Succeeded");
      const auto before = unchanged;
      const auto looked = [&](store::Tables&) { return unchanged > before + 2; };
      co_await scene.until(engine, "it is unchanged", looked);
      CHECK(engine.watches().at("node").digest == image.digest);
      CHECK(engine.watches().at("node").error.empty());
    }
    const auto last = engine.watches().at("other").last_look;
    const auto known = engine.freshness().of("other")->known_at;
    const auto before = unchanged;
    const auto looked = [&](store::Tables&) { return unchanged > before + 2; };
    co_await scene.until(engine, "it was looked at", looked);
    CHECK(engine.watches().at("other").last_look > last);
    CHECK(engine.freshness().of("other")->known_at > known);
  });
}

TEST_CASE("What is promised of a registry keeps to the limit that it told, where looks count against it") {
  for (const bool counts : {true, false}) {
    INFO(counts);
    Scene scene;
    const auto first = picture({"one"});
    scene.registries.push(upstream, "9", first);
    int remaining = 60;
    scene.registries.also_say = [&](const net::Request& request, net::Headers& headers) {
      if (request.url.host != "up.example") return;
      if (counts) --remaining;
      headers.set("ratelimit-limit", "100;w=21600");
      headers.set("ratelimit-remaining", std::to_string(remaining) + ";w=21600");
    };
    scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
      co_await scene.until_run(engine, first.digest, "Succeeded");
      const auto twice = [&](store::Tables&) {
        return engine.freshness().looks().at("up.example").unchanged > 2;
      };
      co_await scene.until(engine, "it was looked at twice", twice);
      const auto overview = co_await engine.overview();
      const auto promise = overview.upstreams.at(0).promise;
      CHECK((promise.held_back_by == watch::HeldBackBy::limit) == counts);
      CHECK((promise.from == 240s) == counts);
    });
  }
}

TEST_CASE("A watch that is pointed to another tag begins anew") {
  Scene scene;
  const auto first = picture({"one"});
  const auto other = picture({"other"});
  scene.registries.push(upstream, "9", first);
  scene.registries.push(upstream, "10", other);
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, first.digest, "Succeeded");
    auto config = scene.configuration();
    config->pipelines.front().upstream = oci::Reference::parse(upstream + ":10");
    co_await engine.reload(config);
    co_await scene.until_run(engine, other.digest, "Succeeded");
    CHECK_FALSE(engine.freshness().of("node")->last);
    auto query = [&](store::Tables& tables) { return detection_of(tables, other.digest); };
    const auto kept = co_await scene.read(std::move(query));
    CHECK_FALSE(kept);
  });
}

TEST_CASE("Knowledge grows old while an upstream cannot be reached, and registries show it") {
  Scene scene;
  const auto first = picture({"one"});
  scene.registries.push(upstream, "9", first);
  bool down = false;
  scene.registries.fail_while(down, "up.example", 503);
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, first.digest, "Succeeded");
    down = true;
    const auto fails = [&](store::Tables&) { return !engine.watches().at("node").error.empty(); };
    co_await scene.until(engine, "the upstream fails", fails);
    const auto known = engine.freshness().of("node")->known_at.value();
    scene.clock.pass(3h);
    co_await engine.reload(engine.config());
    const auto overview = co_await engine.overview();
    const auto& registries = overview.upstreams;
    REQUIRE(registries.size() == 1);
    CHECK(registries[0].host == "up.example");
    CHECK(registries[0].failing == 1);
    CHECK(registries[0].oldest == known);
    CHECK(scene.clock.now() - known > 3h);
    CHECK(engine.freshness().looks().at("up.example").failed > 0);
    CHECK(engine.freshness().looks().at("up.example").changed == 1);
  });
}
