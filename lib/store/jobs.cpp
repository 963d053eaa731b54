#include "store/query.hpp"
#include "store/tables.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace sluice::store {
namespace {

constexpr const char* select_jobs =
    "SELECT id, kind, run, idx, attempt, failures, due, leased_until, last_error, created FROM jobs ";

std::string jobs_where(const char* rest) {
  return std::string(select_jobs) + rest;
}

Job read_job(Query& row) {
  Job job;
  job.id = row.number();
  job.kind = row.text();
  job.run = row.run_id();
  job.index = row.small();
  job.attempt = row.small();
  job.failures = row.small();
  job.due = row.time();
  job.leased_until = row.maybe_time();
  job.last_error = row.text();
  job.created = row.time();
  return job;
}

void take_sooner(std::optional<Time>& soonest, Connection& db, const char* sql, const std::string& kind) {
  Query query(db, sql, kind);
  const auto found = first(query, [](Query& row) { return row.time(); });
  if (found && (!soonest || *found < *soonest)) soonest = found;
}

}  // namespace

void Jobs::enqueue(RunId run, const std::string& kind, int index, Time due, Time now) {
  Query(db_,
        "INSERT INTO jobs (kind, run, idx, attempt, failures, due, last_error, created) "
        "VALUES (?1, ?2, ?3, 0, 0, ?4, '', ?5) ON CONFLICT (run, kind, idx) DO NOTHING",
        kind, run, index, due, now)
      .run();
}

std::vector<Job> Jobs::lease(const std::vector<std::string>& kinds, Time now, Time until, int limit) {
  std::vector<Job> jobs;
  for (const auto& kind : kinds) {
    Query query(db_,
                jobs_where("WHERE kind = ?1 AND due <= ?2 AND (leased_until IS NULL OR leased_until <= ?2) "
                           "ORDER BY due, id LIMIT ?3"),
                kind, now, limited(limit));
    for (auto& job : all(query, read_job))
      jobs.push_back(std::move(job));
  }
  std::sort(jobs.begin(), jobs.end(),
            [](const Job& a, const Job& b) { return std::tie(a.due, a.id) < std::tie(b.due, b.id); });
  jobs.resize(std::min(jobs.size(), static_cast<std::size_t>(limited(limit))));
  for (auto& job : jobs) {
    ++job.attempt;
    job.leased_until = until;
    Query(db_, "UPDATE jobs SET attempt = ?2, leased_until = ?3 WHERE id = ?1", job.id, job.attempt, until)
        .run();
  }
  return jobs;
}

// A lease is held by the attempt that is counted now, until it is given back or another attempt is counted.
// One that ended by time, but that nobody else took yet, may still be used.

bool Jobs::renew(std::int64_t id, int attempt, Time until) {
  return Query(
             db_,
             "UPDATE jobs SET leased_until = ?3 WHERE id = ?1 AND attempt = ?2 AND leased_until IS NOT NULL",
             id, attempt, until)
             .run() > 0;
}

bool Jobs::complete(std::int64_t id, int attempt) {
  return Query(db_, "DELETE FROM jobs WHERE id = ?1 AND attempt = ?2 AND leased_until IS NOT NULL", id,
               attempt)
             .run() > 0;
}

bool Jobs::postpone(std::int64_t id, int attempt, Time due) {
  return Query(db_,
               "UPDATE jobs SET due = ?3, leased_until = NULL "
               "WHERE id = ?1 AND attempt = ?2 AND leased_until IS NOT NULL",
               id, attempt, due)
             .run() > 0;
}

bool Jobs::retry(std::int64_t id, int attempt, Time due, const std::string& error) {
  return Query(db_,
               "UPDATE jobs SET due = ?3, leased_until = NULL, failures = failures + 1, last_error = ?4 "
               "WHERE id = ?1 AND attempt = ?2 AND leased_until IS NOT NULL",
               id, attempt, due, error)
             .run() > 0;
}

void Jobs::drop(RunId run) {
  Query(db_, "DELETE FROM jobs WHERE run = ?1", run).run();
}

int Jobs::release_all(Time now, std::chrono::microseconds longest_pause) {
  Query(db_, "UPDATE jobs SET due = ?1, created = min(created, ?1) WHERE due > ?2", now, now + longest_pause)
      .run();
  // What was in hand is due now, even if the clock has been set back since.
  return Query(db_, "UPDATE jobs SET leased_until = NULL, due = min(due, ?1) WHERE leased_until IS NOT NULL",
               now)
      .run();
}

void Jobs::set_back(std::chrono::microseconds by) {
  Query(db_, "UPDATE jobs SET due = due - ?1, created = created - ?1, leased_until = leased_until - ?1",
        static_cast<std::int64_t>(by.count()))
      .run();
}

std::optional<Time> Jobs::next_due(const std::vector<std::string>& kinds) const {
  std::optional<Time> soonest;
  for (const auto& kind : kinds) {
    take_sooner(soonest, db_,
                "SELECT due FROM jobs WHERE kind = ?1 AND leased_until IS NULL ORDER BY due LIMIT 1", kind);
    take_sooner(soonest, db_,
                "SELECT leased_until FROM jobs WHERE kind = ?1 AND leased_until IS NOT NULL "
                "ORDER BY leased_until LIMIT 1",
                kind);
  }
  return soonest;
}

std::vector<Job> Jobs::of_run(RunId run) const {
  Query query(db_, jobs_where("WHERE run = ?1 ORDER BY id"), run);
  return all(query, read_job);
}

int Jobs::count() const {
  Query query(db_, "SELECT count(*) FROM jobs");
  return first(query, [](Query& row) { return row.small(); }).value_or(0);
}

}  // namespace sluice::store
