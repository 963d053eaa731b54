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
// Some registries send before the tag is written: CNCF distribution puts the manifest, which sends, and tags
// it then (https://github.com/distribution/distribution/blob/v2.8.1/registry/handlers/manifests.go,
// PutManifest). So a look that a webhook promised and that found nothing new is made once more after this.
constexpr auto second_look = std::chrono::seconds(3);

}  // namespace

Poller::Poller(World world, registry::Client& registry, Signal& new_jobs, Signal& changes)
    : world_(world),
      registry_(registry),
      new_jobs_(new_jobs),
      changes_(changes),
      scheduler_(world.random),
      freshness_(world),
      wall_ahead_(wall_ahead()),
      beat_(world.clock.steady()) {}

void Poller::configure(std::shared_ptr<const config::Config> config) {
  std::set<std::string> wanted;
  for (const auto& pipeline : config->pipelines) {
    wanted.insert(pipeline.name);
    const auto& host = pipeline.upstream.repository.registry;
    scheduler_.limit(host, static_cast<std::size_t>(config->registry(host).concurrency));
    const auto* before = config_ ? config_->pipeline(pipeline.name) : nullptr;
    if (before && before->upstream == pipeline.upstream && before->poll == pipeline.poll) continue;
    seen_.erase(pipeline.name);
    planned_.erase(pipeline.name);
    scheduler_.put({.key = pipeline.name,
                    .registry = pipeline.upstream.repository.registry,
                    .every = pipeline.poll.every},
                   world_.clock.steady());
    statuses_.try_emplace(pipeline.name);
  }
  std::erase_if(statuses_, [&](const auto& entry) {
    if (wanted.contains(entry.first)) return false;
    scheduler_.remove(entry.first);
    seen_.erase(entry.first);
    owed_.erase(entry.first);
    hurried_.erase(entry.first);
    planned_.erase(entry.first);
    freshness_.forget(entry.first);
    return true;
  });
  freshness_.hears_webhooks(!config->webhooks.empty());
  config_ = std::move(config);
  wake_.notify();
}

Task<> Poller::run() {
  const auto executor = co_await boost::asio::this_coro::executor;
  while (!stopping_) {
    const auto seen = wake_.count();
    const auto now = world_.clock.steady();
    beat_ = now;
    heed_clock(now);
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
  freshness_.distrust(pipeline);
  if (const auto found = seen_.find(pipeline); found != seen_.end()) found->second.settled = false;
}

Task<> Poller::look(std::string key) {
  Looked looked;
  std::optional<watch::Next> next;
  auto owed = take_owed(key);
  const auto* found = config_->pipeline(key);
  if (found) {
    auto pipeline = *found;
    const auto told = owed ? std::optional(owed->since) : std::nullopt;
    looked = co_await look_once(pipeline, told);
    next = next_look(pipeline);
  }
  const auto now = world_.clock.steady();
  const bool early = looked.answered() && !looked.changed && owed && !owed->again;
  if (early) {
    owed->again = true;
    next = watch::Next{now + second_look};
  }
  // What was not answered stays owed as well: the scheduler tries again.
  const bool still_owed = owed && (early || !looked.answered());
  if (still_owed && config_->pipeline(key)) remember_owed(key, *owed);
  scheduler_.finished(key, now, looked.answered(),
                      looked.failure ? looked.failure->retry_after() : std::nullopt, next);
  wake_.notify();
  if (owed && !still_owed) co_await settle_owed(key, *owed);
}

bool Poller::is_owed(const std::string& pipeline) const {
  const auto found = owed_.find(pipeline);
  return found != owed_.end() && !found->second.again;
}

void Poller::owe(const std::string& pipeline, std::int64_t receipt, Time received) {
  if (!config_->pipeline(pipeline)) return;  // a reload came in between
  remember_owed(pipeline, {.receipt = receipt, .since = received});
  freshness_.delivered(pipeline, received);
  auto at = world_.clock.steady();
  if (const auto last = hurried_.find(pipeline); last != hurried_.end())
    at = std::max(at, last->second + between_hurried);
  scheduler_.hurry(pipeline, at);
  wake_.notify();
}

void Poller::remember_owed(const std::string& pipeline, Owed owed) {
  const auto [found, added] = owed_.try_emplace(pipeline, owed);
  if (added) return;
  found->second.receipt = std::max(found->second.receipt, owed.receipt);
  found->second.since = std::min(found->second.since, owed.since);
  found->second.again = found->second.again && owed.again;
}

std::optional<Poller::Owed> Poller::take_owed(const std::string& pipeline) {
  const auto found = owed_.find(pipeline);
  if (found == owed_.end()) return std::nullopt;
  const auto owed = found->second;
  owed_.erase(found);
  hurried_[pipeline] = world_.clock.steady();
  return owed;
}

// What is not written off is looked at once more after a restart, which harms nothing.
Task<> Poller::settle_owed(std::string pipeline, Owed owed) {
  if (!config_->pipeline(pipeline)) co_return;  // a reload came in between
  const auto hooks = freshness_.take_unsaved(pipeline);
  auto change = [pipeline, receipt = owed.receipt, hooks](store::Tables& tables) {
    tables.webhooks.looked(pipeline, receipt);
    if (hooks) Freshness::save(tables, pipeline, *hooks);
  };
  co_await world_.store.write(std::move(change));
}

Task<> Poller::take_up_owed() {
  auto query = [](store::Tables& tables) { return tables.webhooks.owed(); };
  const auto looks = co_await world_.store.read(std::move(query));
  std::vector<store::OwedLook> gone;
  for (const auto& look : looks) {
    if (config_->pipeline(look.pipeline))
      owe(look.pipeline, look.receipt, look.since);
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

Task<Poller::Looked> Poller::look_once(config::Pipeline pipeline, std::optional<Time> told) {
  std::optional<Error> failure;
  co_await freshness_.recall(pipeline.name, pipeline.upstream.text());
  const Freshness::Look look{.began = world_.clock.now(), .told = told};
  const auto began = world_.clock.steady();
  auto took = Steady::duration(0);
  bool changed = false;
  try {
    auto repository = pipeline.upstream.repository;
    auto tag = pipeline.upstream.tag.value_or("latest");
    auto resolved = co_await registry_.resolve(std::move(repository), std::move(tag));
    took = world_.clock.steady() - began;
    if (!resolved) {
      freshness_.gone(pipeline.name, look);
      throw Error(ErrorKind::not_found, pipeline.upstream.text() + ": the registry has no such tag (404)");
    }
    changed = co_await record_seen(pipeline, std::move(*resolved), look);
  } catch (...) {
    failure = current_error();
  }
  const auto result = failure ? LookResult::failed : changed ? LookResult::changed : LookResult::unchanged;
  if (!failure || failure->kind() != ErrorKind::cancelled)
    freshness_.count(pipeline.upstream.repository.registry, result, took);
  const auto found = statuses_.find(pipeline.name);
  if (found == statuses_.end()) co_return Looked{std::move(failure), changed};
  auto& status = found->second;
  if (!failure) {
    if (!status.error.empty()) spdlog::info("{}: upstream answers again", pipeline.name);
    status.error.clear();
    status.failing_since.reset();
  } else if (failure->kind() != ErrorKind::cancelled) {
    if (status.error != failure->what()) spdlog::warn("{}: {}", pipeline.name, printable(failure->what()));
    status.error = failure->what();
    if (!status.failing_since) status.failing_since = world_.clock.now();
  }
  co_return Looked{std::move(failure), changed};
}

Task<bool> Poller::record_seen(config::Pipeline pipeline, registry::Resolved resolved, Freshness::Look look) {
  const auto* current = config_->pipeline(pipeline.name);
  if (!current || current->upstream != pipeline.upstream) co_return false;  // a reload came in between
  const auto at = world_.clock.now();
  auto& status = statuses_[pipeline.name];
  const auto last_look = std::exchange(status.last_look, at);
  status.digest = resolved.digest;
  const auto known = seen_.find(pipeline.name);
  if (known != seen_.end() && known->second.digest == resolved.digest && known->second.settled &&
      at - known->second.written < touch_every) {
    freshness_.unchanged(pipeline.name, look, resolved.digest);
    co_return false;
  }
  const auto again = std::max<Milliseconds>(config_->retry_most, pipeline.poll.every);
  const std::string learned_by = look.told ? "webhook" : "poll";
  const auto news = freshness_.judge(pipeline.name, look, resolved, at);
  auto change = [pipeline, resolved, learned_by, last_look, at, again, news](store::Tables& tables) {
    const auto recorded = record(tables, pipeline, resolved, learned_by, last_look, at, again);
    if (recorded.changed) Freshness::keep(tables, recorded.observation, pipeline.name, news);
    return recorded;
  };
  auto recorded = co_await world_.store.write(std::move(change));
  seen_.insert_or_assign(pipeline.name, Seen{resolved.digest, recorded.observation, at, recorded.settled});
  if (recorded.changed) {
    freshness_.changed(pipeline.name, look, resolved.digest, news, at);
    spdlog::info("{}: {} is now {}", pipeline.name, pipeline.upstream.text(), resolved.digest.text());
  } else {
    freshness_.unchanged(pipeline.name, look, resolved.digest);
  }
  if (recorded.changed || recorded.run) {
    new_jobs_.notify();
    changes_.notify();
  }
  co_return recorded.changed;
}

Task<registry::Resolved> Poller::look_now(std::string name) {
  const auto* found = config_->pipeline(name);
  if (!found) throw Error(ErrorKind::not_found, "no pipeline is called '" + printable(name, 80) + "'");
  const auto pipeline = *found;
  auto repository = pipeline.upstream.repository;
  auto tag = pipeline.upstream.tag.value_or("latest");
  auto resolved = co_await registry_.resolve(std::move(repository), std::move(tag));
  if (!resolved)
    throw Error(ErrorKind::not_found, pipeline.upstream.text() + ": the registry has no such tag (404)");
  co_return std::move(*resolved);
}

}  // namespace sluice::engine
