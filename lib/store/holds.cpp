#include "store/query.hpp"
#include "store/tables.hpp"

namespace sluice::store {
namespace {

Hold read_hold(Query& row) {
  Hold hold;
  hold.pipeline = row.text();
  hold.reason = row.text();
  hold.by = row.text();
  hold.since = row.time();
  return hold;
}

}  // namespace

std::optional<Hold> Holds::active(const std::string& pipeline) const {
  Query query(db_, "SELECT pipeline, reason, held_by, since FROM holds WHERE pipeline = ?1", pipeline);
  return first(query, read_hold);
}

std::optional<Hold> Holds::in_force(const std::string& pipeline) const {
  if (auto own = active(pipeline)) return own;
  const auto colon = pipeline.find(':');
  return colon == std::string::npos ? std::nullopt : active(pipeline.substr(0, colon));
}

std::vector<Hold> Holds::of_members(const std::string& set) const {
  // ';' follows ':' in the order of bytes.
  Query query(db_,
              "SELECT pipeline, reason, held_by, since FROM holds WHERE pipeline > ?1 AND pipeline < ?2 "
              "ORDER BY pipeline",
              set + ":", set + ";");
  return store::all(query, read_hold);
}

std::vector<Hold> Holds::all() const {
  Query query(db_, "SELECT pipeline, reason, held_by, since FROM holds ORDER BY pipeline");
  return store::all(query, read_hold);
}

bool Holds::set(const Hold& hold) {
  return Query(db_,
               "INSERT INTO holds (pipeline, reason, held_by, since) VALUES (?1, ?2, ?3, ?4) "
               "ON CONFLICT (pipeline) DO NOTHING",
               hold.pipeline, hold.reason, hold.by, hold.since)
             .run() > 0;
}

bool Holds::lift(const std::string& pipeline) {
  return Query(db_, "DELETE FROM holds WHERE pipeline = ?1", pipeline).run() > 0;
}

}  // namespace sluice::store
