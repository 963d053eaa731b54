// What registries say of their limits, and what the configuration allows: looks come later, work is not lost.

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

std::ptrdiff_t looks_at_upstream(const Scene& scene) {
  return std::count_if(scene.registries.requests.begin(), scene.registries.requests.end(),
                       [](const std::string& line) { return line.starts_with("HEAD up.example/"); });
}

void receive_webhooks(config::Config& config) {
  auto hook = std::make_shared<watch::Hook>();
  hook->sender = watch::sender("generic");
  hook->bearer = Secret("fixture-secret");
  hook->reading.fields = {{"image", "/image"}};
  config.webhooks.push_back({.name = "own", .part = hook, .at = {}});
}

Task<int> tell_of_push(engine::Engine& engine) {
  net::ServerRequest request;
  request.method = "POST";
  request.path = request.target = "/hooks/own";
  request.peer = "192.0.2.1";
  request.headers.add("Authorization", "Bearer fixture-secret");
  request.body = nlohmann::json{{"image", upstream + ":9"}}.dump();
  const auto handler = engine.webhook_handler();
  const auto answer = co_await handler(std::move(request));
  co_return answer.status;
}

}  // namespace

TEST_CASE("C4: when little is left of a registry's limit, polls leave it to work and to what webhooks tell",
          "[engine]") {
  TwoImages scene;
  int remaining = 9;
  scene.registries.also_say = [&](const net::Request& request, net::Headers& headers) {
    if (request.url.host != "up.example") return;
    headers.add("ratelimit-limit", "100;w=21600");
    headers.add("ratelimit-remaining", std::to_string(--remaining) + ";w=21600");
  };
  auto config = scene.configuration();  // polls every few milliseconds
  receive_webhooks(*config);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    CHECK(looks_at_upstream(scene) == 1);
    const auto registries = engine.registries();
    const auto hub = std::find_if(registries.begin(), registries.end(),
                                  [](const auto& entry) { return entry.registry == "up.example"; });
    REQUIRE(hub != registries.end());
    CHECK(hub->looks_put_off);
    CHECK(hub->limit->limit == 100);
    scene.registries.push(upstream, "9", scene.second);
    const int status = co_await tell_of_push(engine);
    CHECK(status < 300);
    const auto run = co_await scene.until_run(engine, scene.second.digest, "Succeeded");
    CHECK(run.trigger == "Webhook");
    CHECK(looks_at_upstream(scene) == 2);
  });
}

TEST_CASE("C4: work that a limit holds back is owed, however few attempts it has", "[engine]") {
  TwoImages scene;
  auto config = scene.configuration();
  config->retry_attempts = 1;
  config->registries["up.example"].host = "up.example";
  config->registries["up.example"].budget = config::Budget{1, std::chrono::hours(1), false};
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, scene.first.digest, "Succeeded");
    scene.registries.push(upstream, "9", scene.second);
    co_await scene.until(engine, "the copy is put off", [&](store::Tables& tables) {
      const auto run = tables.runs.latest_of("node", scene.second.digest);
      if (!run) return false;
      const auto lines = tables.log.read(run->id, 0, 100);
      return std::any_of(lines.begin(), lines.end(), [](const auto& line) {
        return line.text.find("next try in") != std::string::npos &&
               line.text.find("budget is used up") != std::string::npos;
      });
    });
    const auto run = co_await scene.read(
        [&](store::Tables& tables) { return tables.runs.latest_of("node", scene.second.digest); });
    CHECK(run->status == "Running");
    CHECK(scene.registries.tag(target, "9") == scene.first.digest);
  });
}
