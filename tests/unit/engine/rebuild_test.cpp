// Dependents: asked once per promotion with one key, in order, and believed only when the registry shows the
// image.

#include "core/error.hpp"
#include "scene.hpp"

#include <algorithm>
#include <set>

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

TEST_CASE("A3: every repeat of a rebuild request carries the same idempotency key", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  builds(scene, {one});
  int refusals = 3;
  scene.script->build = [&, build = scene.script->build](const auto& key, const auto& base,
                                                         const auto& image) {
    if (refusals-- > 0) throw Error(ErrorKind::unavailable, "no answer");
    build(key, base, image);
  };
  scene.registries.push(upstream, "9", one);
  scene.play(scene.configuration(true), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, one.digest, "Succeeded");
    CHECK(scene.script->keys.size() == 4);
    CHECK(std::set<std::string>(scene.script->keys.begin(), scene.script->keys.end()).size() == 1);
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
  Scene scene;
  const auto one = picture({"one"});
  const auto two = picture({"two"});
  // The builder of `one` pushes nothing; the builder of `two` does.
  builds(scene, {one, two});
  scene.script->build = [&, build = scene.script->build](const auto& key, const auto& base,
                                                         const auto& image) {
    if (base == two.digest) build(key, base, image);
  };
  scene.registries.push(upstream, "9", one);
  scene.play(scene.configuration(true), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until(engine, "the first request went out", [&](store::Tables& tables) {
      return !tables.rebuilds.in_state("hello", "dispatched").empty();
    });
    scene.registries.push(upstream, "9", two);
    co_await scene.until_run(engine, two.digest, "Succeeded");
    const auto first = co_await scene.until_run(engine, one.digest, "Succeeded");
    const auto rebuild = co_await rebuild_of(scene, first.id);
    CHECK(rebuild.state == "confirmed");
    CHECK(rebuild.idempotency_key != scene.script->keys.back());
  });
}

TEST_CASE("a request that the target refused gives way to a newer one", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  const auto two = picture({"two"});
  builds(scene, {one, two});
  scene.script->build = [&, build = scene.script->build](const auto& key, const auto& base,
                                                         const auto& image) {
    if (base == one.digest) throw Error(ErrorKind::unavailable, "down");
    build(key, base, image);
  };
  scene.registries.push(upstream, "9", one);
  scene.play(scene.configuration(true), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until(engine, "the first request was refused",
                         [&](store::Tables&) { return scene.script->keys.size() > 1; });
    scene.registries.push(upstream, "9", two);
    co_await scene.until_run(engine, two.digest, "Succeeded");
    const auto first = co_await scene.until_run(engine, one.digest, "Succeeded");
    const auto rebuild = co_await rebuild_of(scene, first.id);
    CHECK(rebuild.state == "superseded");
  });
}

TEST_CASE("the next wave waits for the one before it and is built on its image", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  const std::string app = "dev.example/team/app";
  auto config = scene.configuration(true);
  auto second = config->dependents[0];
  second.name = "app";
  second.image = oci::Reference::parse(app + ":latest");
  second.from = {oci::Reference::parse(hello + ":latest")};
  config->dependents.push_back(second);
  const auto on_one = picture({"one", "hello"});
  scene.script->build = [&](const std::string&, const oci::Digest& base, const std::string& image) {
    if (image == hello + ":latest") {
      CHECK(base == one.digest);
      scene.registries.push(hello, "latest", on_one);
    } else {
      CHECK(base == on_one.digest);
      scene.registries.push(app, "latest", picture({"one", "hello", "app"}));
    }
  };
  scene.registries.push(upstream, "9", one);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    const auto run = co_await scene.until_run(engine, one.digest, "Succeeded");
    const auto rebuilds =
        co_await scene.read([&](store::Tables& tables) { return tables.rebuilds.of_promotion(run.id); });
    REQUIRE(rebuilds.size() == 2);
    CHECK(rebuilds[0].dependent == "hello");
    CHECK(rebuilds[1].wave == 1);
    CHECK(rebuilds[1].state == "confirmed");
  });
}
