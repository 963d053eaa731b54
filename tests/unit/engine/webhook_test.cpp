// From a webhook to the look that it promised, and what happens when something is in the way.

#include "core/secret.hpp"
#include "scene.hpp"
#include "watch/hook.hpp"

#include <algorithm>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

// Polls once an hour, so what is found in between was told.
std::shared_ptr<config::Config> watching(Scene& scene) {
  auto config = scene.configuration();
  config->pipelines.front().poll.every = 1h;
  auto hook = std::make_shared<watch::Hook>();
  hook->sender = watch::sender("generic");
  hook->bearer = Secret("fixture-secret");
  hook->reading.fields = {{"image", "/image"}, {"id", "/id"}};
  config->webhooks.push_back({.name = "own", .part = hook, .at = {}});
  return config;
}

Task<int> send(engine::Engine& engine, std::string id) {
  net::ServerRequest request;
  request.method = "POST";
  request.path = request.target = "/hooks/own";
  request.peer = "192.0.2.1";
  request.headers.add("Authorization", "Bearer fixture-secret");
  request.body = nlohmann::json{{"image", upstream + ":9"}, {"id", id}}.dump();
  const auto handler = engine.webhook_handler();
  const auto answer = co_await handler(std::move(request));
  co_return answer.status;
}

std::ptrdiff_t looks(const Scene& scene) {
  return std::count_if(scene.registries.requests.begin(), scene.registries.requests.end(),
                       [](const std::string& line) {
                         return line.starts_with("HEAD up.example/") || line.starts_with("HEAD up.example:");
                       });
}

registry::RegistryStatus status_of(const engine::Engine& engine, const std::string& registry) {
  for (auto& status : engine.registries())
    if (status.registry == registry) return status;
  return {};
}

bool none_owed(store::Tables& tables) {
  return tables.webhooks.owed().empty();
}

}  // namespace

TEST_CASE("A webhook has the upstream looked at, and the run says that it came by one") {
  TwoImages scene;
  scene.play(watching(scene), [&](engine::Engine& engine) -> Task<> {
    const auto polled = co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    CHECK(polled.trigger == "Image Update");
    scene.registries.push(upstream, "9", scene.second);
    const int status = co_await send(engine, "1");
    CHECK(status == 200);
    const auto run = co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    CHECK(run.trigger == "Webhook");
    co_await scene.until(engine, "the promise is kept", none_owed);
  });
}

TEST_CASE(
    "A webhook that comes before its tag is written is not lost: the upstream is looked at a second time") {
  TwoImages scene;
  scene.play(watching(scene), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    const auto before = looks(scene);
    co_await send(engine, "1");
    const auto looked = [&](store::Tables&) { return looks(scene) == before + 1; };
    co_await scene.until(engine, "the first look was made", looked);
    scene.registries.push(upstream, "9", scene.second);
    const auto run = co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    CHECK(run.trigger == "Webhook");
    CHECK(looks(scene) == before + 2);
    co_await scene.until(engine, "the promise is kept", none_owed);
  });
}

TEST_CASE("A webhook of a push that changed nothing costs two looks") {
  Scene scene;
  const auto first = picture({"one"});
  scene.registries.push(upstream, "9", first);
  scene.play(watching(scene), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, first.digest, "Succeeded");
    const auto before = looks(scene);
    co_await send(engine, "1");
    co_await scene.until(engine, "the promise is kept", none_owed);
    CHECK(looks(scene) == before + 2);
  });
}

TEST_CASE("A look that failed is still owed, and is made when the upstream is back") {
  TwoImages scene;
  bool down = false;
  scene.registries.fail_while(down, "up.example", 503);
  scene.play(watching(scene), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    scene.registries.push(upstream, "9", scene.second);
    down = true;
    co_await send(engine, "1");
    const auto seen = [&](store::Tables&) { return !engine.watches().at("node").error.empty(); };
    co_await scene.until(engine, "the upstream is seen to fail", seen);
    auto query = [](store::Tables& tables) { return tables.webhooks.owed().size(); };
    const auto owed = co_await scene.read(std::move(query));
    CHECK(owed == 1);
    down = false;
    const auto run = co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    CHECK(run.trigger == "Webhook");
    co_await scene.until(engine, "the promise is kept", none_owed);
  });
}

TEST_CASE(
    "C1: a webhook of a registry that counts as down has it looked at now, not when it would be asked "
    "again") {
  TwoImages scene;
  bool down = false;
  scene.registries.fail_while(down, "up.example", 502);
  scene.play(watching(scene), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    down = true;
    const auto again = [&] { return status_of(engine, "up.example").asked_again; };
    for (int i = 0; i < 1000 && again().value_or(scene.clock.now()) < scene.clock.now() + 2min; ++i) {
      // To the next look: by itself, or as a probe.
      const auto at = again().value_or(scene.clock.now() + 2h);
      scene.clock.pass(std::max(std::chrono::ceil<std::chrono::seconds>(at - scene.clock.now()), 0s));
      const auto seen = engine.changes();
      co_await engine.reload(engine.config());
      co_await engine.wait_change(seen, 10ms);
    }
    const auto shown = again();
    REQUIRE(shown > scene.clock.now() + 2min - 1s);
    scene.registries.push(upstream, "9", scene.second);
    down = false;
    co_await send(engine, "1");
    const auto run = co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    CHECK(run.trigger == "Webhook");
    CHECK(run.created < *shown);
    CHECK(status_of(engine, "up.example").state == registry::Breaker::State::closed);
  });
}

TEST_CASE("A1: a look that an earlier process promised is made by the next") {
  Scene scene;
  const auto first = picture({"one"});
  scene.registries.push(upstream, "9", first);
  const auto config = watching(scene);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    auto change = [at = scene.clock.now()](store::Tables& tables) {
      tables.webhooks.owe({.pipeline = "node", .receipt = 1, .hook = "own", .since = at});
      tables.webhooks.owe({.pipeline = "gone", .receipt = 1, .hook = "own", .since = at});
    };
    co_await scene.store->write(std::move(change));
    engine.stop();
  });
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    const auto run = co_await scene.until_run(engine, first.digest, "Succeeded");
    CHECK(run.trigger == "Webhook");
    co_await scene.until(engine, "both promises are gone", none_owed);
  });
}

TEST_CASE("E2: thousands of webhooks for one tag cause a look now and one in a second") {
  TwoImages scene;
  auto config = watching(scene);
  auto hook = std::make_shared<watch::Hook>(watch::hook_of(config->webhooks.front()));
  hook->rate = {.per_second = 1e6, .burst = 1e6};
  config->webhooks.front().part = hook;
  config->webhook_server.rate = 1'000'000;
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    const auto before = looks(scene);
    CHECK(before > 0);
    const auto began = scene.clock.steady();
    for (int i = 0; i < 2000; ++i)
      co_await send(engine, std::to_string(i));
    scene.registries.push(upstream, "9", scene.second);
    co_await send(engine, "last");
    const auto run = co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    CHECK(run.trigger == "Webhook");
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(scene.clock.steady() - began).count();
    CHECK(looks(scene) - before <= 2 + seconds);
  });
}
