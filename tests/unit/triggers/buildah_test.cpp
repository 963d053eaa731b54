#include "support/eventually.hpp"
#include "triggers/image_build.hpp"
#include "unit/triggers/support.hpp"

#include <filesystem>
#include <fstream>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

using namespace sluice;
using namespace sluice::test;
using Catch::Contains;

namespace {

const std::string pushed_digest = "sha256:" + std::string(64, 'c');
const std::string simple = "buildah: {context: /tmp}";

std::string flag(const Command& command, const std::string& name) {
  for (const auto& argument : command.argv)
    if (argument.starts_with(name + "=")) return argument.substr(name.size() + 1);
  return {};
}

// buildah that succeeds in everything but what `fails` says.
FakeLauncher::Script buildah(std::function<std::optional<ProcessResult>(const Command&)> fails = {}) {
  return [fails](const Command& command) {
    if (fails)
      if (const auto result = fails(command)) return *result;
    const auto& verb = command.argv.at(1);
    if (verb == "pull") return FakeLauncher::ended(0, std::string(64, '1') + "\n");
    if (verb == "push") std::ofstream(flag(command, "--digestfile")) << pushed_digest;
    if (verb == "containers") return FakeLauncher::ended(0, "[]");
    return FakeLauncher::ended(0);
  };
}

FakeLauncher::Script failing(const std::string& verb, int exit_code, const std::string& said) {
  return buildah([=](const Command& command) -> std::optional<ProcessResult> {
    if (command.argv.at(1) == verb) return FakeLauncher::ended(exit_code, said);
    return std::nullopt;
  });
}

std::vector<std::string> verbs(const FakeLauncher& launcher) {
  std::vector<std::string> all;
  for (const auto& command : launcher.commands)
    all.push_back(command.argv.at(1));
  return all;
}

}  // namespace

TEST_CASE("an image is built on exactly the promoted digest and pushed under the dependent's tag") {
  Bench bench(buildah());
  CHECK(bench.send(simple) == "pushed " + pushed_digest);
  CHECK(verbs(bench.launcher) ==
        std::vector<std::string>{"pull", "tag", "build", "push", "containers", "rmi"});
  const auto& commands = bench.launcher.commands;
  CHECK(commands[0].argv.back() == "r.example.com/base/node@" + base_digest);
  const auto base_name = commands[1].argv.back();
  CHECK(commands[1].argv[3] == std::string(64, '1'));
  CHECK(has(commands[2], "--build-context=r.example.com/base/node:9=docker-image://" + base_name));
  CHECK(has(commands[2], "--annotation=org.opencontainers.image.base.name=r.example.com/base/node:9"));
  CHECK(has(commands[2], "--annotation=org.opencontainers.image.base.digest=" + base_digest));
  CHECK(commands[2].argv.back() == "/tmp");
  CHECK(commands[3].argv.back() == "docker://r.example.com/team/app:latest");
}

TEST_CASE("options of a buildah trigger become flags") {
  Bench bench(buildah());
  bench.more =
      "tools: {builder: {program: my-buildah, arguments: [--isolation, chroot], environment: "
      "{STORAGE_DRIVER: "
      "vfs}}}\n";
  bench.send(
      "buildah: {context: /tmp, file: images/Containerfile, target: release, arguments: {BASE: "
      "\"{base_by_digest}\", X: \"a b\"}, timeout: 10m, transfer_timeout: 1m}");
  const auto build = bench.launcher.called("build").at(0);
  CHECK(build.argv[0] == "my-buildah");
  CHECK(build.argv[2] == "--isolation");
  CHECK(has(build, "--file=/tmp/images/Containerfile"));
  CHECK(has(build, "--target=release"));
  CHECK(has(build, "--build-arg=BASE=r.example.com/base/node@" + base_digest));
  CHECK(has(build, "--build-arg=X=a b"));
  CHECK(build.timeout == std::chrono::minutes(10));
  CHECK(bench.launcher.called("push").at(0).timeout == std::chrono::minutes(1));
  for (const auto& command : bench.launcher.commands) {
    CHECK(variable(command, "STORAGE_DRIVER") == "vfs");
    if (command.argv[1] != "build") CHECK_FALSE(has(command, "--isolation"));
  }
}

TEST_CASE("a base that somebody removes between pull and use is a reason to try again") {
  Bench bench(buildah([&](const Command& command) -> std::optional<ProcessResult> {
    if (command.argv[1] == "tag") return FakeLauncher::ended(125, "image not known");
    return std::nullopt;
  }));
  CHECK(bench.failure(simple).kind() == ErrorKind::unavailable);
}

TEST_CASE("a repeat uses the same local names") {
  Bench bench(buildah());
  bench.send(simple);
  bench.send(simple);
  const auto removals = bench.launcher.called("rmi");
  REQUIRE(removals.size() == 2);
  CHECK(removals[0].argv == removals[1].argv);
}

TEST_CASE("a step that fails is final, with the end of the output in the error and all of it in the log") {
  Bench bench(failing(
      "build", 1,
      "STEP 2: RUN make\nmake: *** [all] Error 2\nError: building at STEP \"RUN make\": exit status 2\n"));
  const auto error = bench.failure(simple);
  CHECK(error.kind() == ErrorKind::invalid);
  CHECK_THAT(error.what(),
             Contains("building r.example.com/team/app:latest failed") && Contains("[all] Error 2"));
  CHECK(bench.log.size() == 3);
  CHECK(bench.launcher.called("push").empty());
  CHECK(bench.launcher.called("rmi").size() == 1);
}

TEST_CASE("a registry that fails is tried again, at each step") {
  const auto down =
      "Error: initializing source docker://x: pinging container registry x: connect: connection refused";
  for (const auto* verb : {"pull", "push"})
    CHECK(Bench(failing(verb, 125, down)).failure(simple).kind() == ErrorKind::unavailable);
  CHECK(Bench(failing("build", 125, std::string("Error: creating build container: ") + down))
            .failure(simple)
            .kind() == ErrorKind::unavailable);
  CHECK(Bench(failing("push", 125, "denied: requested access to the resource is denied"))
            .failure(simple)
            .kind() == ErrorKind::denied);
}

TEST_CASE("a build that does not end in time is tried again, and its containers are removed") {
  Bench bench(buildah([](const Command& command) -> std::optional<ProcessResult> {
    if (command.argv[1] == "build") {
      ProcessResult killed;
      killed.signal = 9;
      killed.timed_out = true;
      return killed;
    }
    if (command.argv[1] == "containers") {
      const auto name = "localhost/sluice-base:" + oci::Digest::of("rebuild-ca1b").text().substr(7, 16);
      return FakeLauncher::ended(0, R"([{"id":"ours","imagename":")" + name +
                                        R"("},{"id":"other","imagename":"localhost/other:1"}])");
    }
    return std::nullopt;
  }));
  CHECK(bench.failure(simple).kind() == ErrorKind::timeout);
  const auto removals = bench.launcher.called("rm");
  REQUIRE(removals.size() == 1);
  CHECK(removals[0].argv == std::vector<std::string>{"buildah", "rm", "--", "ours"});
}

TEST_CASE("a cancelled build still tidies up") {
  Bench bench(buildah());
  boost::asio::cancellation_signal stop;
  bool cancelled = false;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    bench.launcher.before = [&](const Command& command) -> Task<> {
      if (command.argv[1] != "build") co_return;
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
  CHECK(verbs(bench.launcher) == std::vector<std::string>{"pull", "tag", "build", "containers", "rmi"});
}

namespace {

// A rebuild beside the test, and how it ended.
struct Beside {
  Bench bench;
  std::optional<std::string> answer;
  std::optional<ErrorKind> failure;

  explicit Beside(FakeLauncher::Script script = buildah()) : bench(std::move(script)) {}
  bool ended() const { return answer || failure; }
  void start(boost::asio::io_context& loop) {
    boost::asio::co_spawn(loop, bench.start(simple), [this](std::exception_ptr thrown, std::string said) {
      if (!thrown) answer = std::move(said);
      if (thrown) failure = kind_of(thrown);
    });
  }
  /// `verb` takes an hour by the clock of the bench.
  void stall(const std::string& verb) {
    bench.launcher.before = [this, verb](const Command& command) -> Task<> {
      if (command.argv[1] == verb) co_await bench.clock.sleep_for(std::chrono::hours(1));
    };
  }
  Task<> until_asleep() {
    const bool asleep = co_await eventually([this] { return bench.clock.sleepers() > 0; });
    CHECK(asleep);
  }
  Task<> until_ended() {
    const bool over = co_await eventually([this] { return ended(); });
    CHECK(over);
  }
  static ErrorKind kind_of(std::exception_ptr thrown) {
    try {
      std::rethrow_exception(std::move(thrown));
    } catch (...) {
      return current_error().kind();
    }
  }
};

}  // namespace

TEST_CASE("C3: a base whose registry is stalled does not keep other rebuilds waiting for long") {
  Beside stalled;
  Beside other;
  stalled.stall("pull");
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    CHECK(other.bench.is_free(simple));
    stalled.start(loop);
    co_await stalled.until_asleep();
    CHECK(other.bench.is_free(simple));
    other.start(loop);
    co_await other.until_asleep();
    other.bench.clock.advance(std::chrono::minutes(1));
    // Tidying up stands behind it once more.
    const bool tidies =
        co_await eventually([&] { return !other.bench.launcher.called("containers").empty(); });
    CHECK(tidies);
    co_await other.until_asleep();
    other.bench.clock.advance(std::chrono::minutes(1));
    co_await other.until_ended();
    CHECK(other.failure == ErrorKind::unavailable);
    CHECK_FALSE(other.bench.is_free(simple));
    stalled.bench.clock.advance(std::chrono::hours(1));
    co_await stalled.until_ended();
    CHECK(stalled.answer == "pushed " + pushed_digest);
    CHECK(other.bench.is_free(simple));
  });
}

TEST_CASE("C3: a build is tidied up although another one waits for the registry of their base") {
  Beside stalled;
  Beside built;
  stalled.stall("pull");
  built.stall("push");
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    built.start(loop);
    co_await built.until_asleep();
    stalled.start(loop);
    co_await stalled.until_asleep();
    built.bench.clock.advance(std::chrono::hours(1));
    const bool tidies =
        co_await eventually([&] { return !built.bench.launcher.called("containers").empty(); });
    CHECK(tidies);
    co_await built.until_asleep();
    built.bench.clock.advance(std::chrono::minutes(1));
    co_await built.until_ended();
    CHECK(built.answer == "pushed " + pushed_digest);
    CHECK(built.bench.launcher.called("rmi").size() == 1);
  });
}

TEST_CASE("a git context is fetched into a directory that is gone afterwards") {
  std::filesystem::path place;
  Bench bench([&](const Command& command) {
    if (command.argv[0] == "git") {
      if (test::has(command, "init")) {
        place = command.argv.back();
        std::filesystem::create_directories(place / "images");
      }
      return FakeLauncher::ended(0, test::has(command, "rev-parse") ? "0123abcd\n" : "");
    }
    return buildah()(command);
  });
  bench.send("buildah: {context: \"https://git.example.com/app.git#main:images\"}");
  const auto build = bench.launcher.called("build").at(0);
  CHECK(build.argv.back() == (place / "images").string());
  CHECK(has(build, "--annotation=org.opencontainers.image.revision=0123abcd"));
  CHECK_FALSE(std::filesystem::exists(place));
}

TEST_CASE("D9: a git context whose folder or Containerfile is a link out of it is not built") {
  const auto failure_of = [](const std::string& text) {
    Bench bench([](const Command& command) {
      if (command.argv[0] == "git" && test::has(command, "init")) {
        const std::filesystem::path place = command.argv.back();
        std::filesystem::create_directories(place / "app");
        std::filesystem::create_symlink("/etc", place / "out");
        std::filesystem::create_symlink("app", place / "in");
        std::filesystem::create_symlink("/etc/passwd", place / "app/Dockerfile");
      }
      return command.argv[0] == "git" ? FakeLauncher::ended(0) : buildah()(command);
    });
    auto error = bench.failure(text);
    CHECK(bench.launcher.called("build").empty());
    return error;
  };
  const auto folder = failure_of("buildah: {context: \"https://h/r.git#main:out\"}");
  CHECK(folder.kind() == ErrorKind::invalid);
  CHECK_THAT(folder.what(), Contains("folder leads out"));
  const auto by_default = failure_of("buildah: {context: \"https://h/r.git#main:in\"}");
  CHECK(by_default.kind() == ErrorKind::invalid);
  CHECK_THAT(by_default.what(), Contains("Dockerfile leads out"));
  const auto named = failure_of("buildah: {context: \"https://h/r.git#main\", file: out/passwd}");
  CHECK_THAT(named.what(), Contains("out/passwd leads out"));
}

TEST_CASE("a context that does not exist is told before anything is pulled") {
  Bench bench(buildah());
  const auto error = bench.failure("buildah: {context: /nonexistent/source}");
  CHECK(error.kind() == ErrorKind::not_found);
  CHECK_THAT(error.what(), Contains("/nonexistent/source"));
  CHECK(bench.launcher.called("pull").empty());
}

TEST_CASE("a machine without buildah is told what to do") {
  Bench bench([](const Command&) -> ProcessResult { throw Error(ErrorKind::not_found, "no program"); });
  CHECK_THAT(bench.failure(simple).what(), Contains("install buildah"));
}

TEST_CASE("a base is replaced however the Containerfile spells it") {
  const auto of = [](const std::string& text) { return triggers::spellings(oci::Reference::parse(text)); };
  CHECK(of("r.example.com/base/node:9") == std::vector<std::string>{"r.example.com/base/node:9"});
  CHECK(of("docker.io/library/node:9") ==
        std::vector<std::string>{"docker.io/library/node:9", "library/node:9", "docker.io/node:9", "node:9"});
  CHECK(of("docker.io/team/app") == std::vector<std::string>{"docker.io/team/app:latest",
                                                             "docker.io/team/app", "team/app:latest",
                                                             "team/app"});
}

TEST_CASE("D11: credentials of every configured registry reach buildah in a file, and nowhere else") {
  const std::string canary = "hunter2-canary";
  std::string text;
  Bench bench(buildah([&](const Command& command) -> std::optional<ProcessResult> {
    std::getline(std::ifstream(variable(command, "REGISTRY_AUTH_FILE")), text);
    return std::nullopt;
  }));
  bench.more =
      "registries:\n  r.example.com: {auth: {username: bot, password: {file: /secret}}}\n"
      "  other.example.com: {auth: {username: bot, password: {file: /secret}}}\n";
  bench.files["/secret"] = canary;
  const auto answer = bench.send(simple);
  CHECK_THAT(text, Contains("r.example.com") && Contains("other.example.com"));
  CHECK_THAT(answer, !Contains(canary));
  for (const auto& command : bench.launcher.commands) {
    for (const auto& argument : command.argv)
      CHECK_THAT(argument, !Contains(canary));
    for (const auto& [name, value] : command.environment)
      CHECK_THAT(value, !Contains(canary));
  }
}

TEST_CASE("mistakes in a buildah trigger are told") {
  const Bench bench;
  CHECK_THAT(bench.mistakes("buildah: {}"), Contains("'context'"));
  CHECK_THAT(bench.mistakes("buildah: {context: source}"), Contains("absolute directory"));
  CHECK_THAT(bench.mistakes("buildah: {context: \"git://h/r.git\"}"), Contains("git addresses start with"));
  CHECK_THAT(bench.mistakes("buildah: {context: /x, file: ../y}"), Contains("inside the context"));
  CHECK_THAT(bench.mistakes("buildah: {context: /x, target: --squash}"), Contains("not the name of a stage"));
  CHECK_THAT(bench.mistakes("buildah: {context: /x, arguments: {A: \"{dijest}\"}}"),
             Contains("did you mean {digest}?"));
  CHECK_THAT(bench.mistakes("buildah: {context: /x, arguments: {\"A=B\": x}}"),
             Contains("cannot be the name"));
  CHECK_THAT(bench.mistakes("buildah: {context: /x, timeout: 0}"), Contains("longer than nothing"));
}
