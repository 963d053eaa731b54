#pragma once
// Looks at upstreams when they are due and records what they name.

#include "core/signal.hpp"
#include "engine/engine.hpp"
#include "engine/freshness.hpp"
#include "engine/tag_sets.hpp"
#include "engine/task_group.hpp"
#include "engine/wall_watch.hpp"
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
  ~Poller();

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
  /// that a webhook caused, so that a flood costs little. `receipt` is what promised the look, at `received`.
  /// Of a set: its list of tags.
  void owe(const std::string& pipeline, std::int64_t receipt, Time received);
  /// The keys of the members of a set that are watched now.
  std::vector<std::string> members(const std::string& set) const { return list_.members(set); }
  /// What a look at this pipeline or member must look at: itself; the set when it is no member yet; nothing.
  std::optional<std::string> watch_for(const std::string& pipeline) const;
  /// Whether such a look has been promised and not begun.
  bool is_owed(const std::string& pipeline) const;
  /// Takes up the looks that an earlier process promised.
  Task<> take_up_owed();
  /// Forgets that nothing is left to do for this pipeline, or for the members of this set, so that the next
  /// poll asks the store again.
  void unsettle(const std::string& pipeline);

  const std::map<std::string, WatchStatus>& statuses() const { return list_.statuses(); }
  const std::map<std::string, SetStatus>& sets() const { return sets_.statuses(); }
  const Freshness& freshness() const { return freshness_; }
  Steady beat() const { return beat_; }

 private:
  using Id = WatchList::Id;
  struct Owed {
    std::int64_t receipt = 0;  // the newest
    Time since;                // when the first of them was received
    bool again = false;        // the look was made and found nothing new: only the second one is left
  };
  using Promises = std::map<std::string, Owed>;      // by pipeline
  using Kept = std::map<std::string, std::int64_t>;  // by pipeline, the newest receipt
  struct Looked {
    std::optional<Error> failure = {};
    std::set<std::string> changed = {};  // pipelines that have another digest now, or another list
    /// A registry that says "no such tag" did answer: its other tags need not wait.
    bool answered() const { return !failure || failure->kind() == ErrorKind::not_found; }
  };
  /// What a look that a reload put an end to has found out: nothing.
  static Looked overtaken();

  // poller.cpp: when, and what for
  void watch(std::string name, const WatchList::Question& question);
  void hurry_joined();
  void unwatch(const std::string& name);
  void forget_look(Id id);
  void heed_gates();
  Task<> look_on(Id first);
  Task<> look(Id id);
  Task<Looked> look_at_tag(Id id, Promises owed);
  Task<registry::Resolved> ask(Id id, oci::Repository repository, std::string tag, registry::Pace pace);
  std::optional<oci::Digest> known_to_all(Id id);
  Task<Looked> look_at_list(Id id, Promises owed);
  void end_look(Id id, const Looked& looked, bool is_made_again);
  void count_look(const std::string& registry, const Looked& looked, Steady::duration took);
  Task<> update_set(std::string name, std::shared_ptr<const std::vector<std::string>> tags,
                    std::optional<Time> told, Looked& looked);
  void sync_members(const config::Pipeline& set, const std::vector<std::string>& tags,
                    std::optional<Time> told);

  // poller_record.cpp: what became of it
  Task<> recall(Id id);
  Task<> record_answer(Id id, registry::Resolved resolved, Time began, Promises owed, Looked& looked);
  std::vector<std::string> note_unchanged(Id id, const oci::Digest& digest, Time began);
  Task<> note_refusal(Id id, Error failure, Time began);
  Task<> record(std::string name, Id id, registry::Resolved resolved, Freshness::Look look, Looked& looked);
  /// True when the digest is another one than before.
  Task<bool> record_seen(config::Pipeline pipeline, registry::Resolved resolved, Freshness::Look look);
  void note_answer(const std::string& name);
  void note_failure(const std::string& name, const Error& failure);
  Task<> note_missing(std::vector<std::string> names);
  Task<> record_withdrawn(std::string name, std::string what);
  Task<> write_last_seen();

  // poller_owed.cpp: looks that were promised
  Promises take_owed(Id id);
  void remember_owed(const std::string& pipeline, Owed owed);
  void hurry_owed(const Promises& owed);
  void note_kept(const Kept& kept);
  Task<> write_kept();

  // poller_times.cpp: after an interval, or at a time of the wall clock
  watch::Next next_look(Id id);  // after a good look
  void heed_clock(Steady now);

  World world_;
  registry::Client& registry_;
  Signal& new_jobs_;
  Signal& changes_;
  Signal wake_;
  watch::Scheduler scheduler_;
  TaskGroup looks_;
  std::shared_ptr<const config::Config> config_;
  std::uint64_t reloads_ = 0;
  WatchList list_;
  TagSets sets_;
  std::set<std::string> registries_;  // of all upstreams
  std::set<Id> joined_;               // looks that got another name and are not hurried for it yet
  Promises owed_;
  Kept kept_;  // not written off yet
  Steady kept_due_ = Steady::max();
  std::map<std::string, Steady> hurried_;   // when the last look that a webhook caused began
  std::map<std::string, Steady> relisted_;  // when a missing member last had the list of its set looked at
  Freshness freshness_;
  std::map<Id, Time> planned_;  // looks at the times of a cron
  WallWatch wall_;
  Steady beat_;
  Steady last_seen_due_;
  Steady waits_until_ = Steady::min();  // when the loop looks again by itself
  bool stopping_ = false;
};

}  // namespace sluice::engine
