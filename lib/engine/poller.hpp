#pragma once
// Looks at upstreams when they are due and records what they name.

#include "core/signal.hpp"
#include "engine/engine.hpp"
#include "engine/tag_sets.hpp"
#include "engine/task_group.hpp"
#include "engine/watch_list.hpp"
#include "registry/client.hpp"
#include "watch/scheduler.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::engine {

class Poller {
 public:
  Poller(World world, registry::Client& registry, Signal& new_jobs, Signal& changes);

  /// Watches what the configuration says; pipelines that are gone are forgotten.
  void configure(std::shared_ptr<const config::Config> config);
  /// Watches the members that the store knows of sets, so that a start needs no list of tags first.
  Task<> take_up_members();
  /// Polls until stop(); then waits for the looks in hand, and writes when what was seen last.
  Task<> run();
  void stop();
  /// Asks the upstream at once and records the answer as a manual look. Throws as registry::Client::look
  /// does.
  Task<registry::Resolved> look_now(std::string pipeline);
  /// A webhook says that something was pushed: the upstream is looked at now, or a second after the last look
  /// that a webhook caused, so that a flood costs little. `receipt` is what promised the look. Of a set: its
  /// list of tags.
  void owe(const std::string& pipeline, std::int64_t receipt);
  /// The members of a set are looked at now.
  void hurry_members(const std::string& set);
  /// What a look at this pipeline or member must look at: itself; the set when it is no member yet; nothing.
  std::optional<std::string> watch_for(const std::string& pipeline) const;
  /// Whether such a look has been promised and not begun.
  bool is_owed(const std::string& pipeline) const { return owed_.contains(pipeline); }
  /// Takes up the looks that an earlier process promised.
  Task<> take_up_owed();
  /// Forgets that nothing is left to do for this pipeline, or for the members of this set, so that the next
  /// poll asks the store again.
  void unsettle(const std::string& pipeline);

  const std::map<std::string, WatchStatus>& statuses() const { return list_.statuses(); }
  const std::map<std::string, SetStatus>& sets() const { return sets_.statuses(); }
  Steady beat() const { return beat_; }

 private:
  using Id = WatchList::Id;
  using Owed = std::vector<std::pair<std::string, std::int64_t>>;  // pipeline and receipt

  // poller.cpp: when, and what for
  void watch(std::string name, const WatchList::Question& question);
  void hurry_joined();
  void unwatch(const std::string& name);
  Task<> look_on(Id first);
  Task<> look(Id id);
  Task<std::optional<Error>> look_at_tag(Id id, const Owed& owed);
  Task<std::optional<Error>> look_at_list(Id id, const Owed& owed);
  Task<std::optional<Error>> update_set(std::string name,
                                        std::shared_ptr<const std::vector<std::string>> tags,
                                        bool by_webhook);
  void sync_members(const config::Pipeline& set, const std::vector<std::string>& tags, bool by_webhook);

  // poller_record.cpp: what became of it
  Task<std::optional<Error>> record(std::string name, Id look, registry::Resolved resolved, bool by_webhook);
  Task<> record_seen(config::Pipeline pipeline, registry::Resolved resolved, bool by_webhook);
  void note_answer(const std::string& name);
  void note_failure(const std::string& name, const Error& failure);
  Task<> note_missing(std::vector<std::string> names);
  Task<> record_withdrawn(std::string name, std::string what);
  Task<> write_last_seen();

  // poller_owed.cpp: looks that were promised
  Owed take_owed(Id id);
  Task<> settle_owed(Owed owed, bool answered);

  World world_;
  registry::Client& registry_;
  Signal& new_jobs_;
  Signal& changes_;
  Signal wake_;
  watch::Scheduler scheduler_;
  TaskGroup looks_;
  std::shared_ptr<const config::Config> config_;
  WatchList list_;
  TagSets sets_;
  std::set<Id> joined_;                       // looks that got another name and are not hurried for it yet
  std::map<std::string, std::int64_t> owed_;  // newest receipt of looks that were promised, by pipeline
  std::map<std::string, Steady> hurried_;     // when the last look that a webhook caused began
  std::map<std::string, Steady> relisted_;    // when a missing member last had the list of its set looked at
  Steady beat_;
  Steady last_seen_due_;
  Steady waits_until_ = Steady::min();  // when the loop looks again by itself
  bool stopping_ = false;
};

}  // namespace sluice::engine
