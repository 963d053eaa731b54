#include "engine/job_loop.hpp"

#include "core/retry.hpp"
#include "core/text.hpp"
#include "engine/transition.hpp"
#include "pipeline/advance.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

namespace sluice::engine {
namespace {

constexpr auto longest_idle = std::chrono::seconds(5);
// A store that cannot be used (full disk) is asked again after this.
constexpr Milliseconds store_pause{1000};
// A target may be down for long, and the limits of a registry are those of hours: what is owed is owed all
// the same.
constexpr auto long_patience = std::chrono::hours(24);
// A peer's Retry-After is not obeyed for longer.
constexpr Milliseconds longest_retry_after = std::chrono::minutes(15);
// After a start, a rebuild has at least so long until it is overdue, twice as long as the longest pause
// between two looks: while the daemon was off, nobody looked, and what builds may have been off with it.
constexpr auto grace_after_start = std::chrono::minutes(1);
// Lines of one try in the run log, and of all before it: a process may print without end, and be tried for
// long.
constexpr int most_lines = 5000;

std::vector<std::string> names_of(std::initializer_list<pipeline::JobKind> kinds) {
  std::vector<std::string> names;
  for (const auto kind : kinds)
    names.emplace_back(to_string(kind));
  return names;
}

// Each of these has `engine.jobs` slots.
const std::vector<std::vector<std::string>> sharing_slots{
    names_of({pipeline::JobKind::stage, pipeline::JobKind::check, pipeline::JobKind::promote,
              pipeline::JobKind::plan}),
    names_of({pipeline::JobKind::dispatch}), names_of({pipeline::JobKind::confirm})};

// Nothing but this job would do what was acknowledged: no later look at upstream starts it again.
bool is_owed(const store::Job& job, const store::Run& run) {
  if (job.kind == to_string(pipeline::JobKind::dispatch)) return true;
  return job.kind == to_string(pipeline::JobKind::promote) && is_decision(run.trigger);
}

void begin_step(store::Tables& tables, const store::Job& job, const std::string& step, Time at) {
  tables.log.begin_step(job.run, step, at);
  if (job.failures > 0 && tables.log.trim(job.run, step, most_lines) > 0)
    tables.log.append(job.run, at, step, "[what the first tries wrote is not kept any more]");
}

bool may_retry(const store::Job& job, const store::Run& run, const Error& error, const config::Config& config,
               Time at) {
  if (!is_transient(error.kind())) return false;
  // However old it is: the machine may have been off for most of that time.
  if (job.failures + 1 < config.retry_attempts) return true;
  const bool limited = error.kind() == ErrorKind::rate_limited;
  return (limited || is_owed(job, run)) && at - job.created < long_patience;
}

}  // namespace

JobLoop::JobLoop(World world, registry::Client& registry, RunLogger& logger, Signal& new_jobs,
                 Signal& changes)
    : world_(world),
      registry_(registry),
      logger_(logger),
      new_jobs_(new_jobs),
      changes_(changes),
      wall_(world.clock),
      beat_(world.clock.steady()),
      renewed_(beat_) {}

Task<> JobLoop::take_up() {
  const auto at = world_.clock.now();
  // The longest pauses are those after failures; confirmations and requests that wait for others take
  // seconds.
  const auto longest_pause = std::max(config_->retry_most, longest_retry_after);
  auto change = [at, longest_pause](store::Tables& tables) {
    tables.rebuilds.grant(at + grace_after_start);
    return tables.jobs.release_all(at, longest_pause);
  };
  const int freed = co_await world_.store.write(std::move(change));
  if (freed > 0) spdlog::info("taking up {} jobs that an earlier process left", freed);
}

Task<> JobLoop::run() {
  while (!stopping_) {
    const auto seen = new_jobs_.count();
    beat_ = world_.clock.steady();
    std::optional<Error> trouble;
    auto until = beat_ + longest_idle;
    try {
      co_await heed_clock();
      for (const auto& kinds : sharing_slots) {
        const int leased = co_await lease(kinds);
        if (leased > 0) changes_.notify();
        const auto due = co_await next_due(kinds);
        if (due && free_slots(kinds) > 0) until = std::min(until, *due);
      }
      co_await renew();
    } catch (...) {
      trouble = current_error();
    }
    if (trouble) {
      spdlog::error("the store cannot be used now, trying again: {}", trouble->what());
      until = world_.clock.steady() + store_pause;
    }
    co_await new_jobs_.wait_past(seen, world_.clock, until);
  }
  const auto drained = co_await group_.wait_empty(world_.clock, world_.clock.steady() + config_->drain);
  if (drained) co_return;
  spdlog::warn("{} jobs did not end within the drain time and are cancelled; the next start takes them up",
               group_.size());
  group_.cancel_all();
  co_await group_.wait_empty(world_.clock, world_.clock.steady() + std::chrono::seconds(10));
}

void JobLoop::stop() {
  stopping_ = true;
  new_jobs_.notify();
}

void JobLoop::cancel(RunId run) {
  for (const auto& [id, running] : running_)
    if (running.job.run == run) running.cancel->emit(boost::asio::cancellation_type::all);
}

int JobLoop::free_slots(const Kinds& kinds) const {
  const auto taken = std::count_if(running_.begin(), running_.end(), [&](const auto& entry) {
    return std::find(kinds.begin(), kinds.end(), entry.second.job.kind) != kinds.end();
  });
  return config_->jobs - static_cast<int>(taken);
}

Task<std::optional<Steady>> JobLoop::next_due(Kinds kinds) {
  auto query = [kinds](store::Tables& tables) { return tables.jobs.next_due(kinds); };
  auto due = co_await world_.store.read(std::move(query));
  if (!due) co_return std::nullopt;
  const auto wait = std::clamp<std::chrono::microseconds>(*due - world_.clock.now(), {}, longest_idle);
  co_return world_.clock.steady() + wait;
}

Task<int> JobLoop::lease(Kinds kinds) {
  const int room = free_slots(kinds);
  const auto now = world_.clock.now();
  auto query = [kinds](store::Tables& tables) { return tables.jobs.next_due(kinds); };
  auto due = co_await world_.store.read(std::move(query));
  if (room <= 0 || !due || *due > now) co_return 0;
  const auto until = now + config_->lease;
  // Those in hand first: when the clock was set, the machine slept, or nothing could be written for long,
  // their leases look ended.
  auto change = [kinds, now, until, room, config = config_, held = held()](store::Tables& tables) {
    for (const auto& job : held)
      tables.jobs.renew(job.id, job.attempt, until);
    std::vector<std::pair<store::Job, store::Run>> leased;
    for (auto& job : tables.jobs.lease(kinds, now, until, room)) {
      auto run = tables.runs.find(job.run);
      if (!run) continue;
      begin_step(tables, job, step_name(job, *run, *config), now);
      leased.emplace_back(std::move(job), std::move(*run));
    }
    return leased;
  };
  auto leased = co_await world_.store.write(std::move(change));
  const auto executor = co_await boost::asio::this_coro::executor;
  for (auto& [job, run] : leased) {
    const auto id = job.id;
    const auto title = job.kind + " of run " + job.run.text();
    running_[id].job = job;
    running_[id].cancel = group_.start(executor, title, work(std::move(job), std::move(run)));
  }
  co_return static_cast<int>(leased.size());
}

std::vector<store::Job> JobLoop::held() const {
  std::vector<store::Job> jobs;
  for (const auto& [id, running] : running_)
    jobs.push_back(running.job);
  return jobs;
}

Task<> JobLoop::renew() {
  const auto now = world_.clock.steady();
  if (running_.empty() || now - renewed_ < config_->lease / 3) co_return;
  renewed_ = now;
  const auto until = world_.clock.now() + config_->lease;
  auto change = [held = held(), until](store::Tables& tables) {
    std::vector<std::int64_t> gone;
    for (const auto& job : held)
      if (!tables.jobs.renew(job.id, job.attempt, until)) gone.push_back(job.id);
    return gone;
  };
  auto lost = co_await world_.store.write(std::move(change));
  for (const auto id : lost)
    if (const auto found = running_.find(id); found != running_.end())
      found->second.cancel->emit(boost::asio::cancellation_type::all);
}

// Pauses and deadlines are kept as times of the wall clock and meant as durations. A pause may be cut short
// by a clock that was set forward, since a try too many harms nobody; a deadline may not.
Task<> JobLoop::heed_clock() {
  moved_ += wall_.moved();
  const auto moved = std::exchange(moved_, {});
  if (moved.count() == 0) co_return;
  auto change = [moved](store::Tables& tables) {
    if (moved.count() < 0) tables.jobs.set_back(-moved);
    tables.rebuilds.move_deadlines(moved);
    return true;
  };
  try {
    co_await world_.store.write(std::move(change));
  } catch (...) {
    moved_ += moved;
    throw;
  }
  spdlog::info("the clock was set by {} s, or the machine slept: times of jobs are reckoned again",
               std::chrono::duration_cast<std::chrono::seconds>(moved).count());
}

Task<> JobLoop::work(store::Job job, store::Run run) {
  const auto id = job.id;
  std::exception_ptr failure;
  try {
    co_await carry_out(std::move(job), std::move(run));
  } catch (...) {
    // The store failed under us: the lease ends by itself and the job is taken up again.
    failure = std::current_exception();
  }
  running_.erase(id);
  new_jobs_.notify();
  changes_.notify();
  if (failure) std::rethrow_exception(failure);
}

Task<> JobLoop::carry_out(store::Job job, store::Run run) {
  const auto step = step_name(job, run, *config_);
  Work work{.world = world_, .registry = registry_, .config = config_, .job = job, .run = run, .log = {}};
  work.log = [this, id = job.run, step, lines = std::make_shared<int>(0)](std::string_view text) {
    if (++*lines < most_lines) logger_.append(id, step, text);
    if (*lines == most_lines) logger_.append(id, step, "[more output is not kept]");
  };
  std::optional<Done> done;
  std::optional<Error> error;
  try {
    done = co_await perform(work);
  } catch (...) {
    error = current_error();
  }
  // Cancelled by us: the job stays in the store for the next start, or its run is final already.
  if (error && error->kind() == ErrorKind::cancelled) co_return;
  // The log of the step comes before its result.
  co_await logger_.flush();
  co_await conclude(std::move(work), step, std::move(done), std::move(error));
}

Task<Done> JobLoop::perform(Work work) {
  const auto kind = pipeline::job_kind_from(work.job.kind);
  if (!kind)
    throw Error(ErrorKind::internal, "the job kind '" + work.job.kind + "' is not known to this version");
  switch (*kind) {
    case pipeline::JobKind::stage:
      return stage(std::move(work));
    case pipeline::JobKind::check:
      return check(std::move(work));
    case pipeline::JobKind::promote:
      return promote(std::move(work));
    case pipeline::JobKind::plan:
      return plan(std::move(work));
    case pipeline::JobKind::dispatch:
      return dispatch(std::move(work));
    case pipeline::JobKind::confirm:
      return confirm(std::move(work));
  }
  throw Error(ErrorKind::internal, "unreachable job kind");
}

Task<> JobLoop::conclude(Work work, std::string step, std::optional<Done> done, std::optional<Error> error) {
  co_await heed_clock();
  const auto at = world_.clock.now();
  const auto job = work.job;
  const auto run = work.run;
  const bool retry = error && may_retry(job, run, *error, *config_, at);
  const Backoff backoff{.first = config_->retry_first, .most = config_->retry_most};
  const auto pause =
      error ? backoff.wait(job.failures + 1, world_.random.unit(), error->retry_after(), longest_retry_after)
            : Milliseconds{};
  auto change = [=](store::Tables& tables) {
    if (done && done->again) return tables.jobs.postpone(job.id, job.attempt, at + *done->again);
    if (retry) {
      if (!tables.jobs.retry(job.id, job.attempt, at + pause, error->what())) return false;
      tables.log.append(
          run.id, at, step,
          "failed, next try in " + std::to_string(pause.count()) + " ms: " + printable(error->what(), 2000));
      tables.log.end_step(run.id, step, "retrying", printable(error->what(), 2000), at);
      return true;
    }
    if (!tables.jobs.complete(job.id, job.attempt)) return false;
    if (error) {
      const auto what = printable(error->what(), 2000);
      tables.log.append(run.id, at, step, what);
      tables.log.end_step(run.id, step, "failed", what, at);
      record_failure(tables, run, *error, at);
      return true;
    }
    tables.log.end_step(run.id, step, done->good ? "ok" : "failed", done->detail, at);
    if (done->record) done->record(tables, at);
    return true;
  };
  bool recorded = co_await world_.store.write(std::move(change));
  if (!recorded)
    spdlog::info("{} of run {}: the result came after its lease ended and is not used", job.kind,
                 run.id.text());
  if (error) spdlog::warn("{} ({}), {}: {}", run.task, run.id.text(), step, printable(error->what(), 2000));
  if (on_recorded) on_recorded(run.pipeline);
}

}  // namespace sluice::engine
