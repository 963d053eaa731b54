// Pushes to the git repositories that dependents are built from.

#include "core/error.hpp"
#include "core/secret.hpp"
#include "scene.hpp"
#include "watch/hook.hpp"

#include <algorithm>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::test;
using nlohmann::json;

namespace {

// The dependent is built from a git repository, whose server tells of pushes.
std::shared_ptr<config::Config> with_source(Scene& scene) {
  scene.script->source = triggers::GitSource::parse("https://git.example/team/hello.git#main");
  auto config = scene.configuration(true);
  auto hook = std::make_shared<watch::Hook>();
  hook->sender = watch::sender("github");
  hook->bearer = Secret("fixture-secret");
  config->webhooks.push_back({.name = "git", .part = hook, .at = {}});
  return config;
}

Task<json> push_to(engine::Engine& engine, std::string id, std::string branch) {
  net::ServerRequest request;
  request.method = "POST";
  request.path = request.target = "/hooks/git";
  request.peer = "192.0.2.1";
  request.headers.add("Authorization", "Bearer fixture-secret");
  request.headers.add("X-GitHub-Event", "push");
  request.headers.add("X-GitHub-Delivery", id);
  request.body = json{{"ref", "refs/heads/" + branch},
                      {"after", "da1560886d4f094c3e6c9ef40349f7d38b5d27d7"},
                      {"repository", {{"ssh_url", "git@git.example:team/Hello.git"}}}}
                     .dump();
  const auto handler = engine.webhook_handler();
  const auto answer = co_await handler(std::move(request));
  CHECK(answer.status == 200);
  co_return json::parse(answer.body);
}

std::vector<store::Run> commits(store::Tables& tables) {
  store::RunFilter filter;
  filter.limit = 100;
  auto runs = tables.runs.list(filter);
  std::erase_if(runs, [](const store::Run& run) { return run.trigger != "Commit"; });
  return runs;
}

Task<store::Run> until_commit(Scene& scene, engine::Engine& engine, std::string status) {
  std::optional<store::Run> found;
  co_await scene.until(engine, "the rebuild for the commit is " + status, [&](store::Tables& tables) {
    const auto runs = commits(tables);
    if (!runs.empty()) found = runs.front();
    return found && found->status == status;
  });
  co_return *found;
}

}  // namespace

TEST_CASE("a push to the source of a dependent has it built again on what is promoted", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  int built = 0;
  scene.script->build = [&](const std::string&, const oci::Digest& base, const std::string&) {
    CHECK(base == one.digest);
    scene.registries.push(hello, "latest", picture({"one", "hello " + std::to_string(++built)}));
  };
  scene.registries.push(upstream, "9", one);
  scene.play(with_source(scene), [&](engine::Engine& engine) -> Task<> {
    const auto promotion = co_await scene.until_run(engine, one.digest, "Succeeded");
    const auto answer = co_await push_to(engine, "1", "main");
    CHECK(answer == json{{"result", "accepted"}, {"pipelines", 0}, {"dependents", 1}});
    const auto run = co_await until_commit(scene, engine, "Succeeded");
    CHECK(run.task == "hello");
    CHECK(run.parent == promotion.id);
    CHECK(run.digest == scene.registries.tag(hello, "latest"));
    CHECK(built == 2);
    const auto again = co_await push_to(engine, "1", "main");
    CHECK(again["result"] == "duplicate");
    const auto other = co_await push_to(engine, "2", "other");
    CHECK(other["result"] == "ignored");
    CHECK(other["reason"] == "no dependent is built from refs/heads/other of git@git.example:team/Hello.git");
    const auto runs = co_await scene.read([](store::Tables& tables) { return commits(tables); });
    CHECK(runs.size() == 1);
  });
}

TEST_CASE("a push before anything was promoted starts nothing", "[engine]") {
  Scene scene;
  scene.play(with_source(scene), [&](engine::Engine& engine) -> Task<> {
    const auto answer = co_await push_to(engine, "1", "main");
    CHECK(answer["result"] == "accepted");
    const auto runs = co_await scene.read([](store::Tables& tables) { return commits(tables); });
    CHECK(runs.empty());
  });
}

TEST_CASE("many pushes while the builder is away are few rebuilds", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  bool away = false;
  scene.script->build = [&](const std::string& key, const oci::Digest&, const std::string&) {
    if (away) throw Error(ErrorKind::unavailable, "away");
    scene.registries.push(hello, "latest", picture({"one", key}));
  };
  scene.registries.push(upstream, "9", one);
  scene.play(with_source(scene), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, one.digest, "Succeeded");
    away = true;
    for (int i = 0; i < 50; ++i)
      co_await push_to(engine, std::to_string(i), "main");
    // Each that failed gives way to one that came after it, so there may be some in a row, but never many at
    // once.
    const auto open = co_await scene.read(
        [](store::Tables& tables) { return tables.rebuilds.in_state("hello", "dispatching").size(); });
    CHECK(open <= 2);
    away = false;
    co_await until_commit(scene, engine, "Succeeded");
  });
}

TEST_CASE("a commit that cannot be built does not fail the promotion whose base it is built on", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  bool broken = false;
  scene.script->build = [&](const std::string&, const oci::Digest&, const std::string&) {
    if (broken) throw Error(ErrorKind::invalid, "a step of the build failed");
  };
  scene.registries.push(upstream, "9", one);
  scene.play(with_source(scene), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until(engine, "the promotion asked for its rebuild", [](store::Tables& tables) {
      return !tables.rebuilds.in_state("hello", "dispatched").empty();
    });
    broken = true;
    co_await push_to(engine, "1", "main");
    co_await until_commit(scene, engine, "Failed");
    scene.registries.push(hello, "latest", picture({"one", "hello"}));
    co_await scene.until_run(engine, one.digest, "Succeeded");
  });
}

TEST_CASE("a rebuild that others are built on does not give way to one for a commit", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  const std::string on_top = "dev.example/team/top";
  bool away = true;
  scene.script->build = [&](const std::string& key, const oci::Digest&, const std::string& image) {
    if (away) throw Error(ErrorKind::unavailable, "away");
    if (image == hello + ":latest") scene.registries.push(hello, "latest", picture({"one", "hello"}));
    if (image == on_top + ":latest") scene.registries.push(on_top, "latest", picture({"one", "hello", key}));
  };
  auto config = with_source(scene);
  auto top = config->dependents[0];
  top.name = "top";
  top.image = oci::Reference::parse(on_top + ":latest");
  top.from = {oci::Reference::parse(hello + ":latest")};
  config->dependents.push_back(top);
  scene.registries.push(upstream, "9", one);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    const auto& keys = scene.script->keys;
    co_await scene.until(engine, "the promotion's request failed",
                         [&](store::Tables&) { return !keys.empty(); });
    co_await push_to(engine, "1", "main");
    const auto asked = keys.size();
    co_await scene.until(engine, "it failed again", [&](store::Tables&) { return keys.size() > asked + 1; });
    away = false;
    const auto run = co_await scene.until_run(engine, one.digest, "Succeeded");
    const auto rebuilds =
        co_await scene.read([&](store::Tables& tables) { return tables.rebuilds.of_promotion(run.id); });
    CHECK(std::none_of(rebuilds.begin(), rebuilds.end(),
                       [](const auto& rebuild) { return rebuild.state == "superseded"; }));
  });
}
