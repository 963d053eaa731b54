#pragma once
// A check on an image that does not exist, with a launcher that starts nothing.

#include "checks/check.hpp"
#include "core/error.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_launcher.hpp"
#include "support/parts.hpp"
#include "support/run.hpp"

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace sluice::test {

inline const std::string some_digest = "sha256:" + std::string(64, 'a');

struct Bench {
  explicit Bench(FakeLauncher::Script script = [](const Command&) { return FakeLauncher::ended(0); })
      : launcher(std::move(script)) {}

  FakeLauncher launcher;
  FakeClock clock;
  std::vector<std::string> log;
  std::string more;                          // other top-level YAML
  std::map<std::string, std::string> files;  // secrets
  std::string image = "r.example.com/staging/node@" + some_digest;

  config::Loaded parse(const std::string& text) const {
    return PartText{{.checks = checks::table(), .triggers = {}}, more, files}.check(text);
  }
  Task<checks::Outcome> start(const std::string& text) {
    const auto loaded = parse(text);
    INFO(loaded.diagnostics.text());
    REQUIRE(loaded.config);
    const auto check =
        std::dynamic_pointer_cast<const checks::Check>(loaded.config->pipelines[0].checks[0].part);
    REQUIRE(check);
    checks::Context context{.clock = clock,
                            .launcher = launcher,
                            .image = oci::Reference::parse(image),
                            .platform = oci::Platform::parse("linux/amd64"),
                            .config = loaded.config,
                            .pipeline = "node",
                            .run = "ca1a",
                            .log = [this](std::string_view line) { log.emplace_back(line); }};
    return [](std::shared_ptr<const checks::Check> judge, checks::Context given) -> Task<checks::Outcome> {
      checks::Outcome outcome = co_await judge->run(std::move(given));
      co_return outcome;
    }(check, std::move(context));
  }
  checks::Outcome run(const std::string& text) {
    return test::run([&] { return start(text); });
  }
  Error failure(const std::string& text) {
    try {
      run(text);
    } catch (const Error& error) {
      return error;
    }
    FAIL("no error where one is due");
    throw;
  }
  std::string mistakes(const std::string& text) const {
    const auto loaded = parse(text);
    CHECK_FALSE(loaded.config);
    return loaded.diagnostics.text();
  }
};

}  // namespace sluice::test
