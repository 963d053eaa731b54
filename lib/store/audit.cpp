#include "store/query.hpp"
#include "store/tables.hpp"

namespace sluice::store {
namespace {

AuditEntry read_audit_entry(Query& row) {
  AuditEntry entry;
  entry.id = row.number();
  entry.at = row.time();
  entry.who = row.text();
  entry.action = row.text();
  entry.pipeline = row.text();
  entry.detail = row.text();
  return entry;
}

std::string audit_where(const std::string& rest) {
  return "SELECT id, at, who, action, pipeline, detail FROM audit WHERE " + rest;
}

}  // namespace

void Audit::append(const AuditEntry& entry) {
  Query(db_, "INSERT INTO audit (at, who, action, pipeline, detail) VALUES (?1, ?2, ?3, ?4, ?5)", entry.at,
        entry.who, entry.action, entry.pipeline, entry.detail)
      .run();
}

std::vector<AuditEntry> Audit::list(const std::string& pipeline, int limit) const {
  if (pipeline.empty()) {
    Query query(db_, audit_where("id > 0 ORDER BY id DESC LIMIT ?1"), limited(limit));
    return all(query, read_audit_entry);
  }
  Query query(db_, audit_where("pipeline = ?1 ORDER BY id DESC LIMIT ?2"), pipeline, limited(limit));
  return all(query, read_audit_entry);
}

std::vector<AuditEntry> Audit::list_until(const std::string& pipeline, Time at, int limit) const {
  Query query(db_, audit_where("pipeline = ?1 AND at <= ?2 ORDER BY id DESC LIMIT ?3"), pipeline, at,
              limited(limit));
  return all(query, read_audit_entry);
}

}  // namespace sluice::store
