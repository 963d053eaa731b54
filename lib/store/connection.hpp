#pragma once
// One connection to SQLite with its cached statements. Used by one thread at a time. Private to the room.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>

namespace sluice::store {

class Connection {
 public:
  enum class Access { create, write, read };

  /// Opens with the settings of the room (see connection.cpp). Throws Error as sqlite_error() does.
  Connection(const std::filesystem::path& path, Access access);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Runs statements that give no rows and take no values: transaction control, migrations.
  void execute(const std::string& sql);
  /// The first column of the first row, "" when there is none.
  std::string scalar(const std::string& sql);

  bool in_transaction() const;
  /// From now on a statement outside of a transaction is an error: SQLite ends the transaction by itself when
  /// the disk is full, and what follows in the same piece of work must not commit on its own.
  void require_transaction(bool required) { transaction_required_ = required; }
  /// Throws Error(unavailable) when a transaction is required and gone.
  void check_transaction() const;

  /// Rows that the last statement changed.
  int changes() const;
  std::int64_t total_changes() const;
  std::int64_t last_id() const;
  /// The texts of all statements that were prepared through Query so far.
  std::vector<std::string> statements() const;
  const std::string& path() const { return path_; }
  sqlite3* handle() const;

 private:
  friend class Query;
  struct Cached {
    Cached(SQLite::Database& db, const std::string& sql) : statement(db, sql) {}
    SQLite::Statement statement;
    bool in_use = false;
  };
  Cached& cached(std::string_view sql);

  std::string path_;
  SQLite::Database db_;
  std::map<std::string, Cached, std::less<>> cache_;
  bool transaction_required_ = false;
};

}  // namespace sluice::store
