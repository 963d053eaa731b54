#include "contract/checks/bench.hpp"
#include "support/certificates.hpp"
#include "support/shell.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/use_awaitable.hpp>

using namespace sluice;
using namespace sluice::test;
using Catch::Contains;

namespace {

// One of each for all cases, as they take a while to be set up.
const ContainerTools& tools() {
  static const ContainerTools made;
  return made;
}
RegistryProcess& registry() {
  static RegistryProcess made;
  return made;
}
const std::string& image() {
  static const std::string made =
      registry().host() + "/staging/box@" + tools().push(registry().host() + "/staging/box", "1");
  return made;
}

CheckBench bench() {
  return {.tools = tools().yaml()};
}

void check_nothing_is_left() {
  CHECK(tools().containers() == std::vector<std::string>{});
  CHECK(tools().images() == std::vector<std::string>{});
}

std::string shell(const std::string& script, const std::string& options = "") {
  return "container: {run: [sh, -c, \"" + script + "\"]" + options + "}";
}

}  // namespace

TEST_CASE("an image whose test command succeeds passes") {
  auto here = bench();
  const auto outcome = here.run(image(), shell("echo it works"));
  CHECK(outcome.passed);
  CHECK(outcome.summary == "exit code 0");
  CHECK(here.log == std::vector<std::string>{"it works"});
  check_nothing_is_left();
}

TEST_CASE("an image whose test command fails is rejected with its last words") {
  auto here = bench();
  const auto outcome = here.run(image(), shell("echo starting; echo cannot find module >&2; exit 3"));
  CHECK_FALSE(outcome.passed);
  CHECK(outcome.summary == "exit code 3: cannot find module");
  check_nothing_is_left();
}

TEST_CASE("an image without the program is rejected") {
  auto here = bench();
  const auto outcome = here.run(image(), "container: {run: [/nonexistent]}");
  CHECK_FALSE(outcome.passed);
  CHECK_THAT(outcome.summary, Contains("exit code 127"));
  const auto inside = here.run(image(), shell("nonexistent"));
  CHECK_FALSE(inside.passed);
  CHECK_THAT(inside.summary, Contains("not found"));
}

TEST_CASE("an index of several platforms is checked by its digest") {
  const auto digest = image().substr(image().find('@') + 1);
  const auto index = tools().push_index(registry().host() + "/staging/box", digest, "all");
  REQUIRE(index != digest);
  auto here = bench();
  CHECK(here.run(registry().host() + "/staging/box@" + index, shell("true")).passed);
  check_nothing_is_left();
}

TEST_CASE("D10: the image has no network, no writable root and no capabilities") {
  auto here = bench();
  const auto outcome = here.run(
      image(),
      shell("ls /sys/class/net; touch /x 2>&1; touch /tmp/x && echo tmp; grep CapEff /proc/self/status"));
  CHECK(outcome.passed);
  CHECK(here.log == std::vector<std::string>{"lo", "touch: /x: Read-only file system", "tmp",
                                             "CapEff:\t0000000000000000"});
}

TEST_CASE("D10: a fork bomb, a memory hog and an endless writer end within their limits") {
  auto here = bench();
  const auto bomb = here.run(
      image(),
      shell("i=0; while [ $i -lt 100 ]; do sleep 20 & i=$((i+1)); done; echo unlimited", ", pids: 16"));
  CHECK_FALSE(bomb.passed);
  CHECK_THAT(bomb.summary, Contains("can't fork"));
  const auto hog = here.run(image(), "container: {run: [tail, -c, \"1000000000\", /dev/zero], memory: 32m}");
  CHECK_FALSE(hog.passed);
  CHECK_THAT(hog.summary, Contains("exit code 137 (killed, perhaps for using more memory than 32m)"));
  here.log.clear();
  const auto writer = here.run(image(), "container: {run: [yes], timeout: 2s}");
  CHECK_FALSE(writer.passed);
  CHECK(writer.summary == "did not end within 2s");
  CHECK(here.log.size() == 2001);
  check_nothing_is_left();
}

TEST_CASE("D10: a test command that refuses to end is killed and removed") {
  auto here = bench();
  const auto outcome =
      here.run(image(), shell("trap '' TERM INT; echo up; while true; do sleep 1; done", ", timeout: 1s"));
  CHECK_FALSE(outcome.passed);
  CHECK(outcome.summary == "did not end within 1s");
  check_nothing_is_left();
}

TEST_CASE("D10: a cancelled check leaves nothing behind") {
  auto here = bench();
  boost::asio::cancellation_signal stop;
  bool cancelled = false;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    here.on_log = [&](std::string_view) {
      boost::asio::post(loop, [&] { stop.emit(boost::asio::cancellation_type::all); });
    };
    try {
      co_await boost::asio::co_spawn(
          loop, here.start(image(), shell("echo up; sleep 60")),
          boost::asio::bind_cancellation_slot(stop.slot(), boost::asio::use_awaitable));
    } catch (...) {
      cancelled = current_error().kind() == ErrorKind::cancelled;
    }
  });
  CHECK(cancelled);
  check_nothing_is_left();
}

TEST_CASE("options reach the container") {
  auto here = bench();
  const auto outcome =
      here.run(image(),
               "container: {run: [-c, \"echo $A; id -u; exit 5\"], entrypoint: sh, user: \"1000\", "
               "environment: {A: b c}, memory: none, expect_exit: 5}");
  CHECK(outcome.passed);
  CHECK(here.log == std::vector<std::string>{"b c", "1000"});
}

TEST_CASE("a registry that is down or does not have the image gives no verdict") {
  RegistryProcess other;
  const auto digest = tools().push(other.host() + "/staging/box", "1");
  auto here = bench();
  const auto missing =
      here.failure(other.host() + "/staging/box@sha256:" + std::string(64, 'f'), shell("true"));
  CHECK(missing.kind() == ErrorKind::not_found);
  other.stop();
  const auto down = here.failure(other.host() + "/staging/box@" + digest, shell("true"));
  CHECK(down.kind() == ErrorKind::unavailable);
  CHECK_THAT(down.what(), Contains("connection refused"));
  check_nothing_is_left();
}

TEST_CASE("a registry with its own authority and a password is pulled from, and not without them") {
  Authority authority;
  RegistryProcess closed(
      {.basic = RegistryOptions::Basic{"bot", "hunter2"}, .token = {}, .tls = authority.issue()});
  const auto digest = image().substr(image().find('@') + 1);
  output_of({"skopeo", "copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false",
             "--dest-creds=bot:hunter2", "docker://" + image(),
             "docker://" + closed.host() + "/staging/box:1"});
  auto here = bench();
  const auto settings = [&](const std::string& password) {
    here.files["/password"] = password;
    here.registries = "registries:\n  \"" + closed.host() + "\": {ca: " + authority.certificate().string() +
                      ", auth: {username: bot, password: {file: /password}}}\n";
  };
  settings("hunter2");
  CHECK(here.run(closed.host() + "/staging/box@" + digest, shell("true")).passed);
  settings("wrong-canary");
  const auto refused = here.failure(closed.host() + "/staging/box@" + digest, shell("true"));
  CHECK(refused.kind() == ErrorKind::unauthorized);
  CHECK_THAT(refused.what(), !Contains("canary"));
  here.registries.clear();
  CHECK(here.failure(closed.host() + "/staging/box@" + digest, shell("true")).kind() != ErrorKind::not_found);
  check_nothing_is_left();
}
