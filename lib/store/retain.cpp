#include "store/query.hpp"
#include "store/tables.hpp"

namespace sluice::store {
namespace {

// Final runs that nothing needs any more, oldest first. Rebuild runs are not among them: they go with their
// promotion run.
constexpr const char* unneeded =
    "SELECT id FROM runs AS r WHERE ended IS NOT NULL AND ended < ?1 AND parent IS NULL "
    // A hold: all runs of its pipeline, or of the members of its set, stay until it is lifted.
    "AND NOT EXISTS (SELECT 1 FROM holds AS h WHERE h.pipeline = r.pipeline "
    "OR h.pipeline = substr(r.pipeline, 1, instr(r.pipeline, ':') - 1)) "
    // A promotion that is among the newest ten of its tag: rollback may go there.
    "AND NOT EXISTS (SELECT 1 FROM promotions AS p WHERE p.run = r.id AND 10 > (SELECT count(*) FROM "
    "(SELECT 1 FROM promotions AS n WHERE n.target = p.target AND n.stable_tag = p.stable_tag AND n.id > "
    "p.id LIMIT 10))) "
    // The run of what the upstream tag names now, and the newest run of that digest: they say that it was
    // rejected, say.
    "AND NOT EXISTS (SELECT 1 FROM observations AS o WHERE o.run = r.id "
    "AND o.id = (SELECT max(l.id) FROM observations AS l WHERE l.pipeline = o.pipeline)) "
    "AND NOT EXISTS (SELECT 1 FROM observations AS o "
    "WHERE o.id = (SELECT max(l.id) FROM observations AS l WHERE l.pipeline = r.pipeline) AND o.digest = "
    "r.digest "
    "AND NOT EXISTS (SELECT 1 FROM runs AS n WHERE n.pipeline = r.pipeline AND n.digest = r.digest AND n.id "
    "> r.id)) "
    // All of its rebuilds are over for as long.
    "AND NOT EXISTS (SELECT 1 FROM runs AS c WHERE c.parent = r.id AND (c.ended IS NULL OR c.ended >= ?1)) "
    "ORDER BY ended LIMIT ?2";

std::vector<RunId> ids(Query& query) {
  return all(query, [](Query& row) { return row.run_id(); });
}

// Logs, steps, jobs and the rebuild row go by ON DELETE CASCADE, links from the history are cut by ON DELETE
// SET NULL.
void remove(Connection& db, RunId run) {
  Query(db, "DELETE FROM runs WHERE id = ?1", run).run();
}

}  // namespace

int Tables::retain(Time before, int limit) {
  std::vector<RunId> candidates;
  {
    Query query(db_, unneeded, before, limited(limit));
    candidates = ids(query);
  }
  int gone = 0;
  for (const auto run : candidates) {
    std::vector<RunId> children;
    {
      Query query(db_, "SELECT id FROM runs WHERE parent = ?1 ORDER BY id LIMIT ?2", run,
                  limited(limit - gone));
      children = ids(query);
    }
    // Rebuilds first: when the limit falls between them, the next call finds the rest under the same
    // promotion run.
    for (const auto child : children)
      remove(db_, child);
    gone += static_cast<int>(children.size());
    if (gone >= limit) return gone;
    remove(db_, run);
    if (++gone >= limit) return gone;
  }
  return gone;
}

}  // namespace sluice::store
