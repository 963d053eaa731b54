#include "store/migrate.hpp"

#include "core/error.hpp"

#include <string>

namespace sluice::store {
namespace {

void run(Connection& db, const Migration& migration) {
  db.execute("BEGIN IMMEDIATE");
  try {
    db.execute(migration.sql);
    // user_version is part of the database header, so it is written and undone with the transaction.
    db.execute("PRAGMA user_version=" + std::to_string(migration.version));
    db.execute("COMMIT");
  } catch (Error& error) {
    if (db.in_transaction()) db.execute("ROLLBACK");
    throw error.within("schema migration " + std::string(migration.name));
  }
}

}  // namespace

int schema_version(Connection& db) {
  return std::stoi(db.scalar("PRAGMA user_version"));
}

void migrate(Connection& db, const std::vector<Migration>& list) {
  const int before = schema_version(db);
  for (const auto& migration : list)
    if (migration.version > before) run(db, migration);
}

}  // namespace sluice::store
