// What becomes of a look: history, runs, what `sluice status` says.

#include "core/text.hpp"
#include "engine/poller.hpp"
#include "engine/recorder.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace sluice::engine {
namespace {

// A member that is missing has the list of its set looked at, but a list that names what is not there does
// not make that happen all the time.
constexpr auto between_relists = std::chrono::minutes(1);
// Rows of one transaction, so that others get their turn.
constexpr std::size_t last_seen_piece = 2000;

}  // namespace

// What the store remembers of those whom this look serves.
Task<> Poller::recall(Id id) {
  const auto* look = list_.find(id);
  const auto reference = look->repository->text() + ":" + look->tag;
  std::vector<std::string> unknown;
  for (const auto& one : look->subscribers)
    if (!freshness_.knows(*one.name, reference)) unknown.push_back(*one.name);
  for (const auto& name : unknown)
    co_await freshness_.recall(name, reference);
}

Task<> Poller::record_answer(Id id, registry::Resolved resolved, Time began, Promises owed, Looked& looked) {
  const auto others = note_unchanged(id, resolved.digest, began);
  for (const auto& name : others) {
    const auto promise = owed.find(name);
    const Freshness::Look how{
        .began = began, .told = promise == owed.end() ? std::nullopt : std::optional(promise->second.since)};
    co_await record(name, id, resolved, how, looked);
  }
}

// Most looks find what is known, of which the store need not hear. Those for whom it is otherwise.
std::vector<std::string> Poller::note_unchanged(Id id, const oci::Digest& digest, Time began) {
  std::vector<std::string> others;
  for (const auto& one : list_.find(id)->subscribers) {
    if (!one.seen.settled || one.status->digest != digest || !one.status->error.empty()) {
      others.push_back(*one.name);
      continue;
    }
    one.status->last_look = world_.clock.now();
    freshness_.unchanged(*one.name, {.began = began, .told = {}}, digest);
  }
  return others;
}

Task<> Poller::note_refusal(Id id, Error failure, Time began) {
  std::vector<std::string> names;
  for (const auto& one : list_.find(id)->subscribers)
    names.push_back(*one.name);
  if (failure.kind() == ErrorKind::not_found) {
    for (const auto& name : names)
      freshness_.gone(name, {.began = began, .told = {}});
    co_await note_missing(names);
  }
  for (const auto& name : names)
    note_failure(name, failure);
}

Task<> Poller::record(std::string name, Id id, registry::Resolved resolved, Freshness::Look look,
                      Looked& looked) {
  if (list_.of(name) != id) co_return;  // a reload came in between
  std::optional<Error> failure;
  bool changed = false;
  try {
    const auto pipeline = config_->watched(name);
    if (pipeline) changed = co_await record_seen(*pipeline, std::move(resolved), look);
  } catch (...) {
    failure = current_error();
  }
  if (changed) looked.changed.insert(name);
  if (!failure) {
    note_answer(name);
    co_return;
  }
  note_failure(name, *failure);
  looked.failure = std::move(failure);
}

Task<bool> Poller::record_seen(config::Pipeline pipeline, registry::Resolved resolved, Freshness::Look look) {
  auto* watch = list_.subscriber(pipeline.name);
  if (!watch) co_return false;
  const auto at = world_.clock.now();
  const auto last_look = watch->status->last_look;
  const auto again = std::max<Milliseconds>(config_->retry_most, pipeline.poll.every);
  watch->seen = {};
  std::optional<Recorded> recorded;
  // Most looks that ask the store find nothing to write, after a start for instance; what has moved is news.
  if (const auto& known = watch->status->digest; !known || *known == resolved.digest) {
    auto query = [pipeline, resolved, at, again](store::Tables& tables) {
      return nothing_new(tables, pipeline, resolved, at, again);
    };
    recorded = co_await world_.store.read(std::move(query));
  }
  auto written = Time::min();
  const auto news = freshness_.judge(pipeline.name, look, resolved, at);
  if (!recorded) {
    const std::string learned_by = look.told ? "webhook" : "poll";
    auto change = [pipeline, resolved, learned_by, last_look, at, again, news](store::Tables& tables) {
      const auto result = engine::record(tables, pipeline, resolved, learned_by, last_look, at, again);
      if (result.changed) Freshness::keep(tables, result.observation, pipeline.name, news);
      return result;
    };
    recorded = co_await world_.store.write(std::move(change));
    written = at;
  }
  if (recorded->changed) {
    freshness_.changed(pipeline.name, look, resolved.digest, news, at);
    spdlog::info("{}: {} is now {}", pipeline.name, pipeline.upstream.text(), resolved.digest.text());
  } else {
    freshness_.unchanged(pipeline.name, look, resolved.digest);
  }
  if (recorded->changed || recorded->run) {
    new_jobs_.notify();
    changes_.notify();
  }
  watch = list_.subscriber(pipeline.name);
  if (!watch) co_return recorded->changed;
  watch->seen = {.observation = recorded->observation, .written = written, .settled = recorded->settled};
  watch->status->last_look = at;
  watch->status->digest = resolved.digest;
  co_return recorded->changed;
}

void Poller::unsettle(const std::string& pipeline) {
  auto names = list_.members(pipeline);
  names.push_back(pipeline);
  for (const auto& name : names) {
    freshness_.distrust(name);
    if (auto* watch = list_.subscriber(name)) watch->seen.settled = false;
  }
}

void Poller::note_answer(const std::string& name) {
  auto* watch = list_.subscriber(name);
  if (!watch) return;
  auto& status = *watch->status;
  if (!status.error.empty()) spdlog::info("{}: upstream answers again", name);
  status.error.clear();
  status.failing_since.reset();
  // Of a list there is no digest to be recorded with the time.
  const auto* pipeline = config_->pipeline(name);
  if (pipeline && pipeline->is_set()) status.last_look = world_.clock.now();
}

void Poller::note_failure(const std::string& name, const Error& failure) {
  auto* watch = list_.subscriber(name);
  if (!watch || failure.kind() == ErrorKind::cancelled) return;
  auto& status = *watch->status;
  // Told once: a registry that is down or limited is told by its own gate.
  if (status.error.empty() || status.error_kind != failure.kind())
    spdlog::warn("{}: {}", name, printable(failure.what()));
  status.error = failure.what();
  status.error_kind = failure.kind();
  if (!status.failing_since) status.failing_since = world_.clock.now();
}

// C7: what is gone is told once. A member is gone when the list of its set says so; a list or a tag of its
// own is gone when the registry does.
Task<> Poller::note_missing(std::vector<std::string> names) {
  const auto now = world_.clock.steady();
  for (const auto& name : names) {
    const auto* watch = list_.subscriber(name);
    if (!watch) continue;
    if (const auto key = config::split_key(name)) {
      std::string set(key->set);
      const auto list = list_.of(set);
      auto& last = relisted_.try_emplace(set, Steady::min()).first->second;
      if (!list || (last != Steady::min() && now - last < between_relists)) continue;
      last = now;
      scheduler_.hurry(std::to_string(*list), now);
      wake_.notify();
    } else if (!watch->status->failing_since) {
      const auto* pipeline = config_->pipeline(name);
      if (!pipeline) continue;
      const auto what = pipeline->is_set() ? "repository " + pipeline->upstream.repository.text()
                                           : "tag " + pipeline->upstream.text();
      co_await record_withdrawn(name, what);
    }
  }
}

// Not again for what was told before and not seen since.
Task<> Poller::record_withdrawn(std::string name, std::string what) {
  const auto at = world_.clock.now();
  const auto* watch = list_.subscriber(name);
  const auto last_look = watch ? watch->status->last_look : std::nullopt;
  auto change = [name, what, last_look, at](store::Tables& tables) {
    const auto seen = tables.observations.latest(name);
    if (!seen && !last_look) return;
    const auto last = std::max(seen ? seen->last_seen : Time::min(), last_look.value_or(Time::min()));
    for (const auto& entry : tables.audit.list(name, 20))
      if (entry.action == "withdrawn" && entry.at >= last) return;
    tables.audit.append({.at = at,
                         .who = "sluice",
                         .action = "withdrawn",
                         .pipeline = name,
                         .detail = "the registry has no " + what + " any more"});
  };
  std::optional<Error> failure;
  try {
    co_await world_.store.write(std::move(change));
  } catch (...) {
    failure = current_error();
  }
  if (failure) spdlog::warn("{}: {}", name, printable(failure->what()));
}

Task<> Poller::write_last_seen() {
  std::vector<std::pair<std::int64_t, Time>> rows;
  list_.each([&](WatchList::Look& look) {
    for (auto& one : look.subscribers) {
      if (one.seen.observation == 0 || !one.status->last_look || *one.status->last_look <= one.seen.written)
        continue;
      one.seen.written = *one.status->last_look;
      rows.emplace_back(one.seen.observation, one.seen.written);
    }
  });
  for (std::size_t from = 0; from < rows.size(); from += last_seen_piece) {
    const auto first = rows.begin() + static_cast<std::ptrdiff_t>(from);
    const auto count = std::min(last_seen_piece, rows.size() - from);
    auto change =
        [piece = std::vector(first, first + static_cast<std::ptrdiff_t>(count))](store::Tables& tables) {
          for (const auto& [observation, at] : piece)
            tables.observations.touch(observation, at);
        };
    co_await world_.store.write(std::move(change));
  }
}

}  // namespace sluice::engine
