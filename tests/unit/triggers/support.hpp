#pragma once
// A trigger with a launcher that starts nothing and an HTTP client that opens no socket.

#include "core/error.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_launcher.hpp"
#include "support/parts.hpp"
#include "support/run.hpp"
#include "triggers/trigger.hpp"

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace sluice::test {

inline const std::string base_digest = "sha256:" + std::string(64, 'b');

/// Answers every request with the same.
class FakeHttp final : public net::Client {
 public:
  int status = 204;
  net::Headers headers;
  std::string body;
  std::vector<net::Request> requests;
  std::optional<Error> failure;  // thrown instead

  Task<std::unique_ptr<net::Response>> send(net::Request request) override {
    requests.push_back(std::move(request));
    if (failure) throw Error(*failure);
    co_return std::make_unique<Answer>(*this);
  }
  void close_idle() override {}

 private:
  class Answer final : public net::Response {
   public:
    explicit Answer(FakeHttp& http) : http_(http), rest_(http.body) {}
    int status() const override { return http_.status; }
    const net::Headers& headers() const override { return http_.headers; }
    const net::Url& url() const override { return http_.requests.back().url; }
    std::optional<std::uint64_t> content_length() const override { return std::nullopt; }
    Task<std::size_t> read(std::span<char> buffer) override {
      const auto size = std::min(buffer.size(), rest_.size());
      rest_.copy(buffer.data(), size);
      rest_.erase(0, size);
      co_return size;
    }

   private:
    FakeHttp& http_;
    std::string rest_;
  };
};

struct Bench {
  explicit Bench(FakeLauncher::Script script = [](const Command&) { return FakeLauncher::ended(0); })
      : launcher(std::move(script)) {}

  FakeLauncher launcher;
  FakeClock clock;
  FakeHttp http;
  std::vector<std::string> log;
  std::string more;                          // other top-level YAML
  std::map<std::string, std::string> files;  // secrets
  std::string base = "r.example.com/base/node:9@" + base_digest;

  config::Loaded parse(const std::string& text) const {
    return PartText{{.checks = {}, .triggers = triggers::table()}, more, files}.trigger(text);
  }
  triggers::Rebuild rebuild() const {
    return {.idempotency_key = "rebuild-ca1b",
            .run = "ca1b",
            .dependent = "app",
            .image = oci::Reference::parse("r.example.com/team/app:latest"),
            .base = oci::Reference::parse(base),
            .pipeline = "node",
            .promotion_run = "ca1a",
            .at = Time(std::chrono::seconds(1'700'000'000))};
  }
  static std::shared_ptr<const triggers::Trigger> trigger_of(const config::Loaded& loaded) {
    INFO(loaded.diagnostics.text());
    REQUIRE(loaded.config);
    auto trigger =
        std::dynamic_pointer_cast<const triggers::Trigger>(loaded.config->dependents.at(0).trigger);
    REQUIRE(trigger);
    return trigger;
  }
  bool is_free(const std::string& text) const { return trigger_of(parse(text))->is_free(rebuild()); }
  Task<std::string> start(const std::string& text) {
    const auto loaded = parse(text);
    triggers::Context context{.clock = clock,
                              .launcher = launcher,
                              .http = http,
                              .config = loaded.config,
                              .log = [this](std::string_view line) { log.emplace_back(line); }};
    return [](std::shared_ptr<const triggers::Trigger> asked, triggers::Rebuild request,
              triggers::Context given) -> Task<std::string> {
      std::string answer = co_await asked->send(std::move(request), std::move(given));
      co_return answer;
    }(trigger_of(loaded), rebuild(), std::move(context));
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
  std::string mistakes(const std::string& text) const {
    const auto loaded = parse(text);
    CHECK_FALSE(loaded.config);
    return loaded.diagnostics.text();
  }
};

}  // namespace sluice::test
