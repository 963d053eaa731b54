#include "store/query.hpp"
#include "store/tables.hpp"

namespace sluice::store {
namespace {

Detection read_detection(Query& row) {
  Detection result;
  result.observation = row.number();
  result.watch = row.text();
  result.seen = row.time();
  result.not_before = row.time();
  result.changed = row.maybe_time();
  result.known_by = row.text();
  return result;
}

}  // namespace

void Freshness::put(const Detection& row) {
  Query(db_,
        "INSERT INTO detections (observation, watch, seen, not_before, changed, known_by) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (observation) DO UPDATE SET changed = excluded.changed, "
        "known_by = excluded.known_by",
        row.observation, row.watch, row.seen, row.not_before, row.changed, row.known_by)
      .run();
}

std::optional<Detection> Freshness::of_observation(std::int64_t observation) const {
  Query query(db_,
              "SELECT observation, watch, seen, not_before, changed, known_by FROM detections "
              "WHERE observation = ?1",
              observation);
  return first(query, read_detection);
}

std::optional<Detection> Freshness::of_run(RunId run) const {
  Query query(
      db_,
      "SELECT d.observation, d.watch, d.seen, d.not_before, d.changed, d.known_by FROM observations AS o "
      "JOIN detections AS d ON d.observation = o.id WHERE o.run = ?1 ORDER BY o.id DESC LIMIT 1",
      run);
  return first(query, read_detection);
}

std::optional<Detection> Freshness::latest(const std::string& watch) const {
  Query query(db_,
              "SELECT observation, watch, seen, not_before, changed, known_by FROM detections "
              "WHERE watch = ?1 ORDER BY observation DESC LIMIT 1",
              watch);
  return first(query, read_detection);
}

std::optional<HookRecord> Freshness::hooks(const std::string& watch) const {
  Query query(db_, "SELECT watch, told, missed, streak, delivered, untold FROM hook_records WHERE watch = ?1",
              watch);
  return first(query, [](Query& row) {
    HookRecord result;
    result.watch = row.text();
    result.told = row.number();
    result.missed = row.number();
    result.streak = row.small();
    result.delivered = row.maybe_time();
    result.untold = row.maybe_time();
    return result;
  });
}

void Freshness::put(const HookRecord& row) {
  Query(db_,
        "INSERT INTO hook_records (watch, told, missed, streak, delivered, untold) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (watch) DO UPDATE SET told = excluded.told, "
        "missed = excluded.missed, streak = excluded.streak, delivered = excluded.delivered, "
        "untold = excluded.untold",
        row.watch, row.told, row.missed, row.streak, row.delivered, row.untold)
      .run();
}

std::vector<RunCount> Runs::counts() const {
  Query query(db_, "SELECT status, now, ever FROM run_counts ORDER BY status");
  return all(query, [](Query& row) {
    RunCount result;
    result.status = row.text();
    result.now = row.number();
    result.ever = row.number();
    return result;
  });
}

}  // namespace sluice::store
