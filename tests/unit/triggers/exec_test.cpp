#include "unit/triggers/support.hpp"

#include <csignal>

using namespace sluice;
using namespace sluice::test;
using Catch::Contains;

TEST_CASE("a program is told all about the rebuild") {
  Bench bench([](const Command&) { return FakeLauncher::ended(0, "queued\nas build 7\n"); });
  const auto answer =
      bench.send("exec: {run: [rebuild, \"{image}\", \"{base_by_digest}\"], environment: {Q: night}}");
  CHECK(answer == "exit code 0: as build 7");
  CHECK(bench.log == std::vector<std::string>{"queued", "as build 7"});
  const auto& command = bench.launcher.commands.at(0);
  CHECK(command.argv == std::vector<std::string>{"rebuild", "r.example.com/team/app:latest",
                                                 "r.example.com/base/node@" + base_digest});
  CHECK(variable(command, "SLUICE_IMAGE") == "r.example.com/team/app:latest");
  CHECK(variable(command, "SLUICE_BASE") == "r.example.com/base/node:9");
  CHECK(variable(command, "SLUICE_DIGEST") == base_digest);
  CHECK(variable(command, "SLUICE_DEPENDENT") == "app");
  CHECK(variable(command, "SLUICE_RUN") == "ca1b");
  CHECK(variable(command, "SLUICE_PIPELINE") == "node");
  CHECK(variable(command, "SLUICE_PROMOTION_RUN") == "ca1a");
  CHECK(variable(command, "SLUICE_IDEMPOTENCY_KEY") == "rebuild-ca1b");
  CHECK(variable(command, "Q") == "night");
}

TEST_CASE("exit code 75 asks to be run again later, others are final") {
  const auto kind = [](int exit_code) {
    return Bench([=](const Command&) { return FakeLauncher::ended(exit_code, "no"); })
        .failure("exec: {run: [rebuild]}")
        .kind();
  };
  CHECK(kind(75) == ErrorKind::unavailable);
  CHECK(kind(1) == ErrorKind::invalid);
  CHECK(kind(127) == ErrorKind::invalid);
}

TEST_CASE("a program that others end is run again later, one that crashes is final") {
  const auto kind = [](int signal) {
    return Bench([=](const Command&) {
             ProcessResult result;
             result.signal = signal;
             return result;
           })
        .failure("exec: {run: [rebuild]}")
        .kind();
  };
  for (const int signal : {SIGHUP, SIGINT, SIGKILL, SIGTERM})
    CHECK(kind(signal) == ErrorKind::unavailable);
  CHECK(kind(SIGSEGV) == ErrorKind::invalid);
  CHECK(kind(SIGABRT) == ErrorKind::invalid);
}

TEST_CASE("a program that does not end in time is tried again") {
  Bench bench([](const Command&) {
    ProcessResult result;
    result.timed_out = true;
    return result;
  });
  CHECK(bench.failure("exec: {run: [rebuild], timeout: 5s}").kind() == ErrorKind::timeout);
  CHECK(bench.launcher.commands.at(0).timeout == std::chrono::seconds(5));
}

TEST_CASE("an error has the end of what the program wrote, made harmless") {
  Bench bench([](const Command&) { return FakeLauncher::ended(2, "a\nb\n\x1b[31mc\nd\n"); });
  CHECK(std::string(bench.failure("exec: {run: [rebuild]}").what()) ==
        "rebuild failed with exit code 2: b; \\x1b[31mc; d");
}

TEST_CASE("mistakes in an exec trigger are told") {
  const Bench bench;
  CHECK_THAT(bench.mistakes("exec: {}"), Contains("'run' needs a program"));
  CHECK_THAT(bench.mistakes("exec: {run: [x, \"{imag}\"]}"), Contains("did you mean {image}?"));
  CHECK_THAT(bench.mistakes("exec: {run: [x], timeout: 0}"), Contains("longer than nothing"));
  CHECK_THAT(bench.mistakes("exec: {run: [x], environment: {SLUICE_X: y}}"),
             Contains("set by sluice itself"));
}
