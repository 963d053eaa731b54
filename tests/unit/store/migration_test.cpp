// Schema versions.
#include "store/connection.hpp"
#include "store/inspect.hpp"
#include "store/migrate.hpp"
#include "support.hpp"

#include <csignal>
#include <sqlite3.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>

namespace sluice::store {
namespace {

using namespace test;

// A later version of the schema; `last` is its last statement.
std::vector<Migration> with_next(const char* sql) {
  auto list = migrations();
  list.push_back({list.back().version + 1, "next", sql});
  return list;
}

void kill_self(sqlite3_context*, int, sqlite3_value**) {
  ::raise(SIGKILL);
}

TEST_CASE("Migrations are numbered from 1 without gaps") {
  int version = 0;
  for (const auto& migration : migrations())
    CHECK(migration.version == ++version);
  CHECK(version >= 1);
}

TEST_CASE("The schema is reached from every earlier version") {
  const auto& all = migrations();
  for (std::size_t known = 0; known < all.size(); ++known) {
    const TemporaryDirectory directory;
    Connection db(directory.database(), Connection::Access::create);
    migrate(db, {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(known)});
    CHECK(schema_version(db) == static_cast<int>(known));
    migrate(db, all);
    migrate(db, all);
    CHECK(schema_version(db) == all.back().version);
    CHECK(db.scalar("PRAGMA integrity_check") == "ok");
  }
}

TEST_CASE("B4: a migration that is killed halfway leaves the old schema") {
  const TemporaryDirectory directory;
  open_store(directory.database());
  const int status = in_child([&] {
    Connection db(directory.database(), Connection::Access::write);
    // A small cache, so that pages of the transaction are in the log already.
    db.execute("PRAGMA cache_size=2");
    sqlite3_create_function(db.handle(), "die", 0, SQLITE_UTF8, nullptr, kill_self, nullptr, nullptr);
    migrate(db, with_next("CREATE TABLE filled (x TEXT); "
                          "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) "
                          "INSERT INTO filled SELECT hex(randomblob(1000)) FROM n; SELECT die();"));
    return 0;
  });
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(std::filesystem::file_size(directory.database().string() + "-wal") > 500'000);
  verify(directory.database(), migrations().back().version);
  Connection db(directory.database(), Connection::Access::write);
  CHECK(schema_version(db) == migrations().back().version);
  CHECK(db.scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'filled'") == "0");
}

TEST_CASE("B4: a migration that fails halfway leaves the old schema and can be run again") {
  const TemporaryDirectory directory;
  open_store(directory.database());
  Connection db(directory.database(), Connection::Access::write);
  const auto error =
      error_of([&] { migrate(db, with_next("CREATE TABLE half (x); INSERT INTO nothing VALUES (1);")); });
  CHECK_THAT(error.what(), Catch::Contains("migration next"));
  CHECK(schema_version(db) == migrations().back().version);
  CHECK(db.scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'half'") == "0");
  migrate(db, with_next("CREATE TABLE half (x);"));
  CHECK(schema_version(db) == migrations().back().version + 1);
}

}  // namespace
}  // namespace sluice::store
