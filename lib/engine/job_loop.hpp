#pragma once
// Leases due jobs, runs them within the configured number, renews their leases, and records how each ended.
// Requests to rebuild targets, and looks for what they made, each have as many slots of their own as all
// other work has: neither targets that hang nor thousands of rebuilds that are not confirmed so far keep an
// image from being staged, and no number of copies keeps a request from going out.

#include "core/signal.hpp"
#include "engine/run_logger.hpp"
#include "engine/task_group.hpp"
#include "engine/wall_watch.hpp"
#include "engine/work.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::engine {

class JobLoop {
 public:
  JobLoop(World world, registry::Client& registry, RunLogger& logger, Signal& new_jobs, Signal& changes);

  void configure(std::shared_ptr<const config::Config> config) { config_ = std::move(config); }
  /// Before run(): takes up what an earlier process left.
  Task<> take_up();
  /// Works until stop(), then drains: jobs in hand may end within config.drain, the rest is cancelled.
  Task<> run();
  void stop();
  /// Cancels the jobs of a run that became final by other means.
  void cancel(RunId run);
  /// Cancels all jobs in hand; they stay in the store.
  void cancel_all() { group_.cancel_all(); }
  Steady beat() const { return beat_; }
  std::size_t running() const { return group_.size(); }
  /// Called after each job that was recorded, with the pipeline's name.
  std::function<void(const std::string&)> on_recorded;

 private:
  struct Running {
    store::Job job;
    TaskGroup::Cancel cancel;
  };
  using Kinds = std::vector<std::string>;  // of jobs that share slots
  int free_slots(const Kinds& kinds) const;
  std::vector<store::Job> held() const;
  Task<int> lease(Kinds kinds);
  Task<> work(store::Job job, store::Run run);
  Task<> carry_out(store::Job job, store::Run run);
  Task<> renew();
  Task<> heed_clock();
  Task<Done> perform(Work work);
  Task<> conclude(Work work, std::string step, std::optional<Done> done, std::optional<Error> error);
  Task<std::optional<Steady>> next_due(Kinds kinds);

  World world_;
  registry::Client& registry_;
  RunLogger& logger_;
  Signal& new_jobs_;
  Signal& changes_;
  std::shared_ptr<const config::Config> config_;
  std::map<std::int64_t, Running> running_;
  TaskGroup group_;
  WallWatch wall_;
  std::chrono::microseconds moved_{};  // the wall clock, and the store was not told so far
  Steady beat_;
  Steady renewed_;
  bool stopping_ = false;
};

}  // namespace sluice::engine
