#pragma once
// The receiver of a whole engine on a real listener, in a world whose clock and outside tests decide.

#include "core/launcher.hpp"
#include "core/random.hpp"
#include "core/workers.hpp"
#include "engine/engine.hpp"
#include "net/http.hpp"
#include "net/server.hpp"
#include "store/store.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::test {

/// What the outside answers, by URL; everything else cannot be reached.
class Outside final : public net::Client {
 public:
  std::map<std::string, std::string> documents;
  std::vector<std::string> asked;
  Task<std::unique_ptr<net::Response>> send(net::Request request) override;
  void close_idle() override {}
};

/// The system's clock, moved by what a test says.
class ShiftedClock final : public Clock {
 public:
  Time now() const override { return clock_.now() + shift; }
  Steady steady() const override { return clock_.steady(); }
  Task<> sleep_until(Steady at) override { return clock_.sleep_until(at); }
  std::chrono::microseconds shift{0};

 private:
  SystemClock clock_;
};

struct HookAnswer {
  int status = 0;
  net::Headers headers;
  std::string body;
};

class HookBench {
 public:
  /// `config` is YAML; its secrets are variables.
  HookBench(const std::string& config, std::map<std::string, std::string> secrets);
  ~HookBench();

  /// Runs `story` while the listener serves. The engine itself does not run: what it would do shows in the
  /// store.
  void play(std::function<Task<>()> story);
  /// A request over a connection of its own.
  Task<HookAnswer> send(std::string method, std::string target, net::Headers headers, std::string body);
  Task<HookAnswer> post(std::string target, net::Headers headers, std::string body) {
    return send("POST", std::move(target), std::move(headers), std::move(body));
  }
  /// Pipelines whose look is owed, as the store has it.
  Task<std::vector<std::string>> owed();
  /// Takes the looks as made.
  Task<> settle();
  /// Forgets every receipt, as after two days; how many there were.
  Task<int> forget_receipts();

  std::filesystem::path folder;
  ShiftedClock clock;
  SeededRandom random{1};
  Workers workers{1};
  SystemLauncher launcher{clock};
  Outside outside;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<engine::Engine> engine;
  std::uint16_t port = 0;

 private:
  std::unique_ptr<net::Client> client_;
};

}  // namespace sluice::test
