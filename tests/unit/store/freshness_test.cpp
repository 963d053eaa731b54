#include "support.hpp"

#include <map>

#include <catch2/catch.hpp>

namespace sluice::store {
namespace {

using namespace test;

template <class F>
void with_freshness(F use) {
  const TemporaryDirectory directory;
  auto store = open_store(directory.database());
  write(*store, use);
}

std::map<std::string, std::pair<std::int64_t, std::int64_t>> counts(Tables& tables) {
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> all;
  for (const auto& row : tables.runs.counts())
    all[row.status] = {row.now, row.ever};
  return all;
}

TEST_CASE("What is known of a change is found by its observation, its run and its watch") {
  with_freshness([](Tables& tables) {
    const auto run = tables.runs.insert(pipeline_run("node"));
    const auto first = tables.observations.append(observation("node", "A", at(1)));
    const auto second = tables.observations.append(observation("node", "B", at(100)));
    tables.observations.set_run(second, run);
    Detection row{
        .observation = second, .watch = "node", .seen = at(100), .not_before = at(90), .known_by = "nothing"};
    tables.freshness.put(row);
    CHECK_FALSE(tables.freshness.of_observation(first));
    CHECK_FALSE(tables.freshness.of_observation(second)->changed);
    row.changed = at(95);
    row.known_by = "created";
    tables.freshness.put(row);
    for (const auto& found : {tables.freshness.of_observation(second), tables.freshness.of_run(run),
                              tables.freshness.latest("node")}) {
      REQUIRE(found);
      CHECK(found->seen == at(100));
      CHECK(found->not_before == at(90));
      CHECK(found->changed == at(95));
      CHECK(found->known_by == "created");
    }
    CHECK_FALSE(tables.freshness.latest("other"));
  });
}

TEST_CASE("The record of a watch's webhooks is one row") {
  with_freshness([](Tables& tables) {
    CHECK_FALSE(tables.freshness.hooks("node"));
    tables.freshness.put(HookRecord{.watch = "node", .told = 1});
    tables.freshness.put(HookRecord{
        .watch = "node", .told = 7, .missed = 2, .streak = -2, .delivered = at(3), .untold = at(4)});
    const auto found = tables.freshness.hooks("node");
    REQUIRE(found);
    CHECK(found->told == 7);
    CHECK(found->missed == 2);
    CHECK(found->streak == -2);
    CHECK(found->delivered == at(3));
    CHECK(found->untold == at(4));
  });
}

TEST_CASE("Runs are counted by status as they come, change and go") {
  with_freshness([](Tables& tables) {
    auto run = pipeline_run("node");
    run.status = "Queued";
    run.id = tables.runs.insert(run);
    tables.runs.insert(run);
    CHECK(counts(tables)["Queued"] == std::pair<std::int64_t, std::int64_t>(2, 2));
    run.status = "Running";
    tables.runs.update(run);
    tables.runs.update(run);
    run.status = "Succeeded";
    run.ended = at(10);
    tables.runs.update(run);
    CHECK(counts(tables)["Queued"] == std::pair<std::int64_t, std::int64_t>(1, 2));
    CHECK(counts(tables)["Running"] == std::pair<std::int64_t, std::int64_t>(0, 1));
    CHECK(counts(tables)["Succeeded"] == std::pair<std::int64_t, std::int64_t>(1, 1));
    CHECK(tables.retain(at(100), 10) == 1);
    CHECK(counts(tables)["Succeeded"] == std::pair<std::int64_t, std::int64_t>(0, 1));
  });
}

}  // namespace
}  // namespace sluice::store
