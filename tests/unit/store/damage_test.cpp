// B3: what is not a whole database of ours and of a version that we know is refused, and not a byte of it is
// changed.
#include "store/connection.hpp"
#include "store/inspect.hpp"
#include "store/migrate.hpp"
#include "support.hpp"

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace sluice::store {
namespace {

using namespace test;
namespace fs = std::filesystem;

constexpr std::size_t page = 4096;

void fill(Store& store, int count) {
  write(store, [count](Tables& tables) {
    for (int i = 0; i < count; ++i) {
      const auto run = tables.runs.insert(pipeline_run("node"));
      tables.log.append(run, at(i), "stage", std::string(300, 'x'));
    }
  });
}

// A database of some pages, closed cleanly.
void make_database(const fs::path& path) {
  fill(*open_store(path), 50);
}

// A database whose daemon was killed: the last changes are only in its log.
void make_killed_database(const fs::path& path) {
  make_database(path);
  in_child([&] {
    const auto store = open_store(path);
    fill(*store, 50);
    ::kill(::getpid(), SIGKILL);
    return 0;
  });
  REQUIRE(fs::file_size(path.string() + "-wal") > 0);
}

void flip(const fs::path& path, std::size_t byte, int bit) {
  auto bytes = bytes_of(path);
  REQUIRE(byte < bytes.size());
  bytes[byte] = static_cast<char>(bytes[byte] ^ (1 << bit));
  write_bytes(path, bytes);
}

// The error of opening, after a check that nothing changed.
Error refusal(const TemporaryDirectory& directory) {
  const auto before = files_of(directory.path());
  auto error = error_of([&] { open_store(directory.database()); });
  CHECK(files_of(directory.path()) == before);
  return error;
}

void check_corrupt(const TemporaryDirectory& directory) {
  const auto error = refusal(directory);
  CHECK(error.kind() == ErrorKind::corrupt);
  CHECK_THAT(error.what(), Catch::Contains("backup") && Catch::Contains(".recover"));
}

TEST_CASE("B3: a truncated database is corrupt") {
  const TemporaryDirectory directory;
  make_database(directory.database());
  const auto size = GENERATE(std::size_t{16}, std::size_t{50}, std::size_t{100}, page, page + 1, 5 * page);
  REQUIRE(size < fs::file_size(directory.database()));
  fs::resize_file(directory.database(), size);
  check_corrupt(directory);
}

TEST_CASE("B3: a flipped bit in the magic text, page size or format version is corrupt") {
  const TemporaryDirectory directory;
  make_database(directory.database());
  const auto byte = GENERATE(std::size_t{0}, std::size_t{7}, std::size_t{15}, std::size_t{16},
                             std::size_t{18}, std::size_t{19}, std::size_t{21});
  flip(directory.database(), byte, 6);
  check_corrupt(directory);
}

TEST_CASE("B3: a flipped bit anywhere in the header is refused or does no harm") {
  const TemporaryDirectory directory;
  make_database(directory.database());
  const auto intact = bytes_of(directory.database());
  for (std::size_t byte = 0; byte < 100; ++byte)
    for (int bit = 0; bit < 8; ++bit) {
      write_bytes(directory.database(), intact);
      flip(directory.database(), byte, bit);
      const auto before = files_of(directory.path());
      bool usable = true;
      try {
        inspect_header(directory.database());
        verify(directory.database(), migrations().back().version);
      } catch (const Error& error) {
        usable = false;
        const bool refused = error.kind() == ErrorKind::corrupt || error.kind() == ErrorKind::invalid;
        CHECK(refused);
      }
      if (files_of(directory.path()) != before)
        FAIL("byte " << byte << " bit " << bit << ": the file was changed");
      if (!usable || bit % 4 != 0) continue;
      INFO("byte " << byte << " bit " << bit);
      // The last byte of the version: it may name an earlier one, whose successors cannot be made again.
      if (byte == 63) {
        check_corrupt(directory);
        CHECK(bytes_of(directory.database()) == before.at("sluice.db"));
        continue;
      }
      auto store = open_store(directory.database());
      CHECK(read(*store, [](Tables& tables) { return tables.runs.list({.limit = 1000}); }).size() == 50);
      CHECK_NOTHROW(fill(*store, 1));
    }
}

TEST_CASE("B3: a page of another kind than its tree needs is corrupt, wherever it is") {
  const TemporaryDirectory directory;
  make_database(directory.database());
  const auto intact = bytes_of(directory.database());
  for (std::size_t at_byte = page; at_byte < intact.size(); at_byte += page) {
    write_bytes(directory.database(), intact);
    flip(directory.database(), at_byte, 4);
    check_corrupt(directory);
  }
}

TEST_CASE("B3: a page of zeros is corrupt") {
  const TemporaryDirectory directory;
  make_database(directory.database());
  auto bytes = bytes_of(directory.database());
  bytes.replace(3 * page, page, page, '\0');
  write_bytes(directory.database(), bytes);
  check_corrupt(directory);
}

TEST_CASE("B3: a damaged database with a log of a killed daemon is corrupt, and the log is left as it was") {
  const TemporaryDirectory directory;
  make_killed_database(directory.database());
  SECTION("cut to nothing but the header") {
    fs::resize_file(directory.database(), 100);
    check_corrupt(directory);
  }
  SECTION("another first text") {
    flip(directory.database(), 3, 1);
    check_corrupt(directory);
  }
}

TEST_CASE("B3: looking at a database with a log changes neither") {
  const TemporaryDirectory directory;
  make_killed_database(directory.database());
  const auto before = files_of(directory.path());
  CHECK_NOTHROW(verify(directory.database(), migrations().back().version));
  CHECK(files_of(directory.path()) == before);
  auto store = open_store(directory.database());
  CHECK(read(*store, [](Tables& tables) { return tables.runs.list({.limit = 1000}); }).size() == 100);
}

TEST_CASE("B3: a log whose database is gone or empty is not thrown away") {
  const TemporaryDirectory directory;
  make_killed_database(directory.database());
  fs::remove(directory.path() / "sluice.db-shm");
  if (GENERATE(true, false))
    fs::remove(directory.database());
  else
    fs::resize_file(directory.database(), 0);
  const auto error = refusal(directory);
  CHECK(error.kind() == ErrorKind::corrupt);
  CHECK_THAT(error.what(), Catch::Contains("sluice.db-wal"));
}

TEST_CASE("B3: a file that is no database is refused as foreign") {
  const TemporaryDirectory directory;
  write_bytes(directory.database(),
              GENERATE(std::string("x"), std::string("dear diary"), std::string(5000, '\0')));
  const auto error = refusal(directory);
  CHECK(error.kind() == ErrorKind::invalid);
  CHECK_THAT(error.what(), Catch::Contains("not a database of sluice"));
}

TEST_CASE("B3: a database of another program is refused as foreign") {
  const TemporaryDirectory directory;
  {
    Connection other(directory.database(), Connection::Access::create);
    other.execute(GENERATE("PRAGMA application_id=7", "PRAGMA application_id=0"));
    other.execute("CREATE TABLE notes (text)");
  }
  const auto error = refusal(directory);
  CHECK(error.kind() == ErrorKind::invalid);
  CHECK_THAT(error.what(), Catch::Contains("another program"));
}

TEST_CASE("B3: a newer schema is refused with both versions and advice") {
  const TemporaryDirectory directory;
  make_database(directory.database());
  const auto make_newer = [&] {
    Connection newer(directory.database(), Connection::Access::write);
    newer.execute("PRAGMA user_version=900");
    newer.execute("CREATE TABLE future (x)");
    // Killed or closed: the version is in the log, or in the file.
    if (GENERATE(true, false)) ::_exit(0);
  };
  in_child([&] { return make_newer(), 0; });
  const auto error = refusal(directory);
  CHECK(error.kind() == ErrorKind::invalid);
  CHECK_THAT(error.what(), Catch::Contains("version 900") && Catch::Contains("upgrade sluice") &&
                               Catch::Contains(std::to_string(migrations().back().version)));
}

}  // namespace
}  // namespace sluice::store
