#pragma once
// Schema versions: each migration is one numbered file, run in one transaction together with its version.
// Private to the room.

#include "store/connection.hpp"

#include <vector>

namespace sluice::store {

struct Migration {
  int version = 0;  // PRAGMA user_version after it
  const char* name = "";
  const char* sql = "";
};

/// Those of this program, from version 1 on without gaps.
const std::vector<Migration>& migrations();

/// Brings the schema to the last version of `list`. A kill or an error leaves the version before or after a
/// migration, never something between.
void migrate(Connection& db, const std::vector<Migration>& list);

int schema_version(Connection& db);

}  // namespace sluice::store
