#include "unit/checks/support.hpp"

#include <csignal>

using namespace sluice;
using namespace sluice::test;
using Catch::Contains;

TEST_CASE("a program that exits with 0 passes the image") {
  Bench bench;
  const auto outcome = bench.run("command: {run: [scan, \"{image}\"]}");
  CHECK(outcome.passed);
  CHECK(outcome.summary == "exit code 0");
  REQUIRE(bench.launcher.commands.size() == 1);
  CHECK(bench.launcher.commands[0].argv ==
        std::vector<std::string>{"scan", "r.example.com/staging/node@" + some_digest});
}

TEST_CASE("a program learns the image and the run from placeholders and variables") {
  Bench bench;
  bench.run(
      "command: {run: [scan, \"{digest}/{pipeline}/{platform}/{run}\", \"{other}\", \"{}\"], environment: "
      "{LEVEL: high}}");
  const auto& command = bench.launcher.commands.at(0);
  CHECK(command.argv[1] == some_digest + "/node/linux/amd64/ca1a");
  CHECK(command.argv[2] == "{other}");
  CHECK(command.argv[3] == "{}");
  CHECK(variable(command, "SLUICE_IMAGE") == "r.example.com/staging/node@" + some_digest);
  CHECK(variable(command, "SLUICE_DIGEST") == some_digest);
  CHECK(variable(command, "SLUICE_PIPELINE") == "node");
  CHECK(variable(command, "SLUICE_PLATFORM") == "linux/amd64");
  CHECK(variable(command, "SLUICE_RUN") == "ca1a");
  CHECK(variable(command, "LEVEL") == "high");
}

TEST_CASE("a program that exits with anything else fails the image, with its last line as the reason") {
  Bench bench([](const Command&) { return FakeLauncher::ended(3, "looking\nCVE-2026-1 is critical\n\n"); });
  const auto outcome = bench.run("command: {run: [scan]}");
  CHECK_FALSE(outcome.passed);
  CHECK(outcome.summary == "exit code 3: CVE-2026-1 is critical");
  CHECK(bench.log == std::vector<std::string>{"looking", "CVE-2026-1 is critical"});
}

TEST_CASE("a program that others end is no verdict") {
  for (const int signal : {SIGHUP, SIGINT, SIGKILL, SIGTERM}) {
    Bench bench([=](const Command&) {
      ProcessResult result;
      result.signal = signal;
      result.output = "looking\n";
      return result;
    });
    const auto error = bench.failure("command: {run: [scan]}");
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(std::string(error.what()) == "scan was killed by signal " + std::to_string(signal) + ": looking");
  }
}

TEST_CASE("a program that crashes fails the image") {
  Bench bench([](const Command&) {
    ProcessResult result;
    result.signal = 11;
    return result;
  });
  const auto outcome = bench.run("command: {run: [scan]}");
  CHECK_FALSE(outcome.passed);
  CHECK(outcome.summary == "killed by signal 11");
}

TEST_CASE("exit code 75 is no verdict: the check is run again later") {
  Bench bench([](const Command&) { return FakeLauncher::ended(75, "database is being updated"); });
  const auto error = bench.failure("command: {run: [scan]}");
  CHECK(error.kind() == ErrorKind::unavailable);
  CHECK_THAT(error.what(), Contains("database is being updated"));
}

TEST_CASE("a program that hangs is no verdict") {
  Bench bench([](const Command& command) {
    CHECK(command.timeout == std::chrono::seconds(90));
    ProcessResult result;
    result.signal = 9;
    result.timed_out = true;
    return result;
  });
  const auto error = bench.failure("command: {run: [scan], timeout: 90s}");
  CHECK(error.kind() == ErrorKind::timeout);
  CHECK_THAT(error.what(), Contains("did not end within 90s"));
}

TEST_CASE("D8: what a program writes is made harmless where it is shown") {
  Bench bench([](const Command&) { return FakeLauncher::ended(1, "\x1b[2Jfine\n"); });
  CHECK(bench.run("command: {run: [scan]}").summary == "exit code 1: \\x1b[2Jfine");
}

TEST_CASE("D10: the log of a program that writes without end is cut") {
  Bench bench([](const Command&) {
    std::string output;
    for (int i = 0; i < 10'000; ++i)
      output += "line\n";
    return FakeLauncher::ended(0, output);
  });
  bench.run("command: {run: [scan]}");
  CHECK(bench.log.size() == 2001);
  CHECK(bench.log.back() == "[more output follows that is not kept]");
}

TEST_CASE("mistakes in a command check are told") {
  const Bench bench;
  CHECK_THAT(bench.mistakes("command: {}"), Contains("'run' needs a program"));
  CHECK_THAT(bench.mistakes("command: {run: [\"\"]}"), Contains("'run' needs a program"));
  CHECK_THAT(bench.mistakes("command: {run: [scan, \"{imgae}\"]}"),
             Contains("unknown placeholder {imgae}") && Contains("did you mean {image}?"));
  CHECK_THAT(bench.mistakes("command: {run: [scan], timeout: 0}"), Contains("longer than nothing"));
  CHECK_THAT(bench.mistakes("command: {run: [scan], environment: {SLUICE_RUN: x}}"),
             Contains("set by sluice itself"));
  CHECK_THAT(bench.mistakes("command: {run: [scan], environment: {\"A B\": x}}"),
             Contains("cannot be the name"));
  CHECK_THAT(bench.mistakes("command: {run: [scan], timout: 1m}"), Contains("did you mean 'timeout'?"));
}
