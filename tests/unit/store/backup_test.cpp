// Copies of a database in use.
#include "store/backup.hpp"

#include "store/connection.hpp"
#include "support.hpp"

#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

namespace sluice::store {
namespace {

using namespace test;
namespace fs = std::filesystem;

void add_runs(Store& store, int count) {
  write(store, [count](Tables& tables) {
    for (int i = 0; i < count; ++i)
      tables.runs.insert(pipeline_run("node"));
  });
}

std::size_t runs_in_file(const fs::path& path) {
  auto store = open_store(path);
  return read(*store, [](Tables& tables) { return tables.runs.list({.limit = 1'000'000}); }).size();
}

TEST_CASE("B3: a backup opens as a database with the same content and instance") {
  const TemporaryDirectory directory;
  auto store = open_store(directory.database());
  add_runs(*store, 30);
  await(store->backup(directory.path() / "copy.db"));
  add_runs(*store, 5);
  const auto copy = Store::open({.path = directory.path() / "copy.db"});
  CHECK(copy->instance() == store->instance());
  CHECK(read(*copy, [](Tables& tables) { return tables.runs.list({}); }).size() == 30);
}

TEST_CASE("B3: a copy made by VACUUM INTO opens as well") {
  const TemporaryDirectory directory;
  add_runs(*open_store(directory.database()), 7);
  const auto copy = directory.path() / "copy.db";
  Connection(directory.database(), Connection::Access::write).execute("VACUUM INTO '" + copy.string() + "'");
  CHECK(runs_in_file(copy) == 7);
}

TEST_CASE("A backup replaces an earlier one and leaves no other file") {
  const TemporaryDirectory directory;
  const TemporaryDirectory backups;
  auto store = open_store(directory.database());
  await(store->backup(backups.path() / "copy.db"));
  add_runs(*store, 3);
  await(store->backup(backups.path() / "copy.db"));
  CHECK(files_of(backups.path()).size() == 1);
  CHECK(runs_in_file(backups.path() / "copy.db") == 3);
}

TEST_CASE("A backup of one instant is taken while others write") {
  const TemporaryDirectory directory;
  auto store = open_store(directory.database());
  add_runs(*store, 4000);
  std::atomic<bool> stop = false;
  std::thread busy([&] {
    // Two rows in one transaction: a copy of one instant has an even number of them.
    while (!stop)
      add_runs(*store, 2);
  });
  for (int i = 0; i < 3; ++i) {
    await(store->backup(directory.path() / "copy.db"));
    const auto count = runs_in_file(directory.path() / "copy.db");
    CHECK(count >= 4000);
    CHECK(count % 2 == 0);
    fs::remove(directory.path() / "copy.db.lock");
  }
  stop = true;
  busy.join();
}

TEST_CASE("A backup does not overwrite a file of others") {
  const TemporaryDirectory directory;
  auto store = open_store(directory.database());
  const auto target = directory.path() / "notes.txt";
  write_bytes(target, "dear diary");
  const auto error = error_of([&] { await(store->backup(target)); });
  CHECK(error.kind() == ErrorKind::invalid);
  CHECK(bytes_of(target) == "dear diary");
}

TEST_CASE("A backup does not overwrite its own database, also not through a link") {
  const TemporaryDirectory directory;
  auto store = open_store(directory.database());
  fs::create_symlink(directory.database(), directory.path() / "link");
  CHECK(error_of([&] { await(store->backup(directory.database())); }).kind() == ErrorKind::invalid);
  CHECK(error_of([&] { await(store->backup(directory.path() / "link")); }).kind() == ErrorKind::invalid);
}

TEST_CASE("A backup does not overwrite a database that is in use") {
  const TemporaryDirectory directory;
  const TemporaryDirectory other;
  auto store = open_store(directory.database());
  auto used = open_store(other.database());
  add_runs(*used, 1);
  CHECK(error_of([&] { await(store->backup(other.database())); }).kind() == ErrorKind::invalid);
}

TEST_CASE("A backup into a directory that does not exist says so") {
  const TemporaryDirectory directory;
  auto store = open_store(directory.database());
  const auto error = error_of([&] { await(store->backup(directory.path() / "nowhere" / "copy.db")); });
  CHECK(error.kind() == ErrorKind::invalid);
  CHECK_THAT(error.what(), Catch::Contains("nowhere does not exist"));
}

TEST_CASE("A backup that is stopped leaves nothing behind") {
  const TemporaryDirectory directory;
  const TemporaryDirectory backups;
  add_runs(*open_store(directory.database()), 10);
  const std::atomic<bool> stop = true;
  const auto error = error_of([&] { copy_database(directory.database(), backups.path() / "copy.db", stop); });
  CHECK(error.kind() == ErrorKind::cancelled);
  CHECK(files_of(backups.path()).empty());
}

}  // namespace
}  // namespace sluice::store
