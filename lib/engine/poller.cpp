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

}  // namespace

Poller::Poller(World world, registry::Client& registry, Signal& new_jobs, Signal& changes)
    : world_(world),
      registry_(registry),
      new_jobs_(new_jobs),
      changes_(changes),
      scheduler_(world.random),
      sets_(world, registry),
      beat_(world.clock.steady()),
      last_seen_due_(beat_ + between_last_seen) {}

void Poller::configure(std::shared_ptr<const config::Config> config) {
  for (const auto& pipeline : config->pipelines) {
    const auto& host = pipeline.upstream.repository.registry;
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
  config_ = std::move(config);
  hurry_joined();
}

void Poller::watch(std::string name, const WatchList::Question& question) {
  const auto put = list_.put(std::move(name), question);
  if (put.ended) scheduler_.remove(std::to_string(*put.ended));
  if (put.fresh)
    scheduler_.put(
        {.key = std::to_string(put.id), .registry = question.repository.registry, .every = question.every},
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
  if (const auto ended = list_.remove(name)) scheduler_.remove(std::to_string(*ended));
}

Task<> Poller::run() {
  const auto executor = co_await boost::asio::this_coro::executor;
  while (!stopping_) {
    const auto seen = wake_.count();
    const auto now = world_.clock.steady();
    beat_ = now;
    for (const auto& key : scheduler_.take_due(now))
      looks_.start(executor, "poll", look_on(std::stoull(key)));
    if (now >= last_seen_due_) {
      last_seen_due_ = now + between_last_seen;
      looks_.start(executor, "times of the last looks", write_last_seen());
    }
    const auto due = scheduler_.next_due();
    waits_until_ = std::min(due.value_or(now + longest_wait), now + longest_wait);
    co_await wake_.wait_past(seen, world_.clock, waits_until_);
  }
  looks_.cancel_all();
  co_await looks_.wait_empty(world_.clock, world_.clock.steady() + std::chrono::seconds(10));
  co_await write_last_seen();
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
  std::optional<Error> failure;
  const auto owed = take_owed(id);
  const auto* look = list_.find(id);
  // What is left of the registry's limit is spread; what somebody pushed is looked at all the same.
  if (look && owed.empty() && registry_.puts_off_looks(look->repository->registry)) {
    scheduler_.finished(std::to_string(id), world_.clock.steady(), true);
    co_return;
  }
  if (look) {
    if (look->is_list())
      failure = co_await look_at_list(id, owed);
    else
      failure = co_await look_at_tag(id, owed);
  }
  const auto retry_after = failure ? failure->retry_after() : std::nullopt;
  // A registry that says "no such tag" did answer: its other tags need not wait.
  const bool answered = !failure || failure->kind() == ErrorKind::not_found;
  scheduler_.finished(std::to_string(id), world_.clock.steady(), answered, retry_after);
  if (!owed.empty()) co_await settle_owed(owed, answered);
}

Task<std::optional<Error>> Poller::look_at_tag(Id id, const Owed& owed) {
  std::optional<Error> failure;
  std::optional<registry::Resolved> resolved;
  const auto repository = list_.find(id)->repository;
  const auto tag = list_.find(id)->tag;
  try {
    const auto pace = owed.empty() ? registry::Pace::look : registry::Pace::begin;
    resolved = co_await registry_.look(*repository, tag, pace);
    if (!resolved)
      throw Error(ErrorKind::not_found,
                  repository->text() + ":" + tag + ": the registry has no such tag (404)");
  } catch (...) {
    failure = current_error();
  }
  const auto* look = list_.find(id);
  if (!look) co_return failure;  // a reload came in between
  const auto at = world_.clock.now();
  std::vector<std::string> others;  // of whom the store must hear, or who failed
  for (const auto& one : look->subscribers) {
    if (!failure && one.seen.settled && one.status->digest == resolved->digest && one.status->error.empty())
      one.status->last_look = at;
    else
      others.push_back(*one.name);
  }
  if (failure && failure->kind() == ErrorKind::not_found) co_await note_missing(others);
  for (const auto& name : others) {
    if (failure) {
      note_failure(name, *failure);
      continue;
    }
    const bool by_webhook =
        std::any_of(owed.begin(), owed.end(), [&](const auto& o) { return o.first == name; });
    auto trouble = co_await record(name, id, *resolved, by_webhook);
    if (trouble) failure = std::move(trouble);
  }
  co_return failure;
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
