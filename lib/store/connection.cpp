#include "store/connection.hpp"

#include "store/sqlite_error.hpp"

#include <memory>
#include <sqlite3.h>

namespace sluice::store {
namespace {

constexpr int busy_timeout_ms = 5000;

// Durability: in WAL mode only synchronous=FULL keeps the last commits over a power cut
// (https://www.sqlite.org/pragma.html#pragma_synchronous). Size: small caches and no memory map keep an idle
// daemon small; the log is cut back to the limit after a checkpoint. Defence: a damaged cell is noticed when
// its page is read; functions named in a foreign schema do not run.
constexpr const char* common_settings =
    "PRAGMA foreign_keys=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON; "
    "PRAGMA trusted_schema=OFF;";
constexpr const char* writer_settings =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=8388608; PRAGMA "
    "cache_size=-1024;";
constexpr const char* reader_settings = "PRAGMA query_only=ON; PRAGMA cache_size=-512;";

int flags_of(Connection::Access access) {
  switch (access) {
    case Connection::Access::create:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case Connection::Access::write:
      return SQLITE_OPEN_READWRITE;
    case Connection::Access::read:
      break;
  }
  // Not SQLITE_OPEN_READONLY: a reader shares the WAL index with the writer, which needs write access to its
  // file.
  return SQLITE_OPEN_READWRITE;
}

SQLite::Database opened(const std::string& path, Connection::Access access) {
  try {
    return {path, flags_of(access), busy_timeout_ms};
  } catch (const SQLite::Exception& error) {
    throw sqlite_error(error.getErrorCode(), error.what(), path);
  }
}

}  // namespace

Connection::Connection(const std::filesystem::path& path, Access access)
    : path_(path.string()), db_(opened(path_, access)) {
  sqlite3_extended_result_codes(handle(), 1);
  execute(common_settings);
  execute(access == Access::read ? reader_settings : writer_settings);
}

sqlite3* Connection::handle() const {
  return const_cast<SQLite::Database&>(db_).getHandle();
}

void Connection::execute(const std::string& sql) {
  if (const int code = sqlite3_exec(handle(), sql.c_str(), nullptr, nullptr, nullptr); code != SQLITE_OK)
    throw sqlite_error(code, sqlite3_errmsg(handle()), path_);
}

std::string Connection::scalar(const std::string& sql) {
  try {
    SQLite::Statement statement(db_, sql);
    return statement.executeStep() ? statement.getColumn(0).getString() : std::string();
  } catch (const SQLite::Exception& error) {
    throw sqlite_error(error.getExtendedErrorCode(), error.what(), path_);
  }
}

bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(handle()) == 0;
}

void Connection::check_transaction() const {
  if (transaction_required_ && !in_transaction())
    throw Error(ErrorKind::unavailable,
                "the database " + path_ +
                    " undid the transaction after an error (disk full or failing); nothing of it was kept");
}

int Connection::changes() const {
  return sqlite3_changes(handle());
}
std::int64_t Connection::total_changes() const {
  return sqlite3_total_changes64(handle());
}
std::int64_t Connection::last_id() const {
  return sqlite3_last_insert_rowid(handle());
}

std::vector<std::string> Connection::statements() const {
  std::vector<std::string> all;
  for (const auto& [sql, cached] : cache_)
    all.push_back(sql);
  return all;
}

Connection::Cached& Connection::cached(std::string_view sql) {
  const auto found = cache_.find(sql);
  if (found != cache_.end()) return found->second;
  const std::string text(sql);
  return cache_.try_emplace(text, db_, text).first->second;
}

}  // namespace sluice::store
