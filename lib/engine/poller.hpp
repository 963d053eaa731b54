#pragma once
// Looks at upstreams when they are due and records what they name.

#include "core/signal.hpp"
#include "engine/engine.hpp"
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
  /// Asks the upstream at once and records the answer as a manual look. Throws as registry::Client::look
  /// does.
  Task<registry::Resolved> look_now(std::string pipeline);
  /// A webhook says that something was pushed: the upstream is looked at now, or a second after the last look
  /// that a webhook caused, so that a flood costs little. `receipt` is what promised the look.
  void owe(const std::string& pipeline, std::int64_t receipt);
  /// Whether such a look has been promised and not begun.
  bool is_owed(const std::string& pipeline) const { return owed_.contains(pipeline); }
  /// Takes up the looks that an earlier process promised.
  Task<> take_up_owed();
  /// Forgets that nothing is left to do for this pipeline, so that the next poll asks the store again.
  void unsettle(const std::string& pipeline);

  const std::map<std::string, WatchStatus>& statuses() const { return statuses_; }
  Steady beat() const { return beat_; }

 private:
  struct Seen {
    oci::Digest digest;
    std::int64_t observation = 0;
    Time written;  // last_seen in the store
    bool settled = false;
  };
  Task<> look(std::string pipeline);
  Task<std::optional<Error>> look_once(config::Pipeline pipeline, bool by_webhook);
  Task<> record_seen(config::Pipeline pipeline, registry::Resolved resolved, bool by_webhook);
  std::optional<std::int64_t> take_owed(const std::string& pipeline);
  Task<> settle_owed(std::string pipeline, std::int64_t receipt, bool answered);

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
  std::map<std::string, std::int64_t> owed_;  // newest receipt of looks that were promised, by pipeline
  std::map<std::string, Steady> hurried_;     // when the last look that a webhook caused began
  Steady beat_;
  bool stopping_ = false;
};

}  // namespace sluice::engine
