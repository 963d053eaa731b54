// What retention takes, and what it must leave.
#include "support.hpp"

#include <catch2/catch.hpp>

namespace sluice::store {
namespace {

using namespace test;

struct RetainFixture {
  TemporaryDirectory directory;
  std::unique_ptr<Store> store = open_store(directory.database());

  template <class F>
  auto with_tables(F work) {
    return write(*store, std::move(work));
  }
  RunId ended(const std::string& pipeline, const std::string& digest_of = "old") {
    return with_tables(
        [=](Tables& tables) { return tables.runs.insert(ended_run(pipeline, at(100), digest_of)); });
  }
  RunId rebuild_of(RunId promoted, std::optional<Time> ended_at = at(90)) {
    return with_tables([=](Tables& tables) {
      Run row = pipeline_run("node");
      row.kind = "rebuild";
      row.parent = promoted;
      row.ended = ended_at;
      const auto id = tables.runs.insert(row);
      Rebuild rebuild{.run = id, .promotion_run = promoted};
      rebuild.dependent = "hello";
      tables.rebuilds.insert(rebuild);
      return id;
    });
  }
  int retain(Time before, int limit = 100) {
    return with_tables([=](Tables& tables) { return tables.retain(before, limit); });
  }
  bool kept(RunId run) {
    return with_tables([run](Tables& tables) { return tables.runs.find(run).has_value(); });
  }
};

TEST_CASE_METHOD(RetainFixture, "Retention takes an ended run with its log, steps and jobs") {
  const auto run = ended("node");
  with_tables([run](Tables& tables) {
    tables.log.append(run, at(1), "stage", "line");
    tables.log.begin_step(run, "stage", at(1));
    tables.jobs.enqueue(run, "stage", 0, at(1), at(1));
  });
  CHECK(retain(at(100)) == 0);
  CHECK(retain(at(101)) == 1);
  CHECK_FALSE(kept(run));
  with_tables([run](Tables& tables) {
    CHECK(tables.log.read(run, 0, 10).empty());
    CHECK(tables.log.steps(run).empty());
    CHECK(tables.jobs.count() == 0);
  });
}

TEST_CASE_METHOD(RetainFixture, "Retention leaves runs that have not ended") {
  const auto run = with_tables([](Tables& tables) { return tables.runs.insert(pipeline_run("node")); });
  CHECK(retain(at(1'000'000)) == 0);
  CHECK(kept(run));
}

TEST_CASE_METHOD(RetainFixture, "Retention takes at most its limit, oldest first, and goes on next time") {
  for (int i = 0; i < 5; ++i)
    ended("node");
  CHECK(retain(at(200), 2) == 2);
  CHECK_FALSE(kept(RunId(1)));
  CHECK_FALSE(kept(RunId(2)));
  CHECK(retain(at(200), 2) == 2);
  CHECK(retain(at(200), 2) == 1);
  CHECK(retain(at(200), 2) == 0);
  CHECK(retain(at(200), 0) == 0);
}

TEST_CASE_METHOD(RetainFixture, "The number of a run that went is never given again") {
  const auto before = ended("node");
  CHECK(retain(at(200)) == 1);
  CHECK(ended("node") > before);
}

TEST_CASE_METHOD(RetainFixture,
                 "Retention leaves the runs of the newest ten promotions of a tag, and all promotions") {
  for (int i = 0; i < 12; ++i) {
    const auto run = ended("node", "digest " + std::to_string(i));
    with_tables([=](Tables& tables) { tables.promotions.insert(promotion(run, "node", std::to_string(i))); });
  }
  CHECK(retain(at(200)) == 2);
  CHECK_FALSE(kept(RunId(1)));
  CHECK_FALSE(kept(RunId(2)));
  CHECK(kept(RunId(3)));
  with_tables([](Tables& tables) { CHECK(tables.promotions.history("node", 100).size() == 12); });
}

TEST_CASE_METHOD(RetainFixture, "Retention leaves the runs of a pipeline under a hold until it is lifted") {
  const auto run = ended("node");
  const auto other = ended("python");
  with_tables([](Tables& tables) { tables.holds.set({.pipeline = "node", .reason = "wait", .by = "ann"}); });
  CHECK(retain(at(200)) == 1);
  CHECK(kept(run));
  CHECK_FALSE(kept(other));
  with_tables([](Tables& tables) { tables.holds.lift("node"); });
  CHECK(retain(at(200)) == 1);
}

TEST_CASE_METHOD(RetainFixture,
                 "Retention leaves the run of what the upstream names now; the history keeps every row") {
  const auto old = ended("node", "A");
  const auto current = ended("node", "B");
  with_tables([=](Tables& tables) {
    tables.observations.set_run(tables.observations.append(observation("node", "A", at(10))), old);
    tables.observations.set_run(tables.observations.append(observation("node", "B", at(20))), current);
  });
  CHECK(retain(at(200)) == 1);
  CHECK_FALSE(kept(old));
  CHECK(kept(current));
  const auto history = with_tables([](Tables& tables) { return tables.observations.history("node", 10); });
  REQUIRE(history.size() == 2);
  CHECK_FALSE(history[1].run);
  CHECK(history[0].run == current);
}

TEST_CASE_METHOD(RetainFixture, "Retention leaves the newest run of the digest that the upstream names now") {
  const auto first = ended("node", "A");
  const auto rejected = ended("node", "A");
  with_tables([](Tables& tables) { tables.observations.append(observation("node", "A", at(10))); });
  CHECK(retain(at(200)) == 1);
  CHECK_FALSE(kept(first));
  CHECK(kept(rejected));
}

TEST_CASE_METHOD(RetainFixture, "Rebuild runs go with their promotion run, within the limit") {
  const auto promoted = ended("node");
  const auto one = rebuild_of(promoted);
  const auto two = rebuild_of(promoted);
  CHECK(retain(at(200), 2) == 2);
  CHECK(kept(promoted));
  CHECK_FALSE(kept(one));
  CHECK_FALSE(kept(two));
  CHECK(retain(at(200), 2) == 1);
  CHECK_FALSE(kept(promoted));
  with_tables([=](Tables& tables) { CHECK_FALSE(tables.rebuilds.find(one)); });
}

TEST_CASE_METHOD(RetainFixture, "Rebuild runs stay while their promotion run is needed") {
  const auto promoted = ended("node");
  const auto rebuild = rebuild_of(promoted);
  with_tables([=](Tables& tables) { tables.promotions.insert(promotion(promoted, "node", "A")); });
  CHECK(retain(at(200)) == 0);
  CHECK(kept(rebuild));
}

TEST_CASE_METHOD(RetainFixture, "A promotion run stays while one of its rebuilds is open") {
  const auto promoted = ended("node");
  rebuild_of(promoted, std::nullopt);
  CHECK(retain(at(200)) == 0);
  CHECK(kept(promoted));
}

}  // namespace
}  // namespace sluice::store
