#pragma once
// One small class per table group. Objects live only inside Store::read and Store::write.

#include "store/rows.hpp"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::store {

class Connection;  // private to the room

class Observations {
 public:
  explicit Observations(Connection& db) : db_(db) {}
  std::optional<Observation> latest(const std::string& pipeline) const;
  /// Appends a new digest; the row's id.
  std::int64_t append(const Observation& row);
  /// Moves last_seen of the latest row forward (unchanged digest). Batched by the caller: not for each poll.
  void touch(std::int64_t id, Time last_seen);
  void set_run(std::int64_t id, RunId run);
  /// Newest first.
  std::vector<Observation> history(const std::string& pipeline, int limit) const;
  /// What the tag pointed to at `at`: the newest row with first_seen <= at.
  std::optional<Observation> at(const std::string& pipeline, Time at) const;

 private:
  Connection& db_;
};

class Runs {
 public:
  explicit Runs(Connection& db) : db_(db) {}
  /// Takes the next number; the id in `row` is ignored.
  RunId insert(const Run& row);
  void update(const Run& row);
  std::optional<Run> find(RunId id) const;
  std::vector<Run> list(const RunFilter& filter) const;  // newest first
  /// Runs of a pipeline that are not final (by ended being null), oldest first.
  std::vector<Run> open(const std::string& pipeline) const;
  /// The same of all members of a set (pipelines "<set>:<tag>").
  std::vector<Run> open_of_members(const std::string& set) const;
  /// Runs of every pipeline and kind that are not final, oldest first.
  std::vector<Run> all_open() const;
  /// How many runs of this pipeline, or of those members of this set that have no hold of their own, are not
  /// final and have a `waiting_for` that begins so.
  int count_waiting(const std::string& name, const std::string& so) const;
  /// The newest pipeline run of this digest in this pipeline, any state.
  std::optional<Run> latest_of(const std::string& pipeline, const oci::Digest& digest) const;
  /// How many of these, from the newest back, are in this state; `most` are looked at.
  int latest_in_state(const std::string& pipeline, const oci::Digest& digest, const std::string& state,
                      int most) const;
  /// By status; costs the same however many runs there are.
  std::vector<RunCount> counts() const;

 private:
  Connection& db_;
};

class RunLog {
 public:
  explicit RunLog(Connection& db) : db_(db) {}
  void append(RunId run, Time at, const std::string& step, const std::string& text);
  /// Leaves the newest lines of a step; how many went.
  int trim(RunId run, const std::string& step, int most);
  /// Lines with id > after, oldest first.
  std::vector<LogLine> read(RunId run, std::int64_t after, int limit) const;
  void begin_step(RunId run, const std::string& name, Time at);  // a repeat starts the step's time again
  void end_step(RunId run, const std::string& name, const std::string& result, const std::string& detail,
                Time at);
  std::vector<StepRow> steps(RunId run) const;

 private:
  Connection& db_;
};

class Promotions {
 public:
  explicit Promotions(Connection& db) : db_(db) {}
  /// Idempotent by run: a second insert for the same run changes nothing and returns the first id.
  std::int64_t insert(const Promotion& row);
  std::optional<Promotion> latest(const std::string& target, const std::string& stable_tag) const;
  std::optional<Promotion> of_run(RunId run) const;
  std::vector<Promotion> history(const std::string& pipeline, int limit) const;  // newest first
  /// What was promoted last at `at`.
  std::optional<Promotion> at(const std::string& pipeline, Time at) const;
  /// Was this digest ever promoted by this pipeline? The newest such row.
  std::optional<Promotion> of_digest(const std::string& pipeline, const oci::Digest& digest) const;

 private:
  Connection& db_;
};

class Holds {
 public:
  explicit Holds(Connection& db) : db_(db) {}
  std::optional<Hold> active(const std::string& pipeline) const;
  std::vector<Hold> all() const;
  /// The hold of a pipeline, or of the set that it is a member of ("<set>:<tag>"), its own first.
  std::optional<Hold> in_force(const std::string& pipeline) const;
  /// Holds of single members of a set.
  std::vector<Hold> of_members(const std::string& set) const;
  /// False when already held (reason and person are kept as they were).
  bool set(const Hold& hold);
  /// False when not held.
  bool lift(const std::string& pipeline);

 private:
  Connection& db_;
};

class Rebuilds {
 public:
  explicit Rebuilds(Connection& db) : db_(db) {}
  void insert(const Rebuild& row);
  void update(const Rebuild& row);
  std::optional<Rebuild> find(RunId run) const;
  std::vector<Rebuild> of_promotion(RunId promotion_run) const;  // by wave, then dependent
  struct OpenWave {
    int wave = 0;
    bool planned = false;  // has one in the first of the states
  };
  /// The first wave of a promotion that has a rebuild in one of these three states; nullopt when none has.
  /// Costs far less than of_promotion().
  std::optional<OpenWave> first_wave_in(RunId promotion_run, const std::array<std::string, 3>& states) const;
  /// Rebuilds of a dependent whose state is `state`.
  std::vector<Rebuild> in_state(const std::string& dependent, const std::string& state) const;
  /// Moves the deadlines of the rebuilds that have unfinished work.
  void move_deadlines(std::chrono::microseconds by);
  /// None of their deadlines is before this.
  void grant(Time at_least);

 private:
  Connection& db_;
};

class Jobs {
 public:
  explicit Jobs(Connection& db) : db_(db) {}
  /// One job per (run, kind, index): an existing unfinished one is kept.
  void enqueue(RunId run, const std::string& kind, int index, Time due, Time now);
  /// Leases up to `limit` due jobs of these kinds whose lease is absent or ended, those first that are due
  /// for longest: attempt is raised, leased_until set.
  std::vector<Job> lease(const std::vector<std::string>& kinds, Time now, Time until, int limit);
  /// Extends the lease; false when it was lost (another attempt has it).
  bool renew(std::int64_t id, int attempt, Time until);
  /// Removes a finished job; false when the lease was lost: then the caller must throw its result away
  /// (fencing).
  bool complete(std::int64_t id, int attempt);
  /// Gives it back without counting a failure (not ready yet). False when the lease was lost.
  bool postpone(std::int64_t id, int attempt, Time due);
  /// Gives it back for a later attempt after a failure. False when the lease was lost.
  bool retry(std::int64_t id, int attempt, Time due, const std::string& error);
  /// Removes unfinished jobs of a run that is final.
  void drop(RunId run);
  /// At start: every lease belongs to a process that is gone (the lock says so), and what is due later than
  /// after `longest_pause` is so because the clock was set back meanwhile: both are due now. How many leases
  /// were freed.
  int release_all(Time now, std::chrono::microseconds longest_pause);
  /// The wall clock was set back by this: moves all that was reckoned by it.
  void set_back(std::chrono::microseconds by);
  /// When the next job of these kinds is due; a leased one is when its lease ends.
  std::optional<Time> next_due(const std::vector<std::string>& kinds) const;
  std::vector<Job> of_run(RunId run) const;
  int count() const;

 private:
  Connection& db_;
};

class Audit {
 public:
  explicit Audit(Connection& db) : db_(db) {}
  void append(const AuditEntry& entry);
  std::vector<AuditEntry> list(const std::string& pipeline, int limit) const;  // newest first; "" = all
  /// The same of one pipeline, without what came after `at`.
  std::vector<AuditEntry> list_until(const std::string& pipeline, Time at, int limit) const;

 private:
  Connection& db_;
};

class Webhooks {
 public:
  explicit Webhooks(Connection& db) : db_(db) {}
  /// The number of the receipt. Nullopt when the delivery is there already and counts `once`.
  std::optional<std::int64_t> accept(const Receipt& receipt, bool once);
  /// Since an earlier one for the same pipeline, if that is still owed.
  void owe(const OwedLook& look);
  /// The look that `receipt` and those before it promised was made.
  void looked(const std::string& pipeline, std::int64_t receipt);
  std::vector<OwedLook> owed() const;
  /// Deletes at most `limit` receipts of before `before`; how many.
  int forget(Time before, int limit);

 private:
  Connection& db_;
};

class Members {
 public:
  explicit Members(Connection& db) : db_(db) {}
  std::optional<Member> find(const std::string& pipeline, const std::string& tag) const;
  /// A tag that is known keeps its `baseline`.
  void put(const Member& member);
  /// Tags of a set, ordered.
  std::vector<std::string> in_state(const std::string& pipeline, const std::string& state) const;
  int count(const std::string& pipeline, const std::string& state) const;
  /// Whether a list of the set was ever gone through, even if it chose nothing.
  bool begun(const std::string& pipeline) const;
  void begin(const std::string& pipeline, Time at);

 private:
  Connection& db_;
};

class ImageTimes {
 public:
  explicit ImageTimes(Connection& db) : db_(db) {}
  /// `created`: nullopt when the image does not say it.
  void put(const oci::Digest& digest, std::optional<Time> created);
  /// Nullopt when the image was not looked at.
  std::optional<std::optional<Time>> find(const oci::Digest& digest) const;

 private:
  Connection& db_;
};

class Freshness {
 public:
  explicit Freshness(Connection& db) : db_(db) {}
  /// Of an observation; a second one for it replaces what is known of the change.
  void put(const Detection& row);
  std::optional<Detection> of_observation(std::int64_t observation) const;
  /// Of the observation that started this run.
  std::optional<Detection> of_run(RunId run) const;
  std::optional<Detection> latest(const std::string& watch) const;
  std::optional<HookRecord> hooks(const std::string& watch) const;
  void put(const HookRecord& row);

 private:
  Connection& db_;
};

class Tables {
 public:
  explicit Tables(Connection& db)
      : observations(db),
        runs(db),
        log(db),
        promotions(db),
        holds(db),
        rebuilds(db),
        jobs(db),
        audit(db),
        webhooks(db),
        members(db),
        image_times(db),
        freshness(db),
        db_(db) {}
  Observations observations;
  Runs runs;
  RunLog log;
  Promotions promotions;
  Holds holds;
  Rebuilds rebuilds;
  Jobs jobs;
  Audit audit;
  Webhooks webhooks;
  Members members;
  ImageTimes image_times;
  Freshness freshness;
  /// Deletes at most `limit` final runs that ended before `before`, with logs and steps, but none that a
  /// promotion, a hold, an observation's latest row or a rollback (the newest 10 promotions of each target)
  /// still needs. How many went.
  int retain(Time before, int limit);

 private:
  Connection& db_;
};

}  // namespace sluice::store
