#include "core/error.hpp"
#include "store/query.hpp"
#include "store/tables.hpp"

namespace sluice::store {
namespace {

constexpr const char* select_rebuilds =
    "SELECT run, promotion_run, dependent, image, wave, state, base, idempotency_key, dispatched, deadline, "
    "confirmed, "
    "digest FROM rebuilds ";

std::string rebuilds_where(const char* rest) {
  return std::string(select_rebuilds) + rest;
}

Rebuild read_rebuild(Query& row) {
  Rebuild rebuild;
  rebuild.run = row.run_id();
  rebuild.promotion_run = row.run_id();
  rebuild.dependent = row.text();
  rebuild.image = row.text();
  rebuild.wave = row.small();
  rebuild.state = row.text();
  rebuild.base = row.text();
  rebuild.idempotency_key = row.text();
  rebuild.dispatched = row.maybe_time();
  rebuild.deadline = row.maybe_time();
  rebuild.confirmed = row.maybe_time();
  rebuild.digest = row.maybe_digest();
  return rebuild;
}

}  // namespace

void Rebuilds::insert(const Rebuild& row) {
  Query(db_,
        "INSERT INTO rebuilds (run, promotion_run, dependent, image, wave, state, base, idempotency_key, "
        "dispatched, "
        "deadline, confirmed, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        row.run, row.promotion_run, row.dependent, row.image, row.wave, row.state, row.base,
        row.idempotency_key, row.dispatched, row.deadline, row.confirmed, row.digest)
      .run();
}

void Rebuilds::update(const Rebuild& row) {
  const int changed =
      Query(db_,
            "UPDATE rebuilds SET promotion_run = ?2, dependent = ?3, image = ?4, wave = ?5, state = ?6, base "
            "= ?7, "
            "idempotency_key = ?8, dispatched = ?9, deadline = ?10, confirmed = ?11, digest = ?12 WHERE run "
            "= ?1",
            row.run, row.promotion_run, row.dependent, row.image, row.wave, row.state, row.base,
            row.idempotency_key, row.dispatched, row.deadline, row.confirmed, row.digest)
          .run();
  if (changed == 0)
    throw Error(ErrorKind::not_found, "rebuild " + row.run.text() + " is not in the database");
}

std::optional<Rebuild> Rebuilds::find(RunId run) const {
  Query query(db_, rebuilds_where("WHERE run = ?1"), run);
  return first(query, read_rebuild);
}

std::vector<Rebuild> Rebuilds::of_promotion(RunId promotion_run) const {
  Query query(db_, rebuilds_where("WHERE promotion_run = ?1 ORDER BY wave, dependent, run"), promotion_run);
  return all(query, read_rebuild);
}

std::optional<Rebuilds::OpenWave> Rebuilds::first_wave_in(RunId promotion_run,
                                                          const std::array<std::string, 3>& states) const {
  Query query(
      db_,
      "SELECT wave, MAX(state = ?2) FROM rebuilds WHERE promotion_run = ?1 AND wave >= 0 AND state IN (?2, "
      "?3, ?4) GROUP BY wave ORDER BY wave LIMIT 1",
      promotion_run, states[0], states[1], states[2]);
  return first(query, [](Query& row) {
    OpenWave open;
    open.wave = row.small();
    open.planned = row.small() != 0;
    return open;
  });
}

std::vector<Rebuild> Rebuilds::in_state(const std::string& dependent, const std::string& state) const {
  Query query(db_, rebuilds_where("WHERE dependent = ?1 AND state = ?2 ORDER BY run"), dependent, state);
  return all(query, read_rebuild);
}

void Rebuilds::move_deadlines(std::chrono::microseconds by) {
  Query(db_, "UPDATE rebuilds SET deadline = deadline + ?1 WHERE run IN (SELECT run FROM jobs)",
        static_cast<std::int64_t>(by.count()))
      .run();
}

void Rebuilds::grant(Time at_least) {
  Query(db_, "UPDATE rebuilds SET deadline = max(deadline, ?1) WHERE run IN (SELECT run FROM jobs)", at_least)
      .run();
}

}  // namespace sluice::store
