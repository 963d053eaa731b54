#include "unit/config/support.hpp"

using namespace sluice::config;
using namespace sluice::config::test;
using Catch::Contains;

namespace {

std::string with_password(const std::string& password) {
  return "registries:\n  r.example.com:\n    auth: {username: bot, password: " + password + "}\n";
}

std::string password(const std::string& reference) {
  return std::string(good(with_password(reference))->registry("r.example.com").password.reveal());
}

}  // namespace

TEST_CASE("a secret comes from a file, the environment, a credential or a command, without its line end") {
  CHECK(password("{file: /secret}") == "from-file");
  CHECK(password("{env: TOKEN}") == "from-environment");
  CHECK(password("{credential: hub}") == "from-credential");
  CHECK(password("{command: [pass, show, hub]}") == "from-command");
}

TEST_CASE("D11: a secret in the file itself is refused with advice and not shown") {
  for (const auto* inline_secret : {"hunter2", "[hunter2]", "{hunter2}", "{hunter2: x}", "{value: hunter2}",
                                    "{file: [hunter2]}", "{env: {hunter2: 1}}", "'{hunter2'"}) {
    const auto told = wrong(with_password(inline_secret));
    CHECK_THAT(told, !Contains("hunter2"));
    CHECK_THAT(told, Contains("sluice.yaml:3:"));
    CHECK_THAT(
        told,
        Contains("use {file: PATH}, {env: NAME}, {credential: NAME} or {command: [PROGRAM, ARGUMENT]}"));
  }
}

TEST_CASE("what cannot be read now may pass, what is written wrongly does not") {
  const auto may_pass = [](const std::string& password) {
    return parsed(with_password(password)).diagnostics.may_pass();
  };
  CHECK(may_pass("{file: /missing}"));
  CHECK_FALSE(may_pass("{file: missing}"));
  CHECK_FALSE(may_pass("{env: NOT_SET}"));
  CHECK_FALSE(Diagnostics{}.may_pass());
}

TEST_CASE("a secret that cannot be read is told with the reason") {
  CHECK_THAT(wrong(with_password("{file: /missing}")),
             Contains("the secret file '/missing' cannot be read: no such file"));
  CHECK_THAT(wrong(with_password("{file: secret}")), Contains("must begin with '/'"));
  CHECK_THAT(wrong(with_password("{env: NOPE}")), Contains("the environment variable 'NOPE' is not set"));
  CHECK_THAT(wrong(with_password("{credential: nope}")), Contains("the credential 'nope' cannot be read"));
  CHECK_THAT(wrong(with_password("{command: [false]}")),
             Contains("the command of the secret failed: exit code 1"));
  CHECK_THAT(wrong(with_password("{command: []}")), Contains("is empty"));
  CHECK_THAT(wrong(with_password("{file: /empty}")), Contains("the secret is empty"));
}

TEST_CASE("D9: a credential is a plain name, not a path") {
  for (const auto* name : {"../etc/passwd", "a/b", "..", "''"})
    CHECK_FALSE(parsed(with_password("{credential: " + std::string(name) + "}")).diagnostics.ok());
}

TEST_CASE("a secret has one source") {
  CHECK_THAT(wrong(with_password("{env: TOKEN, file: /secret}")), Contains("in one way"));
  CHECK_THAT(wrong(with_password("{}")), Contains("in one way"));
}

TEST_CASE("a missing password is told") {
  CHECK_THAT(wrong("registries: {r.example.com: {auth: {username: bot}}}"),
             Contains("'password' is missing"));
}

TEST_CASE("credentials without a service manager say what is missing") {
  auto sources = fake_secrets();
  sources.credentials_directory.clear();
  const auto loaded = parse(with_password("{credential: hub}"), "sluice.yaml", fake_parts(), sources);
  CHECK_THAT(loaded.diagnostics.text(), Contains("$CREDENTIALS_DIRECTORY is not set"));
}

TEST_CASE("sources that are not given refuse, and do not crash") {
  for (const auto* reference : {"{file: /secret}", "{env: TOKEN}", "{command: [pass]}", "{credential: hub}"})
    CHECK_FALSE(parse(with_password(reference), "sluice.yaml", fake_parts(), {}).diagnostics.ok());
}
