#pragma once
// A whole engine on registries in memory, a real store in a temporary folder and a check and a trigger that
// tests decide.

#include "core/launcher.hpp"
#include "core/random.hpp"
#include "core/workers.hpp"
#include "engine/engine.hpp"
#include "memory_registry.hpp"
#include "store/store.hpp"
#include "triggers/git_source.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace sluice::test {

inline const std::string upstream = "up.example/library/node";
inline const std::string staging = "central.example/staging/node";
inline const std::string target = "central.example/base/node";
inline const std::string hello = "dev.example/team/hello";

/// What the check says and what the trigger does; shared with the parts of the configuration.
struct Script {
  std::function<bool(const oci::Digest&)> good = [](const oci::Digest&) { return true; };
  /// Called for each rebuild request with its key, base digest and image; may throw Error.
  std::function<void(const std::string& key, const oci::Digest& base, const std::string& image)> build;
  /// Awaited, when set, before the check or the trigger does anything.
  std::function<Task<>()> check_waits, build_waits;
  /// Whether what the trigger needs is free; asked before each request.
  std::function<bool()> is_free = [] { return true; };
  /// Lines that the trigger writes for each request.
  int chatter = 0;
  /// What the trigger builds from itself.
  std::optional<triggers::GitSource> source;
  std::vector<std::string> keys;
  /// User and password of the staging registry as a check sees them.
  std::string login_of_staging;
};

/// The machine's clocks, which a test may set. What sleeps is not woken by that: Engine::reload() wakes the
/// poller.
class ShiftedClock final : public Clock {
 public:
  Time now() const override { return real_.now() + wall_; }
  Steady steady() const override { return real_.steady() + steady_; }
  Task<> sleep_until(Steady at) override { return real_.sleep_until(at - steady_); }
  /// Sets the wall clock, as an administrator does.
  void set(std::chrono::seconds by) { wall_ += by; }
  /// Lets time pass.
  void pass(std::chrono::seconds time) {
    wall_ += time;
    steady_ += time;
  }

 private:
  SystemClock real_;
  std::chrono::seconds wall_{}, steady_{};
};

class Scene {
 public:
  Scene();
  ~Scene();

  /// One pipeline `node` with one check; `dependents`: the image `hello` is built on the target.
  std::shared_ptr<config::Config> configuration(bool with_dependent = false);

  /// Runs the engine beside `story` and stops it when the story ends.
  void play(std::shared_ptr<const config::Config> config, std::function<Task<>(engine::Engine&)> story);
  /// Waits until `condition` holds (asked after each change).
  Task<> until(engine::Engine& engine, std::string what, std::function<bool(store::Tables&)> condition);
  /// Waits until the newest run of the digest has this status; the run.
  Task<store::Run> until_run(engine::Engine& engine, oci::Digest digest, std::string status);
  /// The same of another pipeline than `node`.
  Task<store::Run> until_run_of(engine::Engine& engine, std::string pipeline, oci::Digest digest,
                                std::string status);

  /// Waits until the newest run of the digest is promoting and that failed at least so often.
  Task<store::Run> until_retried(engine::Engine& engine, oci::Digest digest, int failures = 1);

  template <class F>
  auto read(F query) {
    return store->read(std::move(query));
  }

  std::filesystem::path folder;
  ShiftedClock clock;
  SeededRandom random{1};
  Workers workers{1};
  SystemLauncher launcher{clock};
  MemoryRegistries registries;
  registry::Surroundings surroundings;
  std::shared_ptr<Script> script = std::make_shared<Script>();
  std::unique_ptr<store::Store> store;
};

/// A scene with two images, of which the tag of the upstream names the first.
struct TwoImages : Scene {
  explicit TwoImages(const std::string& tag = "9") { registries.push(upstream, tag, first); }
  const Picture first = picture({"first"});
  const Picture second = picture({"second"});
};

}  // namespace sluice::test
