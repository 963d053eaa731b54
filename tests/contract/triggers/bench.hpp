#pragma once
// A trigger with real processes and sockets.

#include "core/error.hpp"
#include "support/parts.hpp"
#include "support/run.hpp"
#include "triggers/trigger.hpp"

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace sluice::test {

struct TriggerBench {
  std::string tools{};                         // YAML
  std::string registries{};                    // YAML
  std::map<std::string, std::string> files{};  // secrets
  std::string image = "r.example.com/team/app:latest";
  std::string base = "r.example.com/base/node:9@sha256:" + std::string(64, 'b');
  std::string key = "rebuild-ca1b";
  static inline SystemClock clock{};
  SystemLauncher launcher{clock};
  std::unique_ptr<Workers> workers = std::make_unique<Workers>(1);
  std::vector<std::string> log{};
  std::function<void(std::string_view)> on_log{};

  Task<std::string> start(const std::string& text) {
    const PartText parts{{.checks = {}, .triggers = triggers::table()}, tools + registries, files};
    const auto loaded = parts.trigger(text);
    INFO(loaded.diagnostics.text());
    REQUIRE(loaded.config);
    const auto trigger =
        std::dynamic_pointer_cast<const triggers::Trigger>(loaded.config->dependents.at(0).trigger);
    triggers::Rebuild rebuild{.idempotency_key = key,
                              .run = "ca1b",
                              .dependent = "app",
                              .image = oci::Reference::parse(image),
                              .base = oci::Reference::parse(base),
                              .pipeline = "node",
                              .promotion_run = "ca1a",
                              .at = Time(std::chrono::seconds(1'700'000'000))};
    return
        [](TriggerBench& bench, std::shared_ptr<const config::Config> config,
           std::shared_ptr<const triggers::Trigger> asked, triggers::Rebuild request) -> Task<std::string> {
          const auto http = net::make_client(bench.clock, *bench.workers);
          triggers::Context context{.clock = bench.clock,
                                    .launcher = bench.launcher,
                                    .http = *http,
                                    .config = config,
                                    .log = [&bench](std::string_view line) {
                                      bench.log.emplace_back(line);
                                      if (bench.on_log) bench.on_log(line);
                                    }};
          std::string answer = co_await asked->send(std::move(request), std::move(context));
          co_return answer;
        }(*this, loaded.config, trigger, std::move(rebuild));
  }
  std::string send(const std::string& text) {
    return test::run([&] { return start(text); });
  }
  Error failure(const std::string& text) {
    try {
      send(text);
    } catch (const Error& error) {
      return error;
    }
    FAIL("no error where one is due");
    throw;
  }
};

}  // namespace sluice::test
