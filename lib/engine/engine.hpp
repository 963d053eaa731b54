#pragma once
// The composition of all rooms: polls upstreams, leases jobs, turns each result into an event of the state
// machine. Event-loop thread only.

#include "config/config.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/launcher.hpp"
#include "core/random.hpp"
#include "core/workers.hpp"
#include "net/client.hpp"
#include "net/server.hpp"
#include "oci/digest.hpp"
#include "registry/registry_status.hpp"
#include "registry/surroundings.hpp"
#include "store/store.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::engine {

/// Everything of the outside world that the engine may touch.
struct World {
  Clock& clock;
  Random& random;
  Workers& workers;
  Launcher& launcher;
  net::Client& http;
  store::Store& store;
  /// Where credentials of registries may be looked for.
  registry::Surroundings surroundings = {};
};

/// What is known of one watched upstream since the start; the rest is in the store.
struct WatchStatus {
  std::optional<Time> last_look;               // last time the registry answered
  std::optional<oci::Digest> digest;           // what it answered
  std::string error;                           // of the last look, empty when it succeeded
  ErrorKind error_kind = ErrorKind::internal;  // of that error
  std::optional<Time> failing_since;
};

/// What is known of a set of tags since its list was last looked at.
struct SetStatus {
  std::size_t members = 0;  // tags that are watched
  std::size_t matched = 0;  // tags that its rules accept
  std::string note;  // which of them are not watched, and what to do; empty when there is nothing to say
};

/// What a sender of webhooks did since the start.
struct HookStatus {
  std::string sender;            // "dockerhub"
  std::uint64_t accepted = 0;    // concerned a pipeline
  std::uint64_t duplicates = 0;  // known, or promising a look that was promised already
  std::uint64_t ignored = 0;     // well formed, but concerned no pipeline
  std::uint64_t unknown_repositories = 0;
  std::map<std::string, std::uint64_t> refused;  // by reason
  std::optional<Time> last;                      // answered 2xx
  std::optional<Time> last_refused;
  std::string last_unknown;  // a repository that no pipeline watches
};

class Freshness;
struct Overview;

class Engine {
 public:
  Engine(World world, std::shared_ptr<const config::Config> config);
  ~Engine();

  /// Takes up what an earlier process left, then polls and works until stop(). Returns after the drain.
  Task<> run();
  /// No new work; jobs in hand may end within config.drain, then are cancelled (their jobs stay in the
  /// store).
  void stop();
  /// After stop(): cancels the jobs in hand at once instead of waiting for them; they stay in the store.
  void cancel_jobs();
  /// Uses a new configuration from now on: new pipelines are watched, runs of removed ones end as cancelled
  /// before their promotion.
  Task<> reload(std::shared_ptr<const config::Config> config);
  std::shared_ptr<const config::Config> config() const;

  // Each of these takes the name of a pipeline or the key of a member ("node:20.1"), also of one that is
  // withdrawn. A set as a whole can be held and resumed; the others throw invalid for it.

  /// Looks at the upstream now and starts a run for what it names, even if that digest was seen or rejected
  /// before. Throws not_found for an unknown pipeline, not_found when the upstream has no such tag,
  /// unavailable and so on.
  Task<RunId> start_run(std::string pipeline, std::string who);
  /// False when it was held already (nothing changes). Throws not_found for an unknown pipeline.
  Task<bool> hold(std::string pipeline, std::string reason, std::string who);
  /// False when it was not held.
  Task<bool> resume(std::string pipeline, std::string who);
  struct Rollback {
    RunId run;
    bool changed = true;  // false: the stable tag is seen to name that digest and the pipeline is held
    oci::Digest digest;
  };
  /// `to` is a run id, a digest, or empty for the promotion before what the stable tag names as far as we
  /// know: before the present one, or the present one when somebody else is known to have moved the tag
  /// since. Holds the pipeline, promotes the earlier digest again and has the dependents rebuilt. Throws
  /// not_found when it was never promoted.
  Task<Rollback> rollback(std::string pipeline, std::string to, std::string who);
  /// Cancels a run before its promotion; false when it cannot be cancelled any more.
  Task<bool> cancel(RunId run, std::string who);

  /// By name of the pipeline or key of the member; of a set: of its list of tags.
  const std::map<std::string, WatchStatus>& watches() const;
  /// How the registries fare that were asked since the start, by name.
  std::vector<registry::RegistryStatus> registries() const;
  /// By name; a set whose list was not looked at yet is missing.
  const std::map<std::string, SetStatus>& sets() const;
  /// Answers what is sent to the listener of webhooks.
  net::Handler webhook_handler();
  const std::map<std::string, HookStatus>& hooks() const;
  /// The watches counted by registry and by set. Others go on meanwhile, however many watches there are; one
  /// that came or went meanwhile is counted or not.
  Task<Overview> overview() const;
  /// How fresh what is known of each watch is, and how well the registries keep up.
  const Freshness& freshness() const;
  /// Grows with each change of a run or its log; waiters of wait_change() wake up. For long polls.
  std::uint64_t changes() const;
  /// Returns when changes() > seen or `timeout` passed.
  Task<> wait_change(std::uint64_t seen, Milliseconds timeout);
  /// Proof of life for the watchdog: steady time of the last finished round of each loop (poller, job loop).
  std::vector<std::pair<std::string, Steady>> heartbeats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::engine
