#include "contract/triggers/bench.hpp"
#include "support/container_tools.hpp"
#include "support/shell.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::test;
using Catch::Contains;
using nlohmann::json;

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

struct Base {
  std::string tag;       // repository:tag, which has moved on since
  std::string promoted;  // digest
};
const Base& base() {
  static const Base made = [] {
    const auto repository = registry().host() + "/base/box";
    Base result{.tag = repository + ":1",
                .promoted = tools().push(repository, "1", "LABEL generation=promoted\n")};
    tools().push(repository, "1", "COPY bin/busybox /later\nLABEL generation=later\n");
    return result;
  }();
  return made;
}

TriggerBench bench() {
  TriggerBench made;
  made.tools = tools().yaml();
  made.image = registry().host() + "/team/app:latest";
  made.base = base().tag + "@" + base().promoted;
  return made;
}

json inspect(const std::string& image, bool config) {
  std::vector<std::string> argv{"skopeo", "inspect", "--tls-verify=false", config ? "--config" : "--raw",
                                "docker://" + image};
  return json::parse(output_of(argv));
}

void check_sits_on_promoted(const std::string& image) {
  const auto built = inspect(image, true)["rootfs"]["diff_ids"];
  const auto below = inspect(registry().host() + "/base/box@" + base().promoted, true)["rootfs"]["diff_ids"];
  REQUIRE(built.size() >= below.size());
  for (std::size_t i = 0; i < below.size(); ++i)
    CHECK(built[i] == below[i]);
  CHECK(inspect(image, true)["config"]["Labels"]["generation"] == "promoted");
  const auto annotations = inspect(image, false)["annotations"];
  CHECK(annotations["org.opencontainers.image.base.digest"] == base().promoted);
  CHECK(annotations["org.opencontainers.image.base.name"] == base().tag);
}

void check_nothing_is_left() {
  CHECK(tools().build_containers() == std::vector<std::string>{});
  CHECK(tools().images() == std::vector<std::string>{});
}

std::string why(std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::string source(const std::string& name, const std::string& containerfile) {
  return tools().source(name, {{"Containerfile", containerfile}}).string();
}

}  // namespace

TEST_CASE("an image is built on the promoted digest although its tag has moved on, and pushed") {
  auto here = bench();
  const auto folder = source("plain", "FROM " + base().tag + "\nRUN echo built > /built\n");
  const auto answer = here.send("buildah: {context: " + folder + "}");
  const auto pushed = output_of(
      {"skopeo", "inspect", "--tls-verify=false", "--format={{.Digest}}", "docker://" + here.image});
  CHECK(answer + "\n" == "pushed " + pushed);
  check_sits_on_promoted(here.image);
  CHECK_FALSE(here.log.empty());
  check_nothing_is_left();
}

TEST_CASE("every stage is built on the promoted digest") {
  auto here = bench();
  const auto folder =
      source("stages", "FROM " + base().tag + " AS one\nRUN test ! -e /later && echo one > /one\nFROM " +
                           base().tag + " AS two\nCOPY --from=one /one /one\nCOPY --from=" + base().tag +
                           " /bin/busybox /copied\nFROM " + base().tag + " AS three\nRUN false\n");
  here.send("buildah: {context: " + folder + ", target: two}");
  check_sits_on_promoted(here.image);
  check_nothing_is_left();
}

TEST_CASE("a base that is a build argument is given by digest") {
  auto here = bench();
  const auto folder = source("argument", "ARG BASE=" + base().tag + "\nFROM ${BASE}\nCOPY Containerfile /\n");
  here.send("buildah: {context: " + folder + ", arguments: {BASE: \"{base_by_digest}\"}}");
  check_sits_on_promoted(here.image);
  check_nothing_is_left();
}

TEST_CASE("a repeat builds and pushes again") {
  auto here = bench();
  const auto folder = source("plain", "FROM " + base().tag + "\nRUN echo built > /built\n");
  const auto text = "buildah: {context: " + folder + "}";
  CHECK_THAT(here.send(text), Catch::StartsWith("pushed sha256:"));
  CHECK_THAT(here.send(text), Catch::StartsWith("pushed sha256:"));
  check_nothing_is_left();
}

TEST_CASE("two dependents on one base are built at the same time") {
  auto first = bench();
  auto second = bench();
  second.image = registry().host() + "/team/other:latest";
  second.key = "rebuild-ca1c";
  const auto folder = source("plain", "FROM " + base().tag + "\nRUN echo built > /built\n");
  const auto text = "buildah: {context: " + folder + "}";
  std::vector<std::string> answers;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    boost::asio::co_spawn(loop, first.start(text), [&](std::exception_ptr failure, std::string answer) {
      answers.push_back(failure ? why(failure) : answer);
    });
    answers.push_back(co_await second.start(text));
    SystemClock clock;
    for (int i = 0; i < 600 && answers.size() < 2; ++i)
      co_await clock.sleep_for(Milliseconds(50));
  });
  REQUIRE(answers.size() == 2);
  for (const auto& answer : answers)
    CHECK_THAT(answer, Catch::StartsWith("pushed sha256:"));
  check_sits_on_promoted(first.image);
  check_sits_on_promoted(second.image);
  check_nothing_is_left();
}

TEST_CASE("a step that fails is final, and nothing is left behind or pushed") {
  auto here = bench();
  here.image = registry().host() + "/team/broken:latest";
  const auto folder = source("broken", "FROM " + base().tag + "\nRUN echo no such module; exit 3\n");
  const auto error = here.failure("buildah: {context: " + folder + "}");
  CHECK(error.kind() == ErrorKind::invalid);
  CHECK_THAT(error.what(), Contains("exit 3"));
  CHECK_THROWS(inspect(here.image, false));
  check_nothing_is_left();
}

TEST_CASE("a build that takes too long is ended, and nothing is left behind") {
  auto here = bench();
  const auto folder = source("slow", "FROM " + base().tag + "\nRUN sleep 300\n");
  CHECK(here.failure("buildah: {context: " + folder + ", timeout: 3s}").kind() == ErrorKind::timeout);
  check_nothing_is_left();
}

TEST_CASE("a build that is cancelled leaves nothing behind") {
  auto here = bench();
  const auto folder = source("slow", "FROM " + base().tag + "\nRUN trap '' TERM; echo up; sleep 300\n");
  boost::asio::cancellation_signal stop;
  bool cancelled = false;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    here.on_log = [&](std::string_view line) {
      if (line == "up") boost::asio::post(loop, [&] { stop.emit(boost::asio::cancellation_type::all); });
    };
    try {
      co_await boost::asio::co_spawn(
          loop, here.start("buildah: {context: " + folder + "}"),
          boost::asio::bind_cancellation_slot(stop.slot(), boost::asio::use_awaitable));
    } catch (...) {
      cancelled = current_error().kind() == ErrorKind::cancelled;
    }
  });
  CHECK(cancelled);
  check_nothing_is_left();
}

TEST_CASE("a git repository is built at its commit, from a folder of it") {
  const auto folder =
      tools().source("repository", {{"images/app/Containerfile", "FROM " + base().tag + "\nCOPY hello /\n"},
                                    {"images/app/hello", "hello\n"}});
  output_of(
      {"sh", "-c",
       "cd \"$1\" && git init -q -b main && git add images && git -c user.name=t -c user.email=t@example.com "
       "commit -q -m one",
       "sh", folder.string()});
  const auto commit = output_of({"git", "-C", folder.string(), "rev-parse", "HEAD"}).substr(0, 40);
  auto here = bench();
  for (const auto& ref : {std::string("main"), commit, std::string()})
    here.send("buildah: {context: \"file://" + folder.string() + "#" + ref + ":images/app\"}");
  check_sits_on_promoted(here.image);
  CHECK(inspect(here.image, false)["annotations"]["org.opencontainers.image.revision"] == commit);
  CHECK(here.failure("buildah: {context: \"file://" + folder.string() + "#nonexistent\"}").kind() ==
        ErrorKind::not_found);
  CHECK(here.failure("buildah: {context: \"file:///nonexistent.git\"}").kind() == ErrorKind::not_found);
  check_nothing_is_left();
}

TEST_CASE("D9: what a git repository links to outside of it is not read") {
  const auto folder = tools().source("links", {{"app/hello", "hello\n"}});
  output_of({"sh", "-c",
             "cd \"$1\" && ln -s /etc etc && ln -s /etc/passwd app/Containerfile && git init -q -b main && "
             "git add etc app && "
             "git -c user.name=t -c user.email=t@example.com commit -q -m one",
             "sh", folder.string()});
  auto here = bench();
  for (const auto* inner : {"etc", "app"}) {
    const auto error =
        here.failure("buildah: {context: \"file://" + folder.string() + "#main:" + inner + "\"}");
    CHECK(error.kind() == ErrorKind::invalid);
    CHECK_THAT(error.what(), Contains("leads out of the repository"));
  }
  CHECK(here.log.empty());
}

TEST_CASE("D11: a registry with a password is pushed to, and the password shows nowhere") {
  RegistryProcess closed({.basic = RegistryOptions::Basic{"bot", "hunter2-canary"}, .token = {}, .tls = {}});
  auto here = bench();
  here.image = closed.host() + "/team/app:latest";
  here.files["/password"] = "hunter2-canary";
  here.registries =
      "registries:\n  \"" + closed.host() + "\": {auth: {username: bot, password: {file: /password}}}\n";
  // What runs inside the build looks for it as well.
  const auto folder = source("looks", "FROM " + base().tag +
                                          "\nRUN cat /proc/*/cmdline /proc/*/environ 2>/dev/null | tr '\\0' "
                                          "'\\n' | grep hunter2-canar[y] || echo nothing found\n");
  CHECK_THAT(here.send("buildah: {context: " + folder + "}"), Catch::StartsWith("pushed sha256:"));
  CHECK(std::find(here.log.begin(), here.log.end(), "nothing found") != here.log.end());
  for (const auto& line : here.log)
    CHECK_THAT(line, !Contains("hunter2-canary"));
  here.files["/password"] = "wrong-canary";
  const auto error = here.failure("buildah: {context: " + folder + "}");
  CHECK(error.kind() == ErrorKind::unauthorized);
  CHECK_THAT(error.what(), !Contains("canary"));
  check_nothing_is_left();
}

TEST_CASE("a base or target that cannot be reached is tried again later") {
  auto here = bench();
  const auto folder = source("plain", "FROM " + base().tag + "\nRUN echo built > /built\n");
  RegistryProcess gone;
  here.image = gone.host() + "/team/app:latest";
  gone.stop();
  CHECK(here.failure("buildah: {context: " + folder + "}").kind() == ErrorKind::unavailable);
  here.base = gone.host() + "/base/box:1@" + base().promoted;
  CHECK(here.failure("buildah: {context: " + folder + "}").kind() == ErrorKind::unavailable);
  check_nothing_is_left();
}
