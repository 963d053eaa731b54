// A1: a kill between any two instructions.
#include "support.hpp"

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace sluice::store {
namespace {

using namespace test;

// One step of a run as the engine writes it: state, job and log line together.
void step(Tables& tables) {
  const auto run = tables.runs.insert(pipeline_run("node"));
  tables.jobs.enqueue(run, "stage", 0, at(1), at(1));
  tables.log.append(run, at(1), "run", "staging");
}

void check_whole(Store& store, std::size_t acknowledged) {
  read(store, [acknowledged](Tables& tables) {
    const auto runs = tables.runs.list({.limit = 1'000'000});
    CHECK(runs.size() >= acknowledged);
    CHECK(static_cast<std::size_t>(tables.jobs.count()) == runs.size());
    for (const auto& run : runs)
      CHECK(tables.log.read(run.id, 0, 10).size() == 1);
  });
}

TEST_CASE("A1: a kill within a transaction leaves nothing of it") {
  const TemporaryDirectory directory;
  const int status = in_child([&] {
    auto store = open_store(directory.database());
    write(*store, step);
    write(*store, [](Tables& tables) {
      tables.runs.insert(pipeline_run("node"));
      ::raise(SIGKILL);
    });
    return 0;
  });
  REQUIRE(WIFSIGNALED(status));
  auto store = open_store(directory.database());
  check_whole(*store, 1);
}

TEST_CASE("A1: whatever was acknowledged before a kill at any instant is there, whole") {
  const TemporaryDirectory directory;
  std::size_t acknowledged = 0;
  for (int round = 0; round < 10; ++round) {
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      auto store = open_store(directory.database());
      for (;;) {
        write(*store, step);
        if (::write(pipe[1], "x", 1) != 1) ::_exit(1);
      }
    }
    ::close(pipe[1]);
    char byte = 0;
    for (int i = 0; i < 3 * round + 1; ++i) {
      REQUIRE(::read(pipe[0], &byte, 1) == 1);
      ++acknowledged;
    }
    ::kill(child, SIGKILL);
    // What was acknowledged between the last look and the kill counts as well.
    while (::read(pipe[0], &byte, 1) == 1)
      ++acknowledged;
    ::close(pipe[0]);
    ::waitpid(child, nullptr, 0);
    auto store = open_store(directory.database());
    check_whole(*store, acknowledged);
  }
}

}  // namespace
}  // namespace sluice::store
