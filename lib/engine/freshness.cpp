#include "engine/freshness.hpp"

#include "core/text.hpp"
#include "store/tables.hpp"

#include <algorithm>
#include <functional>

#include <spdlog/spdlog.h>

namespace sluice::engine {
namespace {

constexpr std::size_t most_registries = 1000;
// Each look moves the mean by an eighth.
constexpr int mean_of = 8;
// From a webhook that is looked into at once to a tag that is polled once a week.
const std::vector<double> delay_bounds{0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 900, 3600, 14'400, 86'400, 604'800};

std::size_t hash_of(const std::string& text) {
  return std::hash<std::string>()(text);
}

watch::HookRecord from_row(const store::HookRecord& row) {
  return {.told = row.told,
          .missed = row.missed,
          .streak = row.streak,
          .delivered = row.delivered,
          .untold = row.untold};
}

watch::Detection from_row(const store::Detection& row) {
  return {.seen = row.seen,
          .not_before = row.not_before,
          .changed = row.changed,
          .by = watch::known_by_from(row.known_by)};
}

Freshness::Memory read_memory(store::Tables& tables, const std::string& watch, const std::string& reference) {
  Freshness::Memory memory;
  memory.reference = hash_of(reference);
  memory.complete = true;
  auto history = tables.observations.history(watch, static_cast<int>(watch::Rhythm::kept));
  // A watch that was pointed elsewhere begins anew.
  const auto other = std::find_if(history.begin(), history.end(),
                                  [&](const auto& row) { return row.reference != reference; });
  history.erase(other, history.end());
  for (auto row = history.rbegin(); row != history.rend(); ++row)
    memory.rhythm.changed(row->first_seen);
  if (history.empty()) return memory;
  memory.digest = hash_of(history.front().digest.text());
  memory.known_at = history.front().last_seen;
  if (const auto hooks = tables.freshness.hooks(watch)) memory.hooks = from_row(*hooks);
  if (const auto last = tables.freshness.latest(watch)) memory.last = from_row(*last);
  return memory;
}

Milliseconds cron_pace(const config::Poll& poll, Time now) {
  const auto next = poll.cron->next(now, *poll.zone);
  const auto after = next ? poll.cron->next(*next, *poll.zone) : std::nullopt;
  return after ? std::chrono::duration_cast<Milliseconds>(*after - *next) : poll.every;
}

}  // namespace

Freshness::Freshness(World world) : world_(world) {
  for (const auto by : {watch::KnownBy::webhook, watch::KnownBy::last_modified, watch::KnownBy::nothing})
    delays_.emplace(by, Histogram(delay_bounds));
}

bool Freshness::knows(const std::string& watch, const std::string& reference) {
  const auto found = memories_.find(watch);
  if (found == memories_.end() || !found->second.complete || found->second.reference != hash_of(reference))
    return false;
  settle(found->second);
  return true;
}

Task<> Freshness::recall(std::string watch, std::string reference) {
  auto query = [watch, reference](store::Tables& tables) { return read_memory(tables, watch, reference); };
  std::optional<Memory> memory;
  std::optional<Error> failure;
  try {
    memory = co_await world_.store.read(std::move(query));
  } catch (...) {
    failure = current_error();
  }
  if (failure) {
    if (failure->kind() == ErrorKind::cancelled) throw *failure;
    spdlog::warn("{}: its history cannot be read: {}", watch, printable(failure->what()));
    co_return;
  }
  const auto known = memories_.find(watch);
  if (known != memories_.end() && known->second.reference == hash_of(reference)) {
    // What we know better: unchanged answers and deliveries are not written each time.
    const auto& old = known->second;
    if (old.known_at && memory->known_at) memory->known_at = std::max(*memory->known_at, *old.known_at);
    memory->hooks = old.hooks;
    memory->unsaved = old.unsaved;
  }
  settle(memories_.insert_or_assign(watch, std::move(*memory)).first->second);
}

void Freshness::distrust(const std::string& watch) {
  if (const auto found = memories_.find(watch); found != memories_.end()) found->second.complete = false;
}

void Freshness::settle(Memory& memory) {
  const auto before = memory.hooks.missed;
  memory.hooks = watch::settled(memory.hooks, world_.clock.now());
  if (memory.hooks.missed == before) return;
  ++missed_;
  memory.unsaved = true;
}

Freshness::News Freshness::judge(const std::string& watch, const Look& look, const registry::Resolved& seen,
                                 Time at) const {
  News news;
  const auto* memory = of(watch);
  if (!memory || !memory->digest || !memory->known_at) {
    if (memory) news.hooks = memory->hooks;
    return news;
  }
  news.hooks = watch::after_change(memory->hooks, look.told.has_value(), at);
  news.detection = watch::detect({.seen = at,
                                  .not_before = std::min(*memory->known_at, at),
                                  .told = look.told,
                                  .modified = seen.modified});
  return news;
}

void Freshness::keep(store::Tables& tables, std::int64_t observation, const std::string& watch,
                     const News& news) {
  if (!news.detection) return;
  tables.freshness.put(store::Detection{.observation = observation,
                                        .watch = watch,
                                        .seen = news.detection->seen,
                                        .not_before = news.detection->not_before,
                                        .changed = news.detection->changed,
                                        .known_by = std::string(watch::to_string(news.detection->by))});
  save(tables, watch, news.hooks);
}

void Freshness::save(store::Tables& tables, const std::string& watch, const watch::HookRecord& record) {
  tables.freshness.put(store::HookRecord{.watch = watch,
                                         .told = record.told,
                                         .missed = record.missed,
                                         .streak = record.streak,
                                         .delivered = record.delivered,
                                         .untold = record.untold});
}

void Freshness::unchanged(const std::string& watch, const Look& look, const oci::Digest& digest) {
  const auto found = memories_.find(watch);
  if (found == memories_.end()) return;
  found->second.known_at = look.began;
  // A person's look was faster, and wrote what it saw.
  if (found->second.digest != hash_of(digest.text())) found->second.complete = false;
}

void Freshness::changed(const std::string& watch, const Look& look, const oci::Digest& digest,
                        const News& news, Time at) {
  const auto found = memories_.find(watch);
  if (found == memories_.end()) return;
  auto& memory = found->second;
  memory.known_at = look.began;
  memory.digest = hash_of(digest.text());
  memory.rhythm.changed(at);
  if (news.hooks.missed > memory.hooks.missed) ++missed_;
  // A delivery may have come while the change was written.
  const auto delivered = memory.hooks.delivered;
  const bool overtaken = delivered && (!news.hooks.delivered || *news.hooks.delivered < *delivered);
  memory.hooks = overtaken ? watch::after_delivery(news.hooks, *delivered) : news.hooks;
  if (!news.detection) return;
  memory.unsaved = overtaken;
  memory.last = news.detection;
  const auto seconds = std::chrono::duration<double>(news.detection->delay()).count();
  delays_.at(news.detection->by).add(seconds);
}

void Freshness::gone(const std::string& watch, const Look& look) {
  if (const auto found = memories_.find(watch); found != memories_.end()) found->second.known_at = look.began;
}

void Freshness::count(const std::string& registry, LookResult result, Steady::duration took) {
  const bool other = looks_.size() >= most_registries && !looks_.contains(registry);
  auto& looks = looks_[other ? std::string("other") : registry];
  if (result == LookResult::failed) {
    ++looks.failed;
    return;  // a refusal is fast and a timeout slow: neither says how long a look takes
  }
  ++(result == LookResult::changed ? looks.changed : looks.unchanged);
  const auto ms = std::chrono::ceil<Milliseconds>(took);
  looks.takes = looks.takes ? (*looks.takes * (mean_of - 1) + ms) / mean_of : ms;
}

void Freshness::delivered(const std::string& watch, Time at) {
  const auto found = memories_.find(watch);
  if (found == memories_.end()) return;
  settle(found->second);
  const bool awaited = found->second.hooks.untold.has_value();
  found->second.hooks = watch::after_delivery(found->second.hooks, at);
  found->second.unsaved = found->second.unsaved || awaited;
}

std::optional<watch::HookRecord> Freshness::take_unsaved(const std::string& watch) {
  const auto found = memories_.find(watch);
  if (found == memories_.end() || !std::exchange(found->second.unsaved, false)) return std::nullopt;
  return found->second.hooks;
}

void Freshness::keep_unsaved(const std::string& watch) {
  if (const auto found = memories_.find(watch); found != memories_.end()) found->second.unsaved = true;
}

Milliseconds Freshness::pace(const std::string& watch, const config::Poll& poll) const {
  const auto now = world_.clock.now();
  if (poll.cron) return cron_pace(poll, now);
  const auto* memory = of(watch);
  if (!memory) return poll.every;
  const watch::Pace pace{.every = poll.every, .slowest = poll.slowest_pace()};
  return watch::interval(pace, memory->rhythm, any_webhooks_ && hooks(watch).live(), now);
}

const Freshness::Memory* Freshness::of(const std::string& watch) const {
  const auto found = memories_.find(watch);
  return found == memories_.end() ? nullptr : &found->second;
}

watch::HookRecord Freshness::hooks(const std::string& watch) const {
  const auto* memory = of(watch);
  return memory ? watch::settled(memory->hooks, world_.clock.now()) : watch::HookRecord();
}

}  // namespace sluice::engine
