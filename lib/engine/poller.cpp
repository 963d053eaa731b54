#include "engine/poller.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace sluice::engine {
namespace {

constexpr auto longest_wait = std::chrono::seconds(5);
// The time of the last look at an unchanged digest lives in memory and is written so often, and at stop.
constexpr auto between_last_seen = std::chrono::hours(1);
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
      sets_(world, registry),
      freshness_(world),
      wall_(world.clock),
      beat_(world.clock.steady()),
      last_seen_due_(beat_ + between_last_seen) {
  registry_.when_changed([this] { heed_gates(); });
}

Poller::~Poller() {
  registry_.when_changed({});
}

void Poller::configure(std::shared_ptr<const config::Config> config) {
  registries_.clear();
  for (const auto& pipeline : config->pipelines) {
    const auto& host = pipeline.upstream.repository.registry;
    registries_.insert(host);
    scheduler_.limit(host, static_cast<std::size_t>(config->registry(host).concurrency));
    watch(pipeline.name, question_of(pipeline));
    if (!pipeline.is_set()) continue;
    for (const auto& key : list_.members(pipeline.name))
      watch(key, question_of_member(pipeline, std::string(config::split_key(key)->tag)));
    if (chooses_anew(config_ ? config_->pipeline(pipeline.name) : nullptr, pipeline))
      scheduler_.hurry(std::to_string(*list_.of(pipeline.name)), world_.clock.steady());
  }
  std::vector<std::string> gone;
  for (const auto& [name, status] : list_.statuses()) {
    const auto key = config::split_key(name);
    const auto* pipeline = config->pipeline(key ? key->set : name);
    if (!pipeline || (key && !pipeline->is_set())) gone.push_back(name);
  }
  for (const auto& name : gone)
    unwatch(name);
  freshness_.hears_webhooks(!config->webhooks.empty());
  config_ = std::move(config);
  ++reloads_;
  heed_gates();
  hurry_joined();
}

void Poller::watch(std::string name, const WatchList::Question& question) {
  const auto put = list_.put(std::move(name), question);
  if (put.ended) forget_look(*put.ended);
  if (put.fresh)
    scheduler_.put({.key = std::to_string(put.id),
                    .registry = question.repository.registry,
                    .every = question.poll.every},
                   world_.clock.steady());
  else if (put.joined)
    joined_.insert(put.id);
}

// Those that came to a look at the same time are served by the next one, together.
void Poller::hurry_joined() {
  for (const auto id : std::exchange(joined_, {}))
    scheduler_.hurry(std::to_string(id), world_.clock.steady());
  wake_.notify();
}

void Poller::unwatch(const std::string& name) {
  owed_.erase(name);
  hurried_.erase(name);
  relisted_.erase(name);
  sets_.forget(name);
  freshness_.forget(name);
  if (const auto ended = list_.remove(name)) forget_look(*ended);
}

// What may be asked is for the registry's gate to say; the scheduler only follows.
void Poller::heed_gates() {
  for (const auto& registry : registries_)
    scheduler_.hold(registry, registry_.asked_from(registry), world_.clock.steady());
  wake_.notify();
}

void Poller::forget_look(Id id) {
  scheduler_.remove(std::to_string(id));
  planned_.erase(id);
}

Task<> Poller::run() {
  const auto executor = co_await boost::asio::this_coro::executor;
  while (!stopping_) {
    const auto seen = wake_.count();
    const auto now = world_.clock.steady();
    beat_ = now;
    heed_clock(now);
    for (const auto& key : scheduler_.take_due(now))
      looks_.start(executor, "poll", look_on(std::stoull(key)));
    if (now >= last_seen_due_) {
      last_seen_due_ = now + between_last_seen;
      looks_.start(executor, "times of the last looks", write_last_seen());
    }
    if (now >= kept_due_) {
      kept_due_ = Steady::max();
      looks_.start(executor, "promises that were kept", write_kept());
    }
    const auto due = scheduler_.next_due();
    waits_until_ = std::min({due.value_or(now + longest_wait), now + longest_wait, kept_due_});
    co_await wake_.wait_past(seen, world_.clock, waits_until_);
  }
  looks_.cancel_all();
  co_await looks_.wait_empty(world_.clock, world_.clock.steady() + std::chrono::seconds(10));
  co_await write_last_seen();
  co_await write_kept();
}

void Poller::stop() {
  stopping_ = true;
  wake_.notify();
}

// Goes on with what is due when its look ends: a coroutine and a round of the loop for each look would cost
// as much as the look.
Task<> Poller::look_on(Id first) {
  const auto executor = co_await boost::asio::this_coro::executor;
  std::exception_ptr failure;
  try {
    for (std::optional<Id> next = first; next && !stopping_;) {
      co_await look(*next);
      next.reset();
      const auto due = stopping_ ? std::vector<std::string>() : scheduler_.take_due(world_.clock.steady());
      for (const auto& key : due) {
        if (next)
          looks_.start(executor, "poll", look_on(std::stoull(key)));
        else
          next = std::stoull(key);
      }
      const auto later = scheduler_.next_due();
      if (later && *later < waits_until_) wake_.notify();
    }
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return;
  wake_.notify();
  std::rethrow_exception(failure);
}

Task<> Poller::look(Id id) {
  auto owed = take_owed(id);
  const auto* look = list_.find(id);
  Looked looked;
  if (look && look->is_list())
    looked = co_await look_at_list(id, owed);
  else if (look)
    looked = co_await look_at_tag(id, owed);
  bool again = false;
  Kept kept;
  for (auto& [pipeline, promise] : owed) {
    const bool early = looked.answered() && !looked.changed.contains(pipeline) && !promise.again;
    if (early) again = promise.again = true;
    // What was not answered stays owed as well: the scheduler tries again.
    if (looked.answered() && !early)
      kept.emplace(pipeline, promise.receipt);
    else if (list_.contains(pipeline))
      remember_owed(pipeline, promise);
  }
  if (!list_.find(id)) hurry_owed(owed);
  end_look(id, looked, again);
  note_kept(kept);
}

Poller::Looked Poller::overtaken() {
  return {.failure = Error(ErrorKind::cancelled, "a reload came in between"), .changed = {}};
}

void Poller::end_look(Id id, const Looked& looked, bool is_made_again) {
  const auto key = std::to_string(id);
  const auto now = world_.clock.steady();
  const auto later = looked.failure ? looked.failure->retry_after() : std::nullopt;
  if (const auto* look = list_.find(id)) {
    const auto& registry = look->repository->registry;
    auto from = registry_.looks_from(registry);
    // Of a budget that only some looks use, their refusal tells.
    if (later && looked.failure->kind() == ErrorKind::rate_limited) from = std::max(from, now + *later);
    scheduler_.pace(registry, from);
  }
  scheduler_.finished(key, now, looked.answered(), later, next_look(id));
  if (is_made_again) scheduler_.hurry(key, now + second_look);
}

Task<Poller::Looked> Poller::look_at_tag(Id id, Promises owed) {
  Looked looked;
  std::optional<registry::Resolved> resolved;
  const auto repository = list_.find(id)->repository;
  const auto tag = list_.find(id)->tag;
  co_await recall(id);
  const auto began = world_.clock.now();
  const auto asked = world_.clock.steady();
  try {
    const auto pace = owed.empty() ? registry::Pace::look : registry::Pace::begin;
    resolved = co_await ask(id, *repository, tag, pace);
  } catch (...) {
    looked.failure = current_error();
  }
  const auto took = world_.clock.steady() - asked;
  if (!list_.find(id)) co_return overtaken();
  if (resolved)
    co_await record_answer(id, std::move(*resolved), began, std::move(owed), looked);
  else
    co_await note_refusal(id, *looked.failure, began);
  count_look(repository->registry, looked, took);
  co_return looked;
}

Task<registry::Resolved> Poller::ask(Id id, oci::Repository repository, std::string tag,
                                     registry::Pace pace) {
  const auto known = known_to_all(id);
  auto resolved = co_await registry_.look(repository, tag, pace, known);
  // Those who came meanwhile need more than that it is unchanged.
  if (resolved && resolved->unchanged && known_to_all(id) != known)
    resolved = co_await registry_.look(repository, tag, pace);
  if (!resolved)
    throw Error(ErrorKind::not_found, repository.text() + ":" + tag + ": the registry has no such tag (404)");
  co_return std::move(*resolved);
}

/// The digest with which nothing is left to do for anybody.
std::optional<oci::Digest> Poller::known_to_all(Id id) {
  const auto* look = list_.find(id);
  if (!look || look->subscribers.empty()) return std::nullopt;
  const auto& digest = look->subscribers.front().status->digest;
  const bool all = std::all_of(look->subscribers.begin(), look->subscribers.end(), [&](const auto& one) {
    return one.seen.settled && one.status->error.empty() && one.status->digest == digest;
  });
  return all ? digest : std::nullopt;
}

void Poller::count_look(const std::string& registry, const Looked& looked, Steady::duration took) {
  if (looked.failure && looked.failure->kind() == ErrorKind::cancelled) return;
  const auto result = looked.failure           ? LookResult::failed
                      : looked.changed.empty() ? LookResult::unchanged
                                               : LookResult::changed;
  freshness_.count(registry, result, took);
}

Task<registry::Resolved> Poller::look_now(std::string name) {
  const auto pipeline = config_->watched(name);
  if (!pipeline) throw Error(ErrorKind::not_found, "no pipeline is called '" + printable(name, 80) + "'");
  auto repository = pipeline->upstream.repository;
  auto tag = pipeline->upstream.tag.value_or("latest");
  auto resolved = co_await registry_.look(std::move(repository), std::move(tag));
  if (!resolved)
    throw Error(ErrorKind::not_found, pipeline->upstream.text() + ": the registry has no such tag (404)");
  co_return std::move(*resolved);
}

}  // namespace sluice::engine
