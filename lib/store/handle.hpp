#pragma once
// Owner of a plain SQLite connection, for what SQLiteCpp does not offer. Private to the room.

#include <memory>
#include <sqlite3.h>

namespace sluice::store {

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};
using Handle = std::unique_ptr<sqlite3, CloseDatabase>;

}  // namespace sluice::store
