#include "core/launcher.hpp"

#include "core/error.hpp"
#include "support/eventually.hpp"
#include "support/fake_clock.hpp"
#include "support/run.hpp"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <list>
#include <optional>
#include <signal.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace std::chrono_literals;

namespace {

Command shell(std::string script) {
  return Command{.argv = {"/bin/sh", "-c", std::move(script)}};
}

ProcessResult launch(Command command) {
  SystemClock clock;
  SystemLauncher launcher(clock);
  return test::run([&]() -> Task<ProcessResult> { return launcher.run(std::move(command)); });
}

ErrorKind failure_of(Command command) {
  try {
    launch(std::move(command));
  } catch (const Error& error) {
    INFO(error.what());
    return error.kind();
  }
  FAIL("the command did not fail");
  return ErrorKind::internal;
}

/// True while the process exists and is more than a zombie.
bool is_alive(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return false;
  return line.substr(line.rfind(')')).find(") Z") != 0;
}

/// True while the process has an entry at all: zombies count.
bool exists(pid_t pid) {
  return ::kill(pid, 0) == 0;
}

std::vector<pid_t> pids_in(const std::string& output) {
  std::istringstream words(output);
  std::vector<pid_t> pids;
  for (pid_t pid; words >> pid;)
    pids.push_back(pid);
  return pids;
}

/// Members of a killed group other than its leader end in their own time.
bool end_soon(std::vector<pid_t> pids) {
  return test::run([&]() -> Task<bool> {
    return test::eventually([&] { return std::none_of(pids.begin(), pids.end(), is_alive); });
  });
}

/// A launcher run on the side that can be cancelled.
struct Side {
  boost::asio::cancellation_signal cancel;
  std::string output;
  std::optional<ErrorKind> error;
  std::optional<ProcessResult> result;
  bool ended = false;

  void start(boost::asio::io_context& loop, Launcher& launcher, Command command) {
    command.on_output = [this](std::string_view piece) { output += piece; };
    boost::asio::co_spawn(loop, launcher.run(std::move(command)),
                          boost::asio::bind_cancellation_slot(
                              cancel.slot(), [this](std::exception_ptr failure, ProcessResult value) {
                                ended = true;
                                if (!failure) {
                                  result = std::move(value);
                                  return;
                                }
                                try {
                                  std::rethrow_exception(failure);
                                } catch (...) {
                                  error = current_error().kind();
                                }
                              }));
  }
};

}  // namespace

TEST_CASE("a command gives its merged output and its exit code") {
  const auto result = launch(shell("echo out; echo err >&2; exit 3"));
  CHECK(result.output == "out\nerr\n");
  CHECK(result.exit_code == 3);
  CHECK(result.signal == 0);
  CHECK_FALSE(result.ok());
  CHECK(launch(shell("true")).ok());
}

TEST_CASE("stdout can be kept apart") {
  auto command = shell("echo out; echo err >&2");
  command.separate_output = true;
  const auto result = launch(std::move(command));
  CHECK(result.standard_output == "out\n");
  CHECK(result.output == "err\n");
}

TEST_CASE("a command that a signal ends says which") {
  const auto result = launch(shell("kill -SEGV $$"));
  CHECK(result.signal == SIGSEGV);
  CHECK(result.exit_code == -1);
  CHECK_FALSE(result.ok());
}

TEST_CASE("input arrives at the command, and its end too") {
  auto command = Command{.argv = {"cat"}};
  command.input = std::string(300'000, 'i') + "end";
  command.output_limit = 1'000'000;
  const auto input = command.input;
  CHECK(launch(std::move(command)).output == input);
}

TEST_CASE("a command that does not read its input is no trouble") {
  auto command = Command{.argv = {"true"}};
  command.input = std::string(1'000'000, 'i');
  CHECK(launch(std::move(command)).ok());
}

TEST_CASE("without input a command reads nothing") {
  CHECK(launch(Command{.argv = {"cat"}}).output.empty());
}

TEST_CASE("arguments are never given to a shell") {
  CHECK(launch(Command{.argv = {"printf", "%s", "$HOME `id` ; * \"'"}}).output == "$HOME `id` ; * \"'");
}

TEST_CASE("D11: the environment is minimal and holds nothing else of the daemon") {
  ::setenv("SLUICE_TEST_CANARY", "canary-value", 1);
  auto command = Command{.argv = {"env"}};
  command.environment = {{"EXTRA", "a=b"}, {"LANG", "xx"}};
  const auto output = launch(std::move(command)).output;
  ::unsetenv("SLUICE_TEST_CANARY");
  CHECK(output.find("canary") == std::string::npos);
  CHECK(output.find("EXTRA=a=b\n") != std::string::npos);
  CHECK(output.find("LANG=xx\n") != std::string::npos);
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    const auto name = line.substr(0, line.find('='));
    CAPTURE(name);
    const std::vector<std::string> allowed{"PATH", "HOME", "TMPDIR", "LANG", "XDG_RUNTIME_DIR", "EXTRA"};
    CHECK(std::find(allowed.begin(), allowed.end(), name) != allowed.end());
  }
}

TEST_CASE("open files of the daemon are not inherited") {
  const int leaked = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as a library may do it
  REQUIRE(leaked > 2);
  const auto output = launch(shell("ls /proc/self/fd")).output;
  ::close(leaked);
  CHECK(output == "0\n1\n2\n3\n");  // 3 is the folder that ls reads
}

TEST_CASE("ignored and blocked signals of the daemon are not inherited") {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t set, before;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &set, &before);
  const auto output = launch(shell("grep -E '^Sig(Blk|Ign)' /proc/self/status")).output;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  CHECK(output == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE("a command runs in the directory that it names") {
  auto command = Command{.argv = {"pwd"}};
  command.directory = "/usr";
  CHECK(launch(std::move(command)).output == "/usr\n");
}

TEST_CASE("a missing program is not_found") {
  CHECK(failure_of(Command{.argv = {"sluice-no-such-program"}}) == ErrorKind::not_found);
  CHECK(failure_of(Command{.argv = {"/no/such/program"}}) == ErrorKind::not_found);
}

TEST_CASE("a program that cannot be started is unavailable") {
  CHECK(failure_of(Command{.argv = {"/etc/passwd"}}) == ErrorKind::unavailable);
  auto command = Command{.argv = {"true"}};
  command.directory = "/no/such/directory";
  CHECK(failure_of(std::move(command)) == ErrorKind::unavailable);
  CHECK(failure_of(Command{.argv = {"true", std::string(10'000'000, 'x')}}) == ErrorKind::unavailable);
}

TEST_CASE("an impossible command is invalid") {
  CHECK(failure_of(Command{}) == ErrorKind::invalid);
  CHECK(failure_of(Command{.argv = {""}}) == ErrorKind::invalid);
  CHECK(failure_of(Command{.argv = {"echo", std::string("a\0b", 3)}}) == ErrorKind::invalid);
  auto command = Command{.argv = {"true"}};
  command.environment = {{"A=B", "c"}};
  CHECK(failure_of(std::move(command)) == ErrorKind::invalid);
}

TEST_CASE("a program is never taken from a relative entry of PATH") {
  auto command = Command{.argv = {"sh", "-c", "true"}};
  command.directory = "/bin";
  command.environment = {{"PATH", ".::bin"}};
  CHECK(failure_of(std::move(command)) == ErrorKind::not_found);
}

TEST_CASE("output without end is kept in bounds, first and last") {
  auto command = shell("echo first; head -c 20000000 /dev/zero | tr '\\0' x; echo last");
  command.output_limit = 1000;
  std::size_t seen = 0;
  command.on_output = [&](std::string_view piece) { seen += piece.size(); };
  const auto result = launch(std::move(command));
  CHECK(result.ok());
  CHECK(result.truncated);
  CHECK(result.output.size() < 1100);
  CHECK(result.output.starts_with("first\n"));
  CHECK(result.output.ends_with("last\n"));
  CHECK(seen == 20'000'011);
}

TEST_CASE("what a listener to the output throws ends the command and reaches the caller") {
  auto command = shell("echo x; exec sleep 300");
  command.on_output = [](std::string_view) { throw Error(ErrorKind::denied, "no"); };
  CHECK(failure_of(std::move(command)) == ErrorKind::denied);
}

namespace {
/// Runs a command until its output holds "ready", then lets all the time it may need pass by a clock of ours.
ProcessResult time_out(Command command) {
  test::FakeClock clock;
  SystemLauncher launcher(clock);
  Side side;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    command.timeout = 24h;
    side.start(loop, launcher, std::move(command));
    const bool ready = co_await test::eventually(
        [&] { return side.output.find("ready") != std::string::npos && clock.sleepers() == 1; });
    REQUIRE(ready);
    CHECK_FALSE(side.ended);
    clock.advance(24h);
    const bool ended = co_await test::eventually([&] {
      clock.advance(10ms);
      return side.ended;
    });
    REQUIRE(ended);
  });
  REQUIRE(side.result);
  CHECK(side.result->timed_out);
  CHECK_FALSE(side.result->ok());
  return *side.result;
}
}  // namespace

TEST_CASE("a timeout ends the whole process group, politely first, by the given clock") {
  auto command = shell("trap 'echo polite; exit 7' TERM; sleep 300 & echo $$ $! ready; wait");
  command.grace = 1h;
  const auto result = time_out(std::move(command));
  CHECK(result.exit_code == 7);
  CHECK(result.output.find("polite") != std::string::npos);
  const auto pids = pids_in(result.output);
  REQUIRE(pids.size() == 2);
  CHECK(end_soon(pids));
}

TEST_CASE("a process group that ignores SIGTERM is killed after the grace") {
  auto command = shell("trap '' TERM; sleep 300 & echo $$ $! ready; wait; sleep 300");
  command.grace = 100ms;
  const auto result = time_out(std::move(command));
  CHECK(result.signal == SIGKILL);
  const auto pids = pids_in(result.output);
  REQUIRE(pids.size() == 2);
  CHECK(end_soon(pids));
}

TEST_CASE("a stopped process is ended too") {
  auto command = shell("echo ready; kill -STOP $$; sleep 300");
  command.grace = 1h;
  CHECK(time_out(std::move(command)).signal == SIGTERM);
}

TEST_CASE("a cancelled caller leaves no process of the group and no zombie") {
  SystemClock clock;
  SystemLauncher launcher(clock);
  Side side;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    side.start(loop, launcher, shell("sleep 300 & echo $$ $! done; wait"));
    const bool ready =
        co_await test::eventually([&] { return side.output.find("done") != std::string::npos; });
    REQUIRE(ready);
    side.cancel.emit(boost::asio::cancellation_type::all);
    side.cancel.emit(boost::asio::cancellation_type::all);
    const bool ended = co_await test::eventually([&] { return side.ended; });
    REQUIRE(ended);
  });
  CHECK(side.error == ErrorKind::cancelled);
  const auto pids = pids_in(side.output);
  REQUIRE(pids.size() == 2);
  CHECK_FALSE(exists(pids[0]));
  CHECK(end_soon(pids));
}

TEST_CASE("cancellation also ends a group that ignores SIGTERM") {
  SystemClock clock;
  SystemLauncher launcher(clock);
  Side side;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    auto command = shell("trap '' TERM; echo $$ done; sleep 300; sleep 300");
    command.grace = 100ms;
    side.start(loop, launcher, std::move(command));
    const bool ready =
        co_await test::eventually([&] { return side.output.find("done") != std::string::npos; });
    REQUIRE(ready);
    side.cancel.emit(boost::asio::cancellation_type::all);
    const bool ended = co_await test::eventually([&] { return side.ended; });
    REQUIRE(ended);
  });
  CHECK(side.error == ErrorKind::cancelled);
  CHECK_FALSE(exists(pids_in(side.output).at(0)));
}

TEST_CASE("an event loop that is torn down takes its processes along") {
  SystemClock clock;
  SystemLauncher launcher(clock);
  Side side;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    side.start(loop, launcher, shell("sleep 300 & echo $$ $! done; wait"));
    const bool ready =
        co_await test::eventually([&] { return side.output.find("done") != std::string::npos; });
    REQUIRE(ready);
  });
  const auto pids = pids_in(side.output);
  CHECK(end_soon(pids));
}

TEST_CASE("a grandchild that keeps the output open does not keep us waiting, and is ended") {
  auto command = shell("sleep 300 & echo $!");
  command.timeout = 60s;
  const auto result = launch(std::move(command));
  CHECK(result.ok());
  const auto pids = pids_in(result.output);
  REQUIRE(pids.size() == 1);
  CHECK(end_soon(pids));
}

TEST_CASE("many commands run side by side") {
  SystemClock clock;
  SystemLauncher launcher(clock);
  std::list<Side> sides(30);
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    int number = 0;
    for (auto& side : sides)
      side.start(loop, launcher, shell("echo " + std::to_string(number++)));
    const bool ended = co_await test::eventually(
        [&] { return std::all_of(sides.begin(), sides.end(), [](const auto& side) { return side.ended; }); });
    REQUIRE(ended);
  });
  int number = 0;
  for (const auto& side : sides) {
    REQUIRE(side.result);
    CHECK(side.result->output == std::to_string(number++) + "\n");
  }
}

TEST_CASE("a command dies with the daemon that started it") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    // The child plays the daemon: it tells us its command's id and then dies without any clean-up.
    auto command = shell("echo $$; exec sleep 300");
    command.on_output = [&](std::string_view piece) {
      if (::write(ends[1], piece.data(), piece.size()) < 0) ::_exit(1);
      ::kill(::getpid(), SIGKILL);
    };
    launch(std::move(command));
    ::_exit(1);
  }
  ::close(ends[1]);
  char text[32] = {};
  CHECK(::read(ends[0], text, sizeof text - 1) > 0);
  ::close(ends[0]);
  ::waitpid(daemon, nullptr, 0);
  const auto pid = static_cast<pid_t>(std::atoi(text));
  REQUIRE(pid > 1);
  CHECK(end_soon({pid}));
}
