#include "engine/poller.hpp"

#include "core/text.hpp"
#include "engine/recorder.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace sluice::engine {
namespace {

// An unchanged digest moves last_seen in the store at most this often; what is newer lives in memory.
constexpr auto touch_every = std::chrono::minutes(1);
constexpr auto longest_wait = std::chrono::seconds(5);
// Between two looks at one upstream that webhooks cause.
constexpr auto between_hurried = std::chrono::seconds(1);

}  // namespace

Poller::Poller(World world, registry::Client& registry, Signal& new_jobs, Signal& changes)
    : world_(world),
      registry_(registry),
      new_jobs_(new_jobs),
      changes_(changes),
      scheduler_(world.random),
      beat_(world.clock.steady()) {}

void Poller::configure(std::shared_ptr<const config::Config> config) {
  std::set<std::string> wanted;
  for (const auto& pipeline : config->pipelines) {
    wanted.insert(pipeline.name);
    const auto& host = pipeline.upstream.repository.registry;
    scheduler_.limit(host, static_cast<std::size_t>(config->registry(host).concurrency));
    const auto* before = config_ ? config_->pipeline(pipeline.name) : nullptr;
    if (before && before->upstream == pipeline.upstream && before->every == pipeline.every) continue;
    seen_.erase(pipeline.name);
    scheduler_.put(
        {.key = pipeline.name, .registry = pipeline.upstream.repository.registry, .every = pipeline.every},
        world_.clock.steady());
    statuses_.try_emplace(pipeline.name);
  }
  std::erase_if(statuses_, [&](const auto& entry) {
    if (wanted.contains(entry.first)) return false;
    scheduler_.remove(entry.first);
    seen_.erase(entry.first);
    owed_.erase(entry.first);
    hurried_.erase(entry.first);
    return true;
  });
  config_ = std::move(config);
  wake_.notify();
}

Task<> Poller::run() {
  const auto executor = co_await boost::asio::this_coro::executor;
  while (!stopping_) {
    const auto seen = wake_.count();
    const auto now = world_.clock.steady();
    beat_ = now;
    for (auto& key : scheduler_.take_due(now))
      looks_.start(executor, "poll of " + key, look(key));
    const auto due = scheduler_.next_due();
    const auto until = std::min(due.value_or(now + longest_wait), now + longest_wait);
    co_await wake_.wait_past(seen, world_.clock, until);
  }
  looks_.cancel_all();
  co_await looks_.wait_empty(world_.clock, world_.clock.steady() + std::chrono::seconds(10));
}

void Poller::stop() {
  stopping_ = true;
  wake_.notify();
}

void Poller::unsettle(const std::string& pipeline) {
  if (const auto found = seen_.find(pipeline); found != seen_.end()) found->second.settled = false;
}

Task<> Poller::look(std::string key) {
  std::optional<Error> failure;
  const auto owed = take_owed(key);
  const auto* found = config_->pipeline(key);
  // What is left of the registry's limit is spread; what somebody pushed is looked at all the same.
  if (found && !owed && registry_.puts_off_looks(found->upstream.repository.registry)) {
    scheduler_.finished(key, world_.clock.steady(), true);
    wake_.notify();
    co_return;
  }
  if (found) {
    auto pipeline = *found;
    failure = co_await look_once(std::move(pipeline), owed.has_value());
  }
  const auto retry_after = failure ? failure->retry_after() : std::nullopt;
  // A registry that says "no such tag" did answer: its other tags need not wait.
  const bool answered = !failure || failure->kind() == ErrorKind::not_found;
  scheduler_.finished(key, world_.clock.steady(), answered, retry_after);
  wake_.notify();
  if (owed && found) co_await settle_owed(key, *owed, answered);
}

void Poller::owe(const std::string& pipeline, std::int64_t receipt) {
  if (!config_->pipeline(pipeline)) return;  // a reload came in between
  auto& owed = owed_[pipeline];
  owed = std::max(owed, receipt);
  auto at = world_.clock.steady();
  if (const auto last = hurried_.find(pipeline); last != hurried_.end())
    at = std::max(at, last->second + between_hurried);
  scheduler_.hurry(pipeline, at);
  wake_.notify();
}

std::optional<std::int64_t> Poller::take_owed(const std::string& pipeline) {
  const auto found = owed_.find(pipeline);
  if (found == owed_.end()) return std::nullopt;
  const auto receipt = found->second;
  owed_.erase(found);
  hurried_[pipeline] = world_.clock.steady();
  return receipt;
}

// A look that failed stays owed: the scheduler tries again. What is not written off is looked at once more
// after a restart, which harms nothing.
Task<> Poller::settle_owed(std::string pipeline, std::int64_t receipt, bool answered) {
  if (!config_->pipeline(pipeline)) co_return;  // a reload came in between
  if (!answered) {
    auto& owed = owed_[pipeline];
    owed = std::max(owed, receipt);
    co_return;
  }
  auto change = [pipeline, receipt](store::Tables& tables) { tables.webhooks.looked(pipeline, receipt); };
  co_await world_.store.write(std::move(change));
}

Task<> Poller::take_up_owed() {
  auto query = [](store::Tables& tables) { return tables.webhooks.owed(); };
  const auto looks = co_await world_.store.read(std::move(query));
  std::vector<store::OwedLook> gone;
  for (const auto& look : looks) {
    if (config_->pipeline(look.pipeline))
      owe(look.pipeline, look.receipt);
    else
      gone.push_back(look);
  }
  if (gone.empty()) co_return;
  auto change = [gone](store::Tables& tables) {
    for (const auto& look : gone)
      tables.webhooks.looked(look.pipeline, look.receipt);
  };
  co_await world_.store.write(std::move(change));
}

Task<std::optional<Error>> Poller::look_once(config::Pipeline pipeline, bool by_webhook) {
  std::optional<Error> failure;
  try {
    auto repository = pipeline.upstream.repository;
    auto tag = pipeline.upstream.tag.value_or("latest");
    const auto pace = by_webhook ? registry::Pace::begin : registry::Pace::look;
    auto resolved = co_await registry_.look(std::move(repository), std::move(tag), pace);
    if (!resolved)
      throw Error(ErrorKind::not_found, pipeline.upstream.text() + ": the registry has no such tag (404)");
    co_await record_seen(pipeline, std::move(*resolved), by_webhook);
  } catch (...) {
    failure = current_error();
  }
  const auto found = statuses_.find(pipeline.name);
  if (found == statuses_.end()) co_return failure;
  auto& status = found->second;
  if (!failure) {
    if (!status.error.empty()) spdlog::info("{}: upstream answers again", pipeline.name);
    status.error.clear();
    status.failing_since.reset();
  } else if (failure->kind() != ErrorKind::cancelled) {
    // Told once: a registry that is down or limited is told by its own gate.
    if (status.error.empty() || status.error_kind != failure->kind())
      spdlog::warn("{}: {}", pipeline.name, printable(failure->what()));
    status.error = failure->what();
    status.error_kind = failure->kind();
    if (!status.failing_since) status.failing_since = world_.clock.now();
  }
  co_return failure;
}

Task<> Poller::record_seen(config::Pipeline pipeline, registry::Resolved resolved, bool by_webhook) {
  const auto* current = config_->pipeline(pipeline.name);
  if (!current || current->upstream != pipeline.upstream) co_return;  // a reload came in between
  const auto at = world_.clock.now();
  auto& status = statuses_[pipeline.name];
  const auto last_look = std::exchange(status.last_look, at);
  status.digest = resolved.digest;
  const auto known = seen_.find(pipeline.name);
  if (known != seen_.end() && known->second.digest == resolved.digest && known->second.settled &&
      at - known->second.written < touch_every)
    co_return;
  const auto again = std::max<Milliseconds>(config_->retry_most, pipeline.every);
  const std::string learned_by = by_webhook ? "webhook" : "poll";
  auto change = [pipeline, resolved, learned_by, last_look, at, again](store::Tables& tables) {
    return record(tables, pipeline, resolved, learned_by, last_look, at, again);
  };
  auto recorded = co_await world_.store.write(std::move(change));
  seen_.insert_or_assign(pipeline.name, Seen{resolved.digest, recorded.observation, at, recorded.settled});
  if (recorded.changed)
    spdlog::info("{}: {} is now {}", pipeline.name, pipeline.upstream.text(), resolved.digest.text());
  if (recorded.changed || recorded.run) {
    new_jobs_.notify();
    changes_.notify();
  }
}

Task<registry::Resolved> Poller::look_now(std::string name) {
  const auto* found = config_->pipeline(name);
  if (!found) throw Error(ErrorKind::not_found, "no pipeline is called '" + printable(name, 80) + "'");
  const auto pipeline = *found;
  auto repository = pipeline.upstream.repository;
  auto tag = pipeline.upstream.tag.value_or("latest");
  auto resolved = co_await registry_.look(std::move(repository), std::move(tag));
  if (!resolved)
    throw Error(ErrorKind::not_found, pipeline.upstream.text() + ": the registry has no such tag (404)");
  co_return std::move(*resolved);
}

}  // namespace sluice::engine
