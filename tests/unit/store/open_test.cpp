// Opening: settings, the lock, paths that cannot be used.
#include "store/connection.hpp"
#include "support.hpp"

#include <array>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace sluice::store {
namespace {

using namespace test;
namespace fs = std::filesystem;

TEST_CASE("A5: the writer commits with synchronous=FULL in WAL mode") {
  const TemporaryDirectory directory;
  open_store(directory.database());
  Connection writer(directory.database(), Connection::Access::write);
  CHECK(writer.scalar("PRAGMA synchronous") == "2");
  CHECK(writer.scalar("PRAGMA journal_mode") == "wal");
}

TEST_CASE("Both kinds of connections check foreign keys, map no memory and keep small caches") {
  const TemporaryDirectory directory;
  open_store(directory.database());
  const auto access = GENERATE(Connection::Access::write, Connection::Access::read);
  Connection connection(directory.database(), access);
  CHECK(connection.scalar("PRAGMA foreign_keys") == "1");
  CHECK(connection.scalar("PRAGMA mmap_size") == "0");
  CHECK(std::stoi(connection.scalar("PRAGMA cache_size")) >= -1024);
  CHECK(std::stoi(connection.scalar("PRAGMA cache_size")) < 0);
}

TEST_CASE("B2: the log is bounded: it is cut back after a checkpoint, and its size is known") {
  const TemporaryDirectory directory;
  auto store = open_store(directory.database());
  const std::string text(100'000, 'x');
  std::uint64_t largest = 0;
  const auto run = write(*store, [](Tables& tables) { return tables.runs.insert(pipeline_run("node")); });
  CHECK(store->log_bytes() > 0);
  for (int i = 0; i < 300; ++i) {
    write(*store, [&](Tables& tables) { tables.log.append(run, at(i), "stage", text); });
    largest = std::max(largest, store->log_bytes());
  }
  CHECK(largest < 10'000'000);  // 30 MB were written
}

TEST_CASE("Every table is strict") {
  const TemporaryDirectory directory;
  open_store(directory.database());
  Connection connection(directory.database(), Connection::Access::read);
  CHECK(connection.scalar(
            "SELECT group_concat(name) FROM pragma_table_list "
            "WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%' AND NOT strict") == "");
}

TEST_CASE("The file carries the application id of sluice") {
  const TemporaryDirectory directory;
  open_store(directory.database());
  CHECK(bytes_of(directory.database()).substr(68, 4) == "SLUI");
}

TEST_CASE("A8: a second daemon on one database is refused by the number of the first") {
  const TemporaryDirectory directory;
  const auto first = open_store(directory.database());
  fs::create_symlink(directory.database(), directory.path() / "link.db");
  const auto path = GENERATE("sluice.db", "link.db");
  const auto holder = "process " + std::to_string(::getpid());
  // A process of its own, as the second daemon is.
  const auto told = in_child([&] {
    const auto error = error_of([&] { open_store(directory.path() / path); });
    const bool named = std::string(error.what()).find(holder) != std::string::npos;
    return error.kind() == ErrorKind::conflict && named ? 7 : 1;
  });
  CHECK(WIFEXITED(told));
  CHECK(WEXITSTATUS(told) == 7);
}

TEST_CASE("A8: a child that was just forked does not keep the lock of its dead parent") {
  const TemporaryDirectory directory;
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  in_child([&] {
    const auto store = open_store(directory.database());
    if (::fork() == 0) {
      char ignored = 0;
      ::close(pipe[1]);
      [[maybe_unused]] const auto end = ::read(pipe[0], &ignored, 1);  // until the test ends
      ::_exit(0);
    }
    ::kill(::getpid(), SIGKILL);
    return 0;
  });
  CHECK_NOTHROW(open_store(directory.database()));
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_CASE("A8: the lock ends with its holder, however that ends") {
  const TemporaryDirectory directory;
  in_child([&] {
    const auto store = open_store(directory.database());
    ::kill(::getpid(), SIGKILL);
    return 0;
  });
  CHECK_NOTHROW(open_store(directory.database()));
}

TEST_CASE("An empty file counts as a new database") {
  const TemporaryDirectory directory;
  write_bytes(directory.database(), "");
  CHECK(open_store(directory.database())->instance() == "00c0ffee");
}

TEST_CASE("A new database without an instance id is refused and leaves no file") {
  const TemporaryDirectory directory;
  CHECK(error_of([&] { Store::open({.path = directory.database()}); }).kind() == ErrorKind::internal);
  CHECK(files_of(directory.path()).empty());
}

TEST_CASE("A new database is not readable for its name before it is complete") {
  const TemporaryDirectory directory;
  // What a kill during creation leaves: the unfinished file under its other name.
  write_bytes(directory.path() / "sluice.db.new", "SQLite format 3 and then nothing");
  open_store(directory.database());
  CHECK(files_of(directory.path()).size() == 1);
}

TEST_CASE("A directory that does not exist is named with advice") {
  const TemporaryDirectory directory;
  const auto error = error_of([&] { open_store(directory.path() / "nowhere" / "sluice.db"); });
  CHECK(error.kind() == ErrorKind::invalid);
  CHECK_THAT(error.what(), Catch::Contains("nowhere") && Catch::Contains("create it"));
}

TEST_CASE("A path that is a directory is refused") {
  const TemporaryDirectory directory;
  fs::create_directory(directory.database());
  CHECK(error_of([&] { open_store(directory.database()); }).kind() == ErrorKind::invalid);
}

TEST_CASE("A named pipe in the place of the database is refused, not waited for") {
  const TemporaryDirectory directory;
  REQUIRE(::mkfifo(directory.database().c_str(), 0600) == 0);
  CHECK(error_of([&] { open_store(directory.database()); }).kind() == ErrorKind::invalid);
}

TEST_CASE("A file without permission is refused with the reason") {
  const TemporaryDirectory directory;
  open_store(directory.database());
  const int status = in_child([&] {
    fs::permissions(directory.path(), fs::perms::all);
    fs::permissions(directory.path() / "sluice.db.lock", fs::perms::all);
    fs::permissions(directory.database(), fs::perms::none);
    // The superuser may read everything.
    if (::geteuid() == 0 && ::setuid(65534) != 0) return 1;
    const auto error = error_of([&] { open_store(directory.database()); });
    return error.kind() == ErrorKind::invalid &&
                   std::string(error.what()).find("Permission denied") != std::string::npos
               ? 0
               : 2;
  });
  CHECK(status == 0);
}

}  // namespace
}  // namespace sluice::store
