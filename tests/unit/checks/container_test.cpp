#include "support/eventually.hpp"
#include "unit/checks/support.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/stat.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

using namespace sluice;
using namespace sluice::test;
using Catch::Contains;
using Catch::StartsWith;

namespace {

const std::string simple = "container: {run: [node, -e, \"process.exit(0)\"]}";

std::string content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// `podman run` ends like this, all else is good.
FakeLauncher::Script ends(ProcessResult result) {
  return [result](const Command& command) {
    return command.argv.at(1) == "run" ? result : FakeLauncher::ended(0);
  };
}

std::vector<std::string> subcommands(const FakeLauncher& launcher) {
  std::vector<std::string> all;
  for (const auto& command : launcher.commands)
    all.push_back(command.argv.at(1));
  return all;
}

}  // namespace

TEST_CASE("D10: the image runs without network, privileges or a writable root, within limits") {
  Bench bench;
  const auto outcome = bench.run(simple);
  CHECK(outcome.passed);
  CHECK(outcome.summary == "exit code 0");
  const auto run = bench.launcher.called("run").at(0);
  CHECK(run.argv[0] == "podman");
  for (const auto* flag : {"--rm", "--network=none", "--read-only", "--cap-drop=all",
                           "--security-opt=no-new-privileges", "--pids-limit=256", "--memory=512m",
                           "--memory-swap=512m", "--image-volume=tmpfs", "--log-driver=none",
                           "--http-proxy=false", "--pull=never", "--platform=linux/amd64", "--timeout=150"}) {
    INFO(flag);
    CHECK(has(run, flag));
  }
  CHECK(run.timeout == std::chrono::minutes(2));
  const std::vector<std::string> end(run.argv.end() - 5, run.argv.end());
  CHECK(end == std::vector<std::string>{"--", "r.example.com/staging/node@" + some_digest, "node", "-e",
                                        "process.exit(0)"});
}

TEST_CASE("the container and the image are removed afterwards") {
  Bench bench;
  bench.run(simple);
  CHECK(subcommands(bench.launcher) == std::vector<std::string>{"pull", "run", "rm", "rmi"});
  const auto removal = bench.launcher.called("rm").at(0);
  CHECK(has(removal, "--force"));
  CHECK(has(bench.launcher.called("run").at(0), "--name=" + removal.argv.back()));
  CHECK_THAT(removal.argv.back(), StartsWith("sluice-ca1a-"));
  CHECK(bench.launcher.called("rmi").at(0).argv.back() == bench.image);
}

TEST_CASE("checks of one image at the same time do not remove it under each other") {
  Bench first;
  Bench second;
  Bench third;
  bool second_goes_on = false;
  bool removal_goes_on = false;
  second.launcher.before = [&](const Command& command) -> Task<> {
    const bool* waits_for = command.argv[1] == "run"   ? &second_goes_on
                            : command.argv[1] == "rmi" ? &removal_goes_on
                                                       : nullptr;
    if (!waits_for) co_return;
    std::function<bool()> goes_on = [waits_for] { return *waits_for; };
    co_await eventually(std::move(goes_on));
  };
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    int ended = 0;
    const auto note = [&](std::exception_ptr failure, checks::Outcome outcome) {
      CHECK_FALSE(failure);
      CHECK(outcome.passed);
      ++ended;
    };
    boost::asio::co_spawn(loop, second.start(simple), note);
    co_await eventually([&] { return !second.launcher.called("run").empty(); });
    const auto outcome = co_await first.start(simple);
    CHECK(outcome.passed);
    CHECK(subcommands(first.launcher) == std::vector<std::string>{"pull", "run", "rm"});
    second_goes_on = true;
    co_await eventually([&] { return !second.launcher.called("rmi").empty(); });
    // While the last one removes it, it is not there for others.
    boost::asio::co_spawn(loop, third.start(simple), note);
    co_await eventually([&] { return third.clock.sleepers() > 0; });
    CHECK(third.launcher.commands.empty());
    removal_goes_on = true;
    co_await eventually([&] { return ended == 2; });
    CHECK(subcommands(third.launcher) == std::vector<std::string>{"pull", "run", "rm", "rmi"});
  });
}

TEST_CASE("a repeat of a check replaces its own container and nobody else's") {
  Bench bench;
  bench.run(simple);
  bench.run(simple);
  bench.image = "r.example.com/staging/other@" + some_digest;
  bench.run(simple);
  const auto removals = bench.launcher.called("rm");
  REQUIRE(removals.size() == 3);
  CHECK(removals[0].argv.back() == removals[1].argv.back());
  CHECK(removals[0].argv.back() != removals[2].argv.back());
}

TEST_CASE("options of a container check become flags") {
  Bench bench;
  bench.run(
      "container:\n  run: [test]\n  entrypoint: \"\"\n  timeout: 5s\n  memory: none\n  pids: 8\n"
      "  user: \"1000:1000\"\n  network: testing\n  environment: {A: \"b c\"}\n");
  const auto run = bench.launcher.called("run").at(0);
  for (const auto* flag :
       {"--entrypoint=", "--pids-limit=8", "--user=1000:1000", "--network=testing", "--env=A=b c"})
    CHECK(has(run, flag));
  for (const auto& argument : run.argv)
    CHECK_THAT(argument, !StartsWith("--memory"));
  CHECK(run.timeout == std::chrono::seconds(5));
}

TEST_CASE("the operator's arguments come after the defaults, and a network of theirs replaces ours") {
  Bench bench;
  bench.more =
      "tools: {container: {program: my-podman, arguments: [--runtime, runc, --network=host, --memory=0], "
      "environment: {STORAGE_DRIVER: vfs}}}\n";
  bench.run(simple);
  const auto run = bench.launcher.called("run").at(0);
  CHECK(run.argv[0] == "my-podman");
  CHECK_FALSE(has(run, "--network=none"));
  const auto place = [&](const std::string& flag) {
    return std::find(run.argv.begin(), run.argv.end(), flag);
  };
  CHECK(place("--memory=512m") < place("--memory=0"));
  for (const auto& command : bench.launcher.commands)
    CHECK(variable(command, "STORAGE_DRIVER") == "vfs");
  CHECK_FALSE(has(bench.launcher.called("pull").at(0), "--runtime"));
}

TEST_CASE("another exit code fails the image with the last line it wrote") {
  Bench bench(ends(FakeLauncher::ended(1, "starting\nError: Cannot find module 'x'\n")));
  const auto outcome = bench.run(simple);
  CHECK_FALSE(outcome.passed);
  CHECK(outcome.summary == "exit code 1: Error: Cannot find module 'x'");
  CHECK(bench.log == std::vector<std::string>{"starting", "Error: Cannot find module 'x'"});
}

TEST_CASE("another exit code than 0 can be what is expected") {
  CHECK(Bench(ends(FakeLauncher::ended(3))).run("container: {run: [x], expect_exit: 3}").passed);
  CHECK_FALSE(Bench(ends(FakeLauncher::ended(0))).run("container: {run: [x], expect_exit: 3}").passed);
}

TEST_CASE("a test command that does not end fails the image, and its container is removed") {
  ProcessResult hangs;
  hangs.signal = 9;
  hangs.timed_out = true;
  Bench bench(ends(hangs));
  const auto outcome = bench.run("container: {run: [x], timeout: 2m}");
  CHECK_FALSE(outcome.passed);
  CHECK(outcome.summary == "did not end within 2m");
  CHECK(bench.launcher.called("rm").size() == 1);
}

TEST_CASE("an image killed by the kernel is told of the memory limit") {
  CHECK(Bench(ends(FakeLauncher::ended(137))).run(simple).summary ==
        "exit code 137 (killed, perhaps for using more memory than 512m)");
}

TEST_CASE("an image without the program fails, a runtime that does not work is no verdict") {
  struct Case {
    int exit_code;
    const char* said;
    bool verdict;
  };
  // As podman 4.3 says it with runc 1.1 and crun 1.8.
  const Case cases[] = {
      {127,
       "Error: runc: runc create failed: unable to start container process: exec: \"/none\": stat /none: no "
       "such file or "
       "directory: OCI runtime attempted to invoke a command that was not found",
       true},
      {127,
       "Error: crun: executable file `none` not found in $PATH: No such file or directory: OCI runtime "
       "attempted to "
       "invoke a command that was not found",
       true},
      {126,
       "Error: runc: runc create failed: unable to start container process: exec: \"/etc\": permission "
       "denied: OCI "
       "permission denied",
       true},
      {127, "sh: nonesuch: not found", true},
      {126, "Error: crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted: OCI permission denied", false},
      {126,
       "Error: OCI runtime error: crun: cgroups in hybrid mode not supported, drop all controllers from "
       "cgroupv2",
       false},
      {127, "Error: netavark: No such file or directory (os error 2)", false},
      {125, "Error: short-name resolution enforced", false},
      {125, "3 tests failed", true},
  };
  for (const auto& one : cases) {
    INFO(one.said);
    Bench bench(ends(FakeLauncher::ended(one.exit_code, one.said)));
    if (one.verdict) {
      CHECK_FALSE(bench.run(simple).passed);
    } else {
      const auto error = bench.failure(simple);
      CHECK(error.kind() == ErrorKind::unavailable);
      CHECK_THAT(error.what(), Contains(one.said));
    }
    CHECK(bench.launcher.called("rm").size() == 1);
  }
}

TEST_CASE("arguments that podman does not know are a mistake in the configuration, not in the image") {
  Bench bench(ends(FakeLauncher::ended(125, "Error: unknown flag: --nonesuch\nSee 'podman run --help'\n")));
  CHECK(bench.failure(simple).kind() == ErrorKind::invalid);
}

TEST_CASE("a pull that fails is no verdict; its kind follows what the registry said") {
  struct Case {
    const char* said;
    ErrorKind kind;
  };
  const Case cases[] = {
      {"Error: initializing source docker://x: pinging container registry x: dial tcp: connect: connection "
       "refused",
       ErrorKind::unavailable},
      {"Error: ... reading manifest: manifest unknown", ErrorKind::not_found},
      {"Error: ... unauthorized: authentication required", ErrorKind::unauthorized},
      {"Error: ... denied: requested access to the resource is denied", ErrorKind::denied},
      {"Error: ... toomanyrequests: You have reached your pull rate limit", ErrorKind::rate_limited},
      {"Error: unknown flag: --platform", ErrorKind::invalid},
  };
  for (const auto& one : cases) {
    Bench bench([&](const Command& command) {
      return command.argv[1] == "pull" ? FakeLauncher::ended(125, one.said) : FakeLauncher::ended(0);
    });
    const auto error = bench.failure(simple);
    INFO(one.said);
    CHECK(error.kind() == one.kind);
    CHECK_THAT(error.what(), StartsWith("pulling r.example.com/staging/node@sha256:"));
    CHECK(bench.launcher.called("run").empty());
    CHECK(bench.launcher.called("rmi").size() == 1);
  }
}

TEST_CASE("a machine without podman is told what to do") {
  Bench bench(
      [](const Command&) -> ProcessResult { throw Error(ErrorKind::not_found, "no program 'podman'"); });
  const auto error = bench.failure(simple);
  CHECK(error.kind() == ErrorKind::not_found);
  CHECK_THAT(error.what(), Contains("install podman"));
}

TEST_CASE("D10: a cancelled check still removes its container") {
  Bench bench;
  boost::asio::cancellation_signal stop;
  bool cancelled = false;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    bench.launcher.before = [&](const Command& command) -> Task<> {
      if (command.argv[1] != "run") co_return;
      boost::asio::post(loop, [&] { stop.emit(boost::asio::cancellation_type::all); });
      co_await bench.clock.sleep_for(std::chrono::hours(1));
    };
    try {
      co_await boost::asio::co_spawn(
          loop, bench.start(simple),
          boost::asio::bind_cancellation_slot(stop.slot(), boost::asio::use_awaitable));
    } catch (...) {
      cancelled = current_error().kind() == ErrorKind::cancelled;
    }
  });
  CHECK(cancelled);
  CHECK(subcommands(bench.launcher) == std::vector<std::string>{"pull", "run", "rm", "rmi"});
}

TEST_CASE("a check that is cancelled while it tidies up does so to the end") {
  Bench bench;
  boost::asio::cancellation_signal stop;
  bool cancelled = false;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    bench.launcher.before = [&](const Command& command) -> Task<> {
      if (command.argv[1] == "rm") stop.emit(boost::asio::cancellation_type::all);
      co_return;
    };
    try {
      co_await boost::asio::co_spawn(
          loop, bench.start(simple),
          boost::asio::bind_cancellation_slot(stop.slot(), boost::asio::use_awaitable));
    } catch (...) {
      cancelled = current_error().kind() == ErrorKind::cancelled;
    }
  });
  CHECK(cancelled);
  CHECK(bench.launcher.called("rmi").size() == 1);
}

TEST_CASE("D11: credentials reach podman in a private file that is gone afterwards, and nowhere else") {
  const std::string canary = "hunter2-canary";
  std::string path;
  std::string text;
  mode_t mode = 0;
  Bench bench([&](const Command& command) {
    path = variable(command, "REGISTRY_AUTH_FILE");
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) mode = status.st_mode & 0777;
    text = content(path);
    return FakeLauncher::ended(125, "Error: something");
  });
  bench.more = "registries: {r.example.com: {auth: {username: bot, password: {file: /secret}}}}\n";
  bench.files["/secret"] = canary;
  const auto error = bench.failure(simple);
  CHECK(text == R"({"auths":{"r.example.com":{"auth":"Ym90Omh1bnRlcjItY2FuYXJ5"}}})");
  CHECK(mode == 0600);
  CHECK_FALSE(std::filesystem::exists(std::filesystem::path(path).parent_path()));
  CHECK_THAT(error.what(), !Contains(canary));
  for (const auto& command : bench.launcher.commands) {
    for (const auto& argument : command.argv)
      CHECK_THAT(argument, !Contains(canary));
    for (const auto& [name, value] : command.environment)
      CHECK_THAT(value, !Contains(canary));
  }
  for (const auto& line : bench.log)
    CHECK_THAT(line, !Contains(canary));
}

TEST_CASE("mistakes in a container check are told") {
  const Bench bench;
  CHECK_THAT(bench.mistakes("container: {}"), Contains("'run' needs the test command"));
  for (const auto* bad :
       {"memory: much", "memory: \"-5\"", "memory: 5x", "user: --privileged", "network: \"-x\"", "pids: 0",
        "expect_exit: 125", "timeout: 0", "pull_timeout: 0", "environment: {1A: x}", "memroy: 1g"}) {
    INFO(bad);
    CHECK_FALSE(bench.mistakes(std::string("container: {run: [x], ") + bad + "}").empty());
  }
}
