#include "engine/engine.hpp"

#include "core/text.hpp"
#include "engine/access.hpp"
#include "engine/overview.hpp"
#include "engine/recorder.hpp"
#include "engine/state.hpp"
#include "engine/transition.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

namespace sluice::engine {
namespace {

constexpr auto retention_pause = std::chrono::hours(1);
constexpr int retention_piece = 200;
// Senders try again for a day (Amazon EventBridge, Azure Event Grid).
constexpr auto receipts_kept = std::chrono::days(2);

// Watches that are counted before others get their turn: a few milliseconds.
constexpr std::size_t counted_at_once = 500;

// A run that did not begin to promote can still be ended without harm.
bool before_promotion(const store::Run& run) {
  if (run.kind != kind_pipeline) return false;
  switch (pipeline::state_from(run.state).value_or(pipeline::State::failed)) {
    case pipeline::State::observed:
    case pipeline::State::staging:
    case pipeline::State::staged:
    case pipeline::State::checking:
    case pipeline::State::ready:
    case pipeline::State::waiting:
      return true;
    default:
      return false;
  }
}

Error unknown_pipeline(const std::string& name, bool is_set) {
  const auto shown = printable(name, 80);
  if (is_set)
    return {ErrorKind::invalid, shown + " is a set of tags: name one of them, for instance " + shown +
                                    ":TAG; `sluice status --members` shows them"};
  return {ErrorKind::not_found,
          "no pipeline is called '" + shown + "'; see `sluice status` for those that are"};
}

void fit(store::Tables& tables, const store::Run& run, const config::Config& config, Time at) {
  if (!before_promotion(run)) return;
  const auto pipeline = config.watched(run.pipeline);
  if (!pipeline) {
    apply(tables, run.id, pipeline::event::Cancelled{"the pipeline was removed from the configuration"}, at);
    return;
  }
  // A run counts the checks that it passed, which says nothing when they are others now.
  if (run.checks == mark_of(pipeline->checks)) return;
  if (!is_decision(run.trigger)) start_again(tables, *pipeline, run, at);
}

}  // namespace

Engine::State::State(World the_world, std::shared_ptr<const config::Config> the_config)
    : world(the_world),
      config(std::move(the_config)),
      credentials({.http = world.http,
                   .clock = world.clock,
                   .workers = world.workers,
                   .surroundings = world.surroundings},
                  world.launcher),
      network(world.surroundings),
      registry(world.http, world.clock, world.random, world.workers,
               [this](const std::string& host) { return access_of(*config, host, credentials, network); }),
      logger(world, changes),
      jobs(world, registry, logger, new_jobs, changes),
      poller(world, registry, new_jobs, changes),
      receiver(world, poller, new_jobs, changes) {
  jobs.configure(config);
  poller.configure(config);
  receiver.configure(config);
  jobs.on_recorded = [this](const std::string& pipeline) { poller.unsettle(pipeline); };
}

Task<config::Pipeline> Engine::State::pipeline(std::string name) {
  auto found = config->watched(name);
  const auto key = config::split_key(name);
  if (found && key && !poller.statuses().contains(name)) {
    // A tag that is withdrawn can still be asked about; one that never was a member is a mistake.
    auto query = [set = std::string(key->set), tag = std::string(key->tag)](store::Tables& tables) {
      return tables.members.find(set, tag).has_value();
    };
    const bool known = co_await world.store.read(std::move(query));
    if (!known) found.reset();
  }
  if (!found) throw unknown_pipeline(name, config->pipeline(name) != nullptr);
  co_return std::move(*found);
}

Task<std::string> Engine::State::pipeline_or_set(std::string name) {
  if (config->pipeline(name)) co_return name;
  const auto found = co_await pipeline(name);
  co_return found.name;
}

void Engine::State::wake() {
  new_jobs.notify();
  changes.notify();
}

Task<> Engine::State::fit_open_runs(std::shared_ptr<const config::Config> to) {
  const auto at = world.clock.now();
  auto change = [to, at](store::Tables& tables) {
    for (const auto& run : tables.runs.all_open())
      fit(tables, run, *to, at);
  };
  co_await world.store.write(std::move(change));
  wake();
}

Task<> Engine::State::retain() {
  while (!stopping) {
    const auto seen = stop.count();
    const auto before = world.clock.now() - config->keep_runs;
    const auto receipts_before = world.clock.now() - receipts_kept;
    std::optional<Error> trouble;
    int gone = 0;
    try {
      auto change = [before, receipts_before](store::Tables& tables) {
        return std::max(tables.retain(before, retention_piece),
                        tables.webhooks.forget(receipts_before, retention_piece));
      };
      gone = co_await world.store.write(std::move(change));
    } catch (...) {
      trouble = current_error();
    }
    if (trouble) spdlog::warn("old runs and receipts could not be deleted: {}", trouble->what());
    if (gone == retention_piece) continue;
    co_await stop.wait_past(seen, world.clock, world.clock.steady() + retention_pause);
  }
}

Engine::Engine(World world, std::shared_ptr<const config::Config> config)
    : state_(std::make_unique<State>(world, std::move(config))) {}

Engine::~Engine() = default;

Task<> Engine::run() {
  auto& state = *state_;
  co_await state.jobs.take_up();
  co_await state.fit_open_runs(state.config);
  co_await state.poller.take_up_members();
  co_await state.poller.take_up_owed();
  const auto executor = co_await boost::asio::this_coro::executor;
  TaskGroup loops;
  TaskGroup logging;
  loops.start(executor, "poller", state.poller.run());
  loops.start(executor, "job loop", state.jobs.run());
  loops.start(executor, "retention", state.retain());
  logging.start(executor, "run log", state.logger.run());
  while (!loops.empty())
    co_await loops.wait_empty(state.world.clock, state.world.clock.steady() + std::chrono::hours(1));
  // The log outlives those who write into it.
  state.logger.stop();
  while (!logging.empty())
    co_await logging.wait_empty(state.world.clock, state.world.clock.steady() + std::chrono::seconds(10));
}

void Engine::stop() {
  state_->stopping = true;
  state_->stop.notify();
  state_->poller.stop();
  state_->jobs.stop();
}

void Engine::cancel_jobs() {
  state_->jobs.cancel_all();
}

Task<> Engine::reload(std::shared_ptr<const config::Config> config) {
  // Before anything goes by it: as long as this cannot be written, all goes on as it was.
  co_await state_->fit_open_runs(config);
  state_->config = config;
  state_->network.reload();
  state_->jobs.configure(config);
  state_->poller.configure(config);
  state_->receiver.configure(config);
  // What began in between, by the configuration before.
  co_await state_->fit_open_runs(config);
  co_await state_->poller.take_up_members();
}

std::shared_ptr<const config::Config> Engine::config() const {
  return state_->config;
}

const std::map<std::string, WatchStatus>& Engine::watches() const {
  return state_->poller.statuses();
}

std::vector<registry::RegistryStatus> Engine::registries() const {
  return state_->registry.statuses();
}

const std::map<std::string, SetStatus>& Engine::sets() const {
  return state_->poller.sets();
}

net::Handler Engine::webhook_handler() {
  return [state = state_.get()](net::ServerRequest request) {
    return state->receiver.answer(std::move(request));
  };
}

const std::map<std::string, HookStatus>& Engine::hooks() const {
  return state_->receiver.statuses();
}

Task<Overview> Engine::overview() const {
  const auto executor = co_await boost::asio::this_coro::executor;
  Tally tally(state_->poller.freshness(), state_->config);
  const auto& watches = state_->poller.statuses();
  for (auto next = watches.begin(); next != watches.end();) {
    std::string last;
    for (std::size_t i = 0; i < counted_at_once && next != watches.end(); ++i, ++next) {
      tally.add(next->first, next->second);
      last = next->first;
    }
    if (next == watches.end()) break;
    co_await boost::asio::post(executor, boost::asio::use_awaitable);
    next = watches.upper_bound(last);
  }
  co_return tally.take(state_->registry.statuses());
}

const Freshness& Engine::freshness() const {
  return state_->poller.freshness();
}

std::uint64_t Engine::changes() const {
  return state_->changes.count();
}

Task<> Engine::wait_change(std::uint64_t seen, Milliseconds timeout) {
  auto& clock = state_->world.clock;
  co_await state_->changes.wait_past(seen, clock, clock.steady() + timeout);
}

std::vector<std::pair<std::string, Steady>> Engine::heartbeats() const {
  return {{"poller", state_->poller.beat()}, {"jobs", state_->jobs.beat()}};
}

}  // namespace sluice::engine
