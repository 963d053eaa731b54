#include "registry/credential_helper.hpp"

#include "core/error.hpp"
#include "support/fake_launcher.hpp"
#include "support/run.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::registry;
using namespace sluice::test;
using Catch::Contains;

namespace {

std::optional<Credentials> get(FakeLauncher& launcher, std::vector<std::string> servers) {
  return run([&]() -> Task<std::optional<Credentials>> {
    CredentialHelper helper(launcher, "pass", {{"GNUPGHOME", "/gpg"}});
    co_return co_await helper.get(servers);
  });
}

ProcessResult not_found() {
  return FakeLauncher::ended(1, "credentials not found in native keychain\n");
}

}  // namespace

TEST_CASE("a helper is run without a shell, the server on its standard input") {
  FakeLauncher launcher([](const Command&) {
    return FakeLauncher::ended(0, R"({"ServerURL":"r.example","Username":"me","Secret":"canary"})");
  });
  CHECK(get(launcher, {"r.example"}) == Credentials{"me", Secret("canary")});
  REQUIRE(launcher.commands.size() == 1);
  const auto& command = launcher.commands.front();
  CHECK(command.argv == std::vector<std::string>{"docker-credential-pass", "get"});
  CHECK(command.input == "r.example");
  CHECK(command.separate_output);
  CHECK(command.timeout <= std::chrono::minutes(1));
  CHECK(variable(command, "GNUPGHOME") == "/gpg");
}

TEST_CASE("what a helper does not know is absent, and the next name is tried") {
  FakeLauncher none([](const Command&) { return not_found(); });
  CHECK(get(none, {"a", "b"}) == std::nullopt);
  CHECK(none.commands.size() == 2);

  FakeLauncher second([](const Command& command) {
    return command.input == "b" ? FakeLauncher::ended(0, R"({"Username":"<token>","Secret":"refresh"})")
                                : not_found();
  });
  const auto found = get(second, {"a", "b", "c"});
  REQUIRE(found);
  CHECK(found->identity_token == Secret("refresh"));
  CHECK(found->username.empty());
  CHECK(second.commands.size() == 2);
}

TEST_CASE("D11: what a failing helper printed is not shown") {
  std::vector<std::pair<ProcessResult, ErrorKind>> cases{
      {FakeLauncher::ended(1, "canary"), ErrorKind::unavailable},
      {FakeLauncher::ended(0, "canary"), ErrorKind::corrupt},
      {FakeLauncher::ended(0, R"({"Username":"canary"})"), ErrorKind::corrupt},
      {FakeLauncher::ended(0, R"({"Username":"a","Secret":"canary)"), ErrorKind::corrupt},
  };
  ProcessResult slow = FakeLauncher::ended(-1, "canary");
  slow.timed_out = true;
  cases.emplace_back(slow, ErrorKind::timeout);
  ProcessResult much = FakeLauncher::ended(0, R"({"Username":"a","Secret":"canary"})");
  much.truncated = true;
  cases.emplace_back(much, ErrorKind::corrupt);
  for (const auto& [result, kind] : cases) {
    try {
      read_helper_answer("pass", result);
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.kind() == kind);
      CHECK_THAT(error.what(), Contains("docker-credential-pass") && !Contains("canary"));
    }
  }
}

TEST_CASE("the name of a helper cannot lead elsewhere") {
  for (const std::string name : {"", "../x", "a/b", "a b", "a;b", ".x", "-x", "a\n", "é"})
    CHECK_FALSE(is_helper_name(name));
  for (const std::string name : {"pass", "ecr-login", "osxkeychain", "wincred.exe", "a_b"})
    CHECK(is_helper_name(name));
}

TEST_CASE("a helper that is not installed is told with what to do") {
  FakeLauncher launcher(
      [](const Command&) -> ProcessResult { throw Error(ErrorKind::not_found, "no program"); });
  try {
    get(launcher, {"r.example"});
    FAIL("found");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid);
    CHECK_THAT(error.what(), Contains("docker-credential-pass in PATH"));
  }
}

TEST_CASE("a helper stores and erases") {
  FakeLauncher launcher;
  run([&]() -> Task<> {
    CredentialHelper helper(launcher, "pass", {});
    Credentials credentials{"me", Secret("s\"ecret")};
    co_await helper.store("r.example", credentials);
    co_await helper.erase("r.example");
  });
  REQUIRE(launcher.commands.size() == 2);
  CHECK(launcher.commands[0].argv.back() == "store");
  CHECK(launcher.commands[0].input == R"({"Secret":"s\"ecret","ServerURL":"r.example","Username":"me"})");
  CHECK(launcher.commands[1].argv.back() == "erase");
  CHECK(launcher.commands[1].input == "r.example");
}
