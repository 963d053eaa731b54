// B5: with ten million rows every statement must still use an index.
#include "store/connection.hpp"
#include "support.hpp"

#include <filesystem>
#include <regex>
#include <set>
#include <sqlite3.h>

#include <catch2/catch.hpp>

namespace sluice::store {
namespace {

using namespace test;

// Whole tables that may be read, by statement: they are small by their nature.
const std::set<std::string> small_scans{
    // One row for each pipeline that a person holds now.
    "SELECT pipeline, reason, held_by, since FROM holds ORDER BY pipeline",
    // Unfinished work only; asked for by metrics.
    "SELECT count(*) FROM jobs",
    // Unfinished work only; at start, and when the clock was set.
    "UPDATE jobs SET due = ?1, created = min(created, ?1) WHERE due > ?2",
    "UPDATE jobs SET due = due - ?1, created = created - ?1, leased_until = leased_until - ?1",
    "UPDATE rebuilds SET deadline = deadline + ?1 WHERE run IN (SELECT run FROM jobs)",
    "UPDATE rebuilds SET deadline = max(deadline, ?1) WHERE run IN (SELECT run FROM jobs)",
    // One row for each status.
    "SELECT status, now, ever FROM run_counts ORDER BY status",
    // At most one row for each pipeline; asked for once, at start.
    "SELECT pipeline, receipt, hook, since FROM owed_looks ORDER BY pipeline",
};

void use_every_operation(Tables& tables) {
  const auto run = tables.runs.insert(pipeline_run("node"));
  tables.runs.update(*tables.runs.find(run));
  for (int filters = 0; filters < 16; ++filters) {
    RunFilter filter;
    if (filters & 1) filter.status = "Running";
    if (filters & 2) filter.task = "node";
    if (filters & 4) filter.pipeline = "node";
    if (filters & 8) filter.parent = run;
    tables.runs.list(filter);
  }
  tables.runs.open("node");
  tables.runs.all_open();
  tables.runs.open_of_members("node");
  tables.runs.latest_of("node", digest("image"));
  tables.runs.latest_in_state("node", digest("image"), "failed", 10);
  tables.runs.count_waiting("node", "hold");

  const auto seen = tables.observations.append(observation("node", "A", at(1)));
  tables.observations.touch(seen, at(2));
  tables.observations.set_run(seen, run);
  tables.observations.latest("node");
  tables.observations.history("node", 10);
  tables.observations.at("node", at(1));

  tables.freshness.put(Detection{.observation = seen, .watch = "node", .known_by = "nothing"});
  tables.freshness.of_observation(seen);
  tables.freshness.of_run(run);
  tables.freshness.latest("node");
  tables.freshness.put(HookRecord{.watch = "node"});
  tables.freshness.hooks("node");
  tables.runs.counts();

  tables.log.append(run, at(1), "stage", "line");
  tables.log.read(run, 0, 10);
  tables.log.trim(run, "stage", 10);
  tables.log.begin_step(run, "stage", at(1));
  tables.log.end_step(run, "stage", "ok", "", at(2));
  tables.log.steps(run);

  tables.promotions.insert(promotion(run, "node", "A"));
  tables.promotions.latest("t", "1");
  tables.promotions.of_run(run);
  tables.promotions.history("node", 10);
  tables.promotions.at("node", at(1));
  tables.promotions.of_digest("node", digest("A"));

  tables.holds.set({.pipeline = "node", .reason = "", .by = ""});
  tables.holds.active("node");
  tables.holds.all();
  tables.holds.in_force("node:1");
  tables.holds.of_members("node");
  tables.holds.lift("node");

  Rebuild rebuild{.run = run, .promotion_run = run};
  tables.rebuilds.insert(rebuild);
  tables.rebuilds.update(rebuild);
  tables.rebuilds.find(run);
  tables.rebuilds.of_promotion(run);
  tables.rebuilds.first_wave_in(run, {"planned", "dispatching", "dispatched"});
  tables.rebuilds.in_state("hello", "planned");

  tables.webhooks.accept({.hook = "hub", .delivery = "id:1"}, true);
  tables.webhooks.accept({.hook = "hub", .delivery = "body:1"}, false);
  tables.webhooks.owe({.pipeline = "node", .receipt = 1, .hook = "hub"});
  tables.webhooks.owed();
  tables.webhooks.looked("node", 1);
  tables.webhooks.forget(at(1), 10);

  tables.members.put({.pipeline = "node", .tag = "1", .state = "watched"});
  tables.members.find("node", "1");
  tables.members.in_state("node", "watched");
  tables.members.count("node", "watched");
  tables.members.begun("node");
  tables.image_times.put(digest("A"), at(1));
  tables.image_times.find(digest("A"));

  tables.jobs.enqueue(run, "stage", 0, at(1), at(1));
  const auto job = tables.jobs.lease({"stage", "check"}, at(1), at(2), 10).at(0);
  tables.jobs.renew(job.id, job.attempt, at(3));
  tables.jobs.postpone(job.id, job.attempt, at(3));
  tables.jobs.retry(job.id, job.attempt, at(3), "");
  tables.jobs.complete(job.id, job.attempt);
  tables.jobs.release_all(at(1), std::chrono::seconds(1));
  tables.jobs.set_back(std::chrono::seconds(1));
  tables.rebuilds.move_deadlines(std::chrono::seconds(1));
  tables.rebuilds.grant(at(1));
  tables.jobs.next_due({"stage"});
  tables.jobs.of_run(run);
  tables.jobs.count();
  tables.jobs.drop(run);

  tables.audit.append({.at = at(1), .who = "ann", .action = "hold", .pipeline = "node"});
  tables.audit.list("", 10);
  tables.audit.list("node", 10);
  tables.audit.list_until("node", at(1), 10);

  Run old = ended_run("python", at(1));
  tables.runs.insert(old);
  tables.retain(at(2), 10);
}

std::vector<std::string> plan_of(Connection& db, const std::string& sql) {
  std::vector<std::string> steps;
  const auto take = [](void* out, int, char** columns, char**) {
    static_cast<std::vector<std::string>*>(out)->push_back(columns[3]);
    return 0;
  };
  const std::string explain = "EXPLAIN QUERY PLAN " + sql;
  REQUIRE(sqlite3_exec(db.handle(), explain.c_str(), take, &steps, nullptr) == SQLITE_OK);
  return steps;
}

struct PlansFixture {
  TemporaryDirectory directory;
  std::unique_ptr<Connection> db = [this] {
    open_store(directory.database());
    return std::make_unique<Connection>(directory.database(), Connection::Access::write);
  }();
};

TEST_CASE_METHOD(PlansFixture, "B5: every statement uses an index") {
  Tables tables(*db);
  use_every_operation(tables);
  for (const auto& sql : db->statements()) {
    if (small_scans.contains(sql)) continue;
    for (const auto& step : plan_of(*db, sql)) {
      INFO(sql << "\n  " << step);
      const bool whole_table =
          step.starts_with("SCAN") && step != "SCAN CONSTANT ROW" && !step.starts_with("SCAN (");
      CHECK_FALSE(whole_table);
    }
  }
}

TEST_CASE_METHOD(PlansFixture, "B5: lists of runs come out of an index in their order, without sorting") {
  Tables tables(*db);
  use_every_operation(tables);
  for (const auto& sql : db->statements()) {
    if (sql.find("FROM runs") == std::string::npos || !sql.ends_with("ORDER BY id DESC LIMIT ?")) continue;
    for (const auto& step : plan_of(*db, sql)) {
      INFO(sql << "\n  " << step);
      CHECK_FALSE(step.starts_with("USE TEMP B-TREE"));
      if (sql.find(" = ?") != std::string::npos) CHECK_THAT(step, Catch::Contains("USING INDEX runs_by_"));
    }
  }
}

TEST_CASE_METHOD(PlansFixture, "B5: every reference to another table can be followed back by an index") {
  // Deleting a run looks for the rows that refer to it; no query plan shows that search.
  const auto missing = db->scalar(
      "SELECT group_concat(t.name || '.' || f.\"from\") FROM pragma_table_list AS t, "
      "pragma_foreign_key_list(t.name) AS f "
      "WHERE t.schema = 'main' AND NOT EXISTS (SELECT 1 FROM pragma_index_list(t.name) AS i, "
      "pragma_index_info(i.name) AS c "
      "WHERE c.seqno = 0 AND c.name = f.\"from\" AND i.partial = 0) "
      "AND NOT EXISTS (SELECT 1 FROM pragma_table_info(t.name) AS k WHERE k.pk = 1 AND k.name = f.\"from\")");
  CHECK(missing == "");
}

TEST_CASE_METHOD(PlansFixture, "B5: the test above knows every statement of the room") {
  Tables tables(*db);
  use_every_operation(tables);
  std::size_t places = 0;
  const std::regex use("\\bQuery( \\w+)?\\(db_?,");
  for (const auto& file : std::filesystem::directory_iterator(SLUICE_SOURCE_DIR "/lib/store")) {
    // The one statement of creation is no query of the daemon.
    if (file.path().extension() != ".cpp" || file.path().filename() == "open.cpp") continue;
    const auto text = bytes_of(file.path());
    places += static_cast<std::size_t>(
        std::distance(std::sregex_iterator(text.begin(), text.end(), use), std::sregex_iterator()));
  }
  // 16 of the statements are one place: the list of runs by any filters.
  CHECK(db->statements().size() >= places + 15);
}

}  // namespace
}  // namespace sluice::store
