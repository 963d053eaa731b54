#include "store/query.hpp"
#include "store/tables.hpp"

namespace sluice::store {
namespace {

Observation read_observation(Query& row) {
  const auto id = row.number();
  auto pipeline = row.text();
  auto reference = row.text();
  Observation result{
      .id = id, .pipeline = std::move(pipeline), .reference = std::move(reference), .digest = row.digest()};
  result.media_type = row.text();
  result.first_seen = row.time();
  result.last_seen = row.time();
  result.learned_by = row.text();
  result.run = row.maybe_run_id();
  return result;
}

}  // namespace

std::optional<Observation> Observations::latest(const std::string& pipeline) const {
  Query query(db_,
              "SELECT id, pipeline, reference, digest, media_type, first_seen, last_seen, learned_by, run "
              "FROM observations WHERE pipeline = ?1 ORDER BY id DESC LIMIT 1",
              pipeline);
  return first(query, read_observation);
}

std::int64_t Observations::append(const Observation& row) {
  Query(db_,
        "INSERT INTO observations (pipeline, reference, digest, media_type, first_seen, last_seen, "
        "learned_by, run) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        row.pipeline, row.reference, row.digest, row.media_type, row.first_seen, row.last_seen,
        row.learned_by, row.run)
      .run();
  return db_.last_id();
}

void Observations::touch(std::int64_t id, Time last_seen) {
  // max: a clock that went back does not shorten what was seen.
  Query(db_, "UPDATE observations SET last_seen = max(last_seen, ?2) WHERE id = ?1", id, last_seen).run();
}

void Observations::set_run(std::int64_t id, RunId run) {
  Query(db_, "UPDATE observations SET run = ?2 WHERE id = ?1", id, run).run();
}

std::vector<Observation> Observations::history(const std::string& pipeline, int limit) const {
  Query query(db_,
              "SELECT id, pipeline, reference, digest, media_type, first_seen, last_seen, learned_by, run "
              "FROM observations WHERE pipeline = ?1 ORDER BY id DESC LIMIT ?2",
              pipeline, limited(limit));
  return all(query, read_observation);
}

std::optional<Observation> Observations::at(const std::string& pipeline, Time at) const {
  Query query(
      db_,
      "SELECT id, pipeline, reference, digest, media_type, first_seen, last_seen, learned_by, run "
      "FROM observations WHERE pipeline = ?1 AND first_seen <= ?2 ORDER BY first_seen DESC, id DESC LIMIT 1",
      pipeline, at);
  return first(query, read_observation);
}

}  // namespace sluice::store
