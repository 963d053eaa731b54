#pragma once
// A check with real processes.

#include "checks/check.hpp"
#include "core/error.hpp"
#include "support/container_tools.hpp"
#include "support/parts.hpp"
#include "support/run.hpp"

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace sluice::test {

struct CheckBench {
  std::string tools{};                         // YAML
  std::string registries{};                    // YAML
  std::map<std::string, std::string> files{};  // secrets
  static inline SystemClock clock{};
  SystemLauncher launcher{clock};
  std::vector<std::string> log{};
  std::function<void(std::string_view)> on_log{};

  Task<checks::Outcome> start(const std::string& image, const std::string& text) {
    const PartText parts{{.checks = checks::table(), .triggers = {}}, tools + registries, files};
    const auto loaded = parts.check(text);
    INFO(loaded.diagnostics.text());
    REQUIRE(loaded.config);
    const auto check =
        std::dynamic_pointer_cast<const checks::Check>(loaded.config->pipelines.at(0).checks.at(0).part);
    checks::Context context{.clock = clock,
                            .launcher = launcher,
                            .image = oci::Reference::parse(image),
                            .platform = oci::Platform::host(),
                            .config = loaded.config,
                            .pipeline = "node",
                            .run = "ca1a",
                            .log = [this](std::string_view line) {
                              log.emplace_back(line);
                              if (on_log) on_log(line);
                            }};
    return [](std::shared_ptr<const checks::Check> judge, checks::Context given) -> Task<checks::Outcome> {
      checks::Outcome outcome = co_await judge->run(std::move(given));
      co_return outcome;
    }(check, std::move(context));
  }
  checks::Outcome run(const std::string& image, const std::string& text) {
    return test::run([&] { return start(image, text); });
  }
  Error failure(const std::string& image, const std::string& text) {
    try {
      run(image, text);
    } catch (const Error& error) {
      return error;
    }
    FAIL("no error where one is due");
    throw;
  }
};

}  // namespace sluice::test
