#include "store/query.hpp"
#include "store/tables.hpp"

namespace sluice::store {

void RunLog::append(RunId run, Time at, const std::string& step, const std::string& text) {
  Query(db_, "INSERT INTO run_log (run, at, step, text) VALUES (?1, ?2, ?3, ?4)", run, at, step, text).run();
}

int RunLog::trim(RunId run, const std::string& step, int most) {
  Query query(
      db_,
      "DELETE FROM run_log WHERE run = ?1 AND step = ?2 AND id <= (SELECT id FROM run_log WHERE run = ?1 "
      "AND step = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3)",
      run, step, most);
  return query.run();
}

std::vector<LogLine> RunLog::read(RunId run, std::int64_t after, int limit) const {
  Query query(db_,
              "SELECT id, run, at, step, text FROM run_log WHERE run = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
              run, after, limited(limit));
  return all(query, [](Query& row) {
    LogLine line;
    line.id = row.number();
    line.run = row.run_id();
    line.at = row.time();
    line.step = row.text();
    line.text = row.text();
    return line;
  });
}

void RunLog::begin_step(RunId run, const std::string& name, Time at) {
  Query(db_,
        "INSERT INTO steps (run, name, result, detail, started) VALUES (?1, ?2, 'running', '', ?3) "
        "ON CONFLICT (run, name) DO UPDATE SET result = 'running', detail = '', started = excluded.started, "
        "ended = NULL",
        run, name, at)
      .run();
}

void RunLog::end_step(RunId run, const std::string& name, const std::string& result,
                      const std::string& detail, Time at) {
  Query(db_,
        "INSERT INTO steps (run, name, result, detail, started, ended) VALUES (?1, ?2, ?3, ?4, ?5, ?5) "
        "ON CONFLICT (run, name) DO UPDATE SET result = excluded.result, detail = excluded.detail, ended = "
        "excluded.ended",
        run, name, result, detail, at)
      .run();
}

std::vector<StepRow> RunLog::steps(RunId run) const {
  Query query(db_, "SELECT run, name, result, detail, started, ended FROM steps WHERE run = ?1 ORDER BY id",
              run);
  return all(query, [](Query& row) {
    StepRow step;
    step.run = row.run_id();
    step.name = row.text();
    step.result = row.text();
    step.detail = row.text();
    step.started = row.time();
    step.ended = row.maybe_time();
    return step;
  });
}

}  // namespace sluice::store
