#include "store/query.hpp"
#include "store/tables.hpp"

namespace sluice::store {
namespace {

Member read_member(Query& row) {
  Member member;
  member.pipeline = row.text();
  member.tag = row.text();
  member.state = row.text();
  member.since = row.time();
  member.baseline = row.number() != 0;
  return member;
}

}  // namespace

std::optional<Member> Members::find(const std::string& pipeline, const std::string& tag) const {
  Query query(
      db_, "SELECT pipeline, tag, state, since, baseline FROM set_members WHERE pipeline = ?1 AND tag = ?2",
      pipeline, tag);
  return first(query, read_member);
}

void Members::put(const Member& member) {
  Query(db_,
        "INSERT INTO set_members (pipeline, tag, state, since, baseline) VALUES (?1, ?2, ?3, ?4, ?5) "
        "ON CONFLICT (pipeline, tag) DO UPDATE SET state = excluded.state, since = excluded.since",
        member.pipeline, member.tag, member.state, member.since, member.baseline ? 1 : 0)
      .run();
}

std::vector<std::string> Members::in_state(const std::string& pipeline, const std::string& state) const {
  Query query(db_, "SELECT tag FROM set_members WHERE pipeline = ?1 AND state = ?2 ORDER BY tag", pipeline,
              state);
  return all(query, [](Query& row) { return row.text(); });
}

int Members::count(const std::string& pipeline, const std::string& state) const {
  Query query(db_, "SELECT count(*) FROM set_members WHERE pipeline = ?1 AND state = ?2", pipeline, state);
  return first(query, [](Query& row) { return row.small(); }).value_or(0);
}

// A row without a tag stands for the set itself.
void Members::begin(const std::string& pipeline, Time at) {
  put({.pipeline = pipeline, .tag = "", .state = "begun", .since = at});
}

bool Members::begun(const std::string& pipeline) const {
  Query query(db_, "SELECT 1 FROM set_members WHERE pipeline = ?1 LIMIT 1", pipeline);
  return query.next();
}

void ImageTimes::put(const oci::Digest& digest, std::optional<Time> created) {
  Query(db_, "INSERT INTO image_times (digest, created) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING",
        digest, created)
      .run();
}

std::optional<std::optional<Time>> ImageTimes::find(const oci::Digest& digest) const {
  Query query(db_, "SELECT created FROM image_times WHERE digest = ?1", digest);
  return first(query, [](Query& row) { return row.maybe_time(); });
}

}  // namespace sluice::store
