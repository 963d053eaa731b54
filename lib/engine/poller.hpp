#pragma once
// Looks at upstreams when they are due and records what they name.

#include "core/signal.hpp"
#include "engine/engine.hpp"
#include "engine/freshness.hpp"
#include "engine/task_group.hpp"
#include "registry/client.hpp"
#include "watch/scheduler.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace sluice::engine {

class Poller {
 public:
  Poller(World world, registry::Client& registry, Signal& new_jobs, Signal& changes);

  /// Watches what the configuration says; pipelines that are gone are forgotten.
  void configure(std::shared_ptr<const config::Config> config);
  /// Polls until stop(); then waits for the looks in hand.
  Task<> run();
  void stop();
  /// Asks the upstream at once and records the answer as a manual look. Throws as registry::Client::resolve
  /// does.
  Task<registry::Resolved> look_now(std::string pipeline);
  /// A webhook says that something was pushed: the upstream is looked at now, or a second after the last look
  /// that a webhook caused, so that a flood costs little. `receipt` is what promised the look, at `received`.
  void owe(const std::string& pipeline, std::int64_t receipt, Time received);
  /// Whether such a look has been promised and not begun.
  bool is_owed(const std::string& pipeline) const;
  /// Takes up the looks that an earlier process promised.
  Task<> take_up_owed();
  /// Forgets that nothing is left to do for this pipeline, so that the next poll asks the store again.
  void unsettle(const std::string& pipeline);

  const std::map<std::string, WatchStatus>& statuses() const { return statuses_; }
  const Freshness& freshness() const { return freshness_; }
  Steady beat() const { return beat_; }

 private:
  struct Seen {
    oci::Digest digest;
    std::int64_t observation = 0;
    Time written;  // last_seen in the store
    bool settled = false;
  };
  struct Owed {
    std::int64_t receipt = 0;  // the newest
    Time since;                // when the first of them was received
    bool again = false;        // the look was made and found nothing new: only the second one is left
  };
  struct Looked {
    std::optional<Error> failure;
    bool changed = false;
    /// A registry that says "no such tag" did answer: its other tags need not wait.
    bool answered() const { return !failure || failure->kind() == ErrorKind::not_found; }
  };
  Task<> look(std::string pipeline);
  Task<Looked> look_once(config::Pipeline pipeline, std::optional<Time> told);
  /// True when the digest is another one than before.
  Task<bool> record_seen(config::Pipeline pipeline, registry::Resolved resolved, Freshness::Look look);
  std::optional<Owed> take_owed(const std::string& pipeline);
  void remember_owed(const std::string& pipeline, Owed owed);
  Task<> settle_owed(std::string pipeline, Owed owed);
  /// How far the wall clock is ahead of the steady one.
  std::chrono::microseconds wall_ahead() const;
  /// When to look again after a good look.
  watch::Next next_look(const config::Pipeline& pipeline);
  /// Times of the wall clock are reckoned again when that was set, or the machine slept.
  void heed_clock(Steady now);

  World world_;
  registry::Client& registry_;
  Signal& new_jobs_;
  Signal& changes_;
  Signal wake_;
  watch::Scheduler scheduler_;
  TaskGroup looks_;
  std::shared_ptr<const config::Config> config_;
  std::map<std::string, WatchStatus> statuses_;
  std::map<std::string, Seen> seen_;
  std::map<std::string, Owed> owed_;       // looks that were promised, by pipeline
  std::map<std::string, Steady> hurried_;  // when the last look that a webhook caused began
  Freshness freshness_;
  std::map<std::string, Time> planned_;     // of those with a cron
  std::chrono::microseconds wall_ahead_{};  // of the steady clock
  Steady beat_;
  bool stopping_ = false;
};

}  // namespace sluice::engine
