#include "store/sqlite_error.hpp"

#include "core/text.hpp"

#include <sqlite3.h>

namespace sluice::store {

std::string repair_advice(const std::string& path) {
  return "stop sluice, move " + path + ", " + path + "-wal and " + path + "-shm away and copy a backup to " +
         path + "; without a backup, sqlite3 " + path +
         " .recover prints what can still be read (.dump does where .recover is not built in)";
}

Error sqlite_error(int code, const std::string& message, const std::string& path) {
  const std::string text = printable(message) + " (SQLite code " + std::to_string(code) + ")";
  const std::string database = "the database " + path;
  switch (code & 0xff) {
    case SQLITE_FULL:
      return {ErrorKind::unavailable, database + " cannot be written because the disk is full: " + text +
                                          "; free some space and sluice goes on by itself"};
    case SQLITE_IOERR:
      return {ErrorKind::unavailable,
              database + " met an input/output error (disk full, over quota or failing): " + text +
                  "; sluice tries again by itself, look at the disk"};
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {ErrorKind::unavailable, database + " cannot be opened or written: " + text +
                                          "; look at permissions and at how its disk is mounted"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return {ErrorKind::unavailable, database + " is locked by another program: " + text};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorKind::corrupt, database + " is damaged: " + text + "; " + repair_advice(path)};
    default:
      return {ErrorKind::internal, database + ": " + text};
  }
}

}  // namespace sluice::store
