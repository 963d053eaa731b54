// All watches counted together, without keeping others from their work.

#include "engine/overview.hpp"

#include "scene.hpp"

#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

TEST_CASE("watches are counted by registry and by set", "[engine]") {
  Scene scene;
  auto config = scene.configuration();
  auto set = config->pipelines.front();
  set.name = "set";
  set.tags = std::make_shared<config::TagSet>();
  config->pipelines.push_back(set);
  const engine::Freshness freshness({.clock = scene.clock,
                                     .random = scene.random,
                                     .workers = scene.workers,
                                     .launcher = scene.launcher,
                                     .http = scene.registries,
                                     .store = *scene.store,
                                     .surroundings = scene.surroundings});
  engine::Tally tally(freshness, config);
  engine::WatchStatus looked_at, fails;
  looked_at.last_look = Time(std::chrono::hours(5));
  fails.error = "no answer";
  tally.add("node", looked_at);
  tally.add("set", {});
  tally.add("set:1", looked_at);
  tally.add("set:2", fails);
  tally.add("of-an-earlier-configuration", fails);
  const auto overview = tally.take({});
  REQUIRE(overview.sets.size() == 1);
  CHECK(overview.sets.at("set").members == 2);
  CHECK(overview.sets.at("set").looked_at == 1);
  CHECK(overview.sets.at("set").failing == 1);
  REQUIRE(overview.upstreams.size() == 1);
  CHECK(overview.upstreams[0].host == "up.example");
  CHECK(overview.upstreams[0].promise.watches == 4);
  CHECK(overview.upstreams[0].failing == 1);
  CHECK(overview.upstreams[0].unknown == 2);
  CHECK(overview.upstreams[0].oldest == looked_at.last_look);
}

TEST_CASE("E1: while many watches are counted, others get their turn", "[engine]") {
  Scene scene;
  const bool down = true;
  scene.registries.fail_while(down, "up.example", 503);
  auto config = scene.configuration();
  const auto first = config->pipelines.front();
  constexpr std::size_t watches = 5000;
  for (std::size_t i = 1; i < watches; ++i) {
    config->pipelines.push_back(first);
    config->pipelines.back().name = "node-" + std::to_string(i);
  }
  config->index();
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    const auto executor = co_await boost::asio::this_coro::executor;
    bool had_its_turn = false;
    boost::asio::post(executor, [&] { had_its_turn = true; });
    const auto overview = co_await engine.overview();
    CHECK(had_its_turn);
    REQUIRE(overview.upstreams.size() == 1);
    CHECK(overview.upstreams[0].promise.watches == watches);
  });
}
