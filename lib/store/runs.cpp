#include "core/error.hpp"
#include "store/query.hpp"
#include "store/tables.hpp"

namespace sluice::store {
namespace {

constexpr const char* select_runs =
    "SELECT id, kind, task, pipeline, platform, state, status, trigger, digest, source, checks_total, "
    "checks_passed, "
    "waiting_for, outcome, parent, created, started, ended, checks FROM runs ";

std::string runs_where(const char* rest) {
  return std::string(select_runs) + rest;
}

Run read_run(Query& row) {
  Run run;
  run.id = row.run_id();
  run.kind = row.text();
  run.task = row.text();
  run.pipeline = row.text();
  run.platform = row.text();
  run.state = row.text();
  run.status = row.text();
  run.trigger = row.text();
  run.digest = row.maybe_digest();
  run.source = row.text();
  run.checks_total = row.small();
  run.checks_passed = row.small();
  run.waiting_for = row.text();
  run.outcome = row.text();
  run.parent = row.maybe_run_id();
  run.created = row.time();
  run.started = row.maybe_time();
  run.ended = row.maybe_time();
  run.checks = row.text();
  return run;
}

}  // namespace

RunId Runs::insert(const Run& row) {
  Query(db_,
        "INSERT INTO runs (kind, task, pipeline, platform, state, status, trigger, digest, source, "
        "checks_total, "
        "checks_passed, waiting_for, outcome, parent, created, started, ended, checks) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        row.kind, row.task, row.pipeline, row.platform, row.state, row.status, row.trigger, row.digest,
        row.source, row.checks_total, row.checks_passed, row.waiting_for, row.outcome, row.parent,
        row.created, row.started, row.ended, row.checks)
      .run();
  return RunId(db_.last_id());
}

void Runs::update(const Run& row) {
  const int changed =
      Query(db_,
            "UPDATE runs SET kind = ?2, task = ?3, pipeline = ?4, platform = ?5, state = ?6, "
            "status = ?7, trigger = ?8, "
            "digest = ?9, source = ?10, checks_total = ?11, checks_passed = ?12, waiting_for "
            "= ?13, outcome = ?14, "
            "parent = ?15, created = ?16, started = ?17, ended = ?18, checks = ?19 WHERE id = ?1",
            row.id, row.kind, row.task, row.pipeline, row.platform, row.state, row.status, row.trigger,
            row.digest, row.source, row.checks_total, row.checks_passed, row.waiting_for, row.outcome,
            row.parent, row.created, row.started, row.ended, row.checks)
          .run();
  if (changed == 0) throw Error(ErrorKind::not_found, "run " + row.id.text() + " is not in the database");
}

std::optional<Run> Runs::find(RunId id) const {
  Query query(db_, runs_where("WHERE id = ?1"), id);
  return first(query, read_run);
}

// One statement for each combination of filters, so that each can use the index that fits.
std::vector<Run> Runs::list(const RunFilter& filter) const {
  // The first condition makes an unfiltered list a search from the newest number down.
  std::string sql = runs_where("WHERE id > 0");
  if (filter.status) sql += " AND status = ?";
  if (filter.task) sql += " AND task = ?";
  if (filter.pipeline) sql += " AND pipeline = ?";
  if (filter.parent) sql += " AND parent = ?";
  Query query(db_, sql + " ORDER BY id DESC LIMIT ?");
  if (filter.status) query.bind(*filter.status);
  if (filter.task) query.bind(*filter.task);
  if (filter.pipeline) query.bind(*filter.pipeline);
  if (filter.parent) query.bind(*filter.parent);
  query.bind(limited(filter.limit));
  return all(query, read_run);
}

std::vector<Run> Runs::open(const std::string& pipeline) const {
  Query query(db_, runs_where("WHERE ended IS NULL AND pipeline = ?1 ORDER BY id"), pipeline);
  return all(query, read_run);
}

std::vector<Run> Runs::open_of_members(const std::string& set) const {
  // ';' follows ':' in the order of bytes.
  Query query(db_, runs_where("WHERE ended IS NULL AND pipeline > ?1 AND pipeline < ?2 ORDER BY id"),
              set + ":", set + ";");
  return all(query, read_run);
}

std::vector<Run> Runs::all_open() const {
  Query query(db_, runs_where("WHERE ended IS NULL ORDER BY id"));
  return all(query, read_run);
}

int Runs::count_waiting(const std::string& name, const std::string& so) const {
  Query own(db_,
            "SELECT count(*) FROM runs WHERE ended IS NULL AND pipeline = ?1 "
            "AND substr(waiting_for, 1, length(?2)) = ?2",
            name, so);
  Query of_members(db_,
                   "SELECT count(*) FROM runs WHERE ended IS NULL AND pipeline > ?1 AND pipeline < ?2 "
                   "AND substr(waiting_for, 1, length(?3)) = ?3 "
                   "AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.pipeline = runs.pipeline)",
                   name + ":", name + ";", so);
  const auto count = [](Query& row) { return row.small(); };
  return first(own, count).value_or(0) + first(of_members, count).value_or(0);
}

std::optional<Run> Runs::latest_of(const std::string& pipeline, const oci::Digest& digest) const {
  Query query(
      db_, runs_where("WHERE pipeline = ?1 AND digest = ?2 AND kind = 'pipeline' ORDER BY id DESC LIMIT 1"),
      pipeline, digest);
  return first(query, read_run);
}

int Runs::latest_in_state(const std::string& pipeline, const oci::Digest& digest, const std::string& state,
                          int most) const {
  Query query(db_,
              "SELECT state FROM runs WHERE pipeline = ?1 AND digest = ?2 AND kind = 'pipeline' "
              "ORDER BY id DESC LIMIT ?3",
              pipeline, digest, limited(most));
  int count = 0;
  while (query.next() && query.text() == state)
    ++count;
  return count;
}

}  // namespace sluice::store
