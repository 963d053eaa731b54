#include "watch/scheduler.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace sluice::watch {
namespace {

constexpr Milliseconds first_within{2000};
constexpr Milliseconds longest_retry_after = std::chrono::minutes(15);
constexpr Milliseconds longest_backoff = std::chrono::minutes(5);

Steady::duration scaled(Milliseconds duration, double factor) {
  using Fraction = std::chrono::duration<double, std::milli>;
  return std::chrono::duration_cast<Steady::duration>(
      Fraction(static_cast<double>(duration.count()) * factor));
}

/// Orders by time; the serial number keeps equal times apart, first come first served.
struct Due {
  Steady at;
  std::uint64_t serial = 0;
  bool operator<(const Due& other) const { return std::tie(at, serial) < std::tie(other.at, other.serial); }
};

struct Entry {
  Watch watch;
  Due due;
  int failures = 0;  // in a row
  bool out = false;
  bool again = false;               // hurried or changed while out
  Steady again_at = Steady::max();  // when the look after the one in hand is due
  bool removed = false;             // while out: goes when its look ended
  std::string out_of;               // the registry that the look in hand counts for

  void look_again(Steady at) {
    again = true;
    again_at = std::min(again_at, at);
  }
};

struct Registry {
  std::size_t most = 0;  // looks out at a time
  std::size_t out = 0;
  int failures = 0;  // in a row, of all its watches together
  Steady blocked_until = Steady::min();
  std::map<Due, Entry*> waiting;  // its watches that are not out
  std::optional<Due> queued;      // its place in the queue, if it has one
};

}  // namespace

// Two levels: each registry orders its own watches; the queue orders the registries that have a watch waiting
// and room for a look. A registry without room is in no queue and costs nothing until one of its looks ends.
struct Scheduler::State {
  Random& random;
  std::size_t per_registry;
  std::unordered_map<std::string, Entry> entries = {};
  std::unordered_map<std::string, Registry> registries = {};
  std::unordered_map<std::string, std::size_t> limits = {};
  std::map<Due, Registry*> queue = {};
  std::uint64_t serial = 0;
  std::size_t live = 0;

  Registry& registry(const std::string& name) {
    const auto [found, added] = registries.try_emplace(name);
    if (added) {
      const auto own = limits.find(name);
      found->second.most = own == limits.end() ? per_registry : own->second;
    }
    return found->second;
  }

  /// Gives the registry the place in the queue that its state now deserves.
  void place(Registry& registry) {
    if (registry.queued) queue.erase(*registry.queued);
    registry.queued.reset();
    if (registry.waiting.empty() || registry.out >= registry.most) return;
    const auto head = registry.waiting.begin()->first;
    registry.queued = Due{std::max(head.at, registry.blocked_until), head.serial};
    queue.emplace(*registry.queued, &registry);
  }

  void forget_unused(const std::string& name) {
    const auto found = registries.find(name);
    if (found != registries.end() && found->second.waiting.empty() && found->second.out == 0)
      registries.erase(found);
  }

  void enqueue(Entry& entry, Steady at) {
    entry.due = {at, ++serial};
    auto& own = registry(entry.watch.registry);
    own.waiting.emplace(entry.due, &entry);
    place(own);
  }

  void dequeue(Entry& entry) {
    auto& own = registry(entry.watch.registry);
    own.waiting.erase(entry.due);
    place(own);
  }

  Steady drawn(const Next& next) {
    using Fraction = std::chrono::duration<double, Steady::period>;
    return next.at + std::chrono::duration_cast<Steady::duration>(Fraction(next.spread) * random.unit());
  }
  Steady after_failure(Entry& entry, Registry& looked_at, Steady now,
                       std::optional<Milliseconds> retry_after);
};

// Looks that failed while the registry was already blocked went out before it was: one outage, one step of
// backoff.
Steady Scheduler::State::after_failure(Entry& entry, Registry& looked_at, Steady now,
                                       std::optional<Milliseconds> retry_after) {
  const Backoff backoff{.most = std::clamp(entry.watch.every, Milliseconds(1), longest_backoff / 8) * 8};
  const auto asked = std::clamp(retry_after.value_or(Milliseconds(0)), Milliseconds(0), longest_retry_after);
  const auto own = std::max(asked, backoff.wait(++entry.failures, random.unit()));
  auto shared = asked;
  if (now >= looked_at.blocked_until)
    shared = std::max(asked, backoff.wait(++looked_at.failures, random.unit()));
  looked_at.blocked_until = std::max(looked_at.blocked_until, now + shared);
  // Somebody asked meanwhile: only the registry's pause is in the way, not the watch's own.
  return entry.again ? std::max(now, entry.again_at) : std::max(now + own, looked_at.blocked_until);
}

Next after(Steady now, Milliseconds pace) {
  return {now + scaled(pace, 0.9), scaled(pace, 0.2)};
}

Scheduler::Scheduler(Random& random, std::size_t per_registry)
    : state_(new State{.random = random, .per_registry = std::max<std::size_t>(per_registry, 1)}) {}

Scheduler::~Scheduler() = default;

void Scheduler::limit(const std::string& registry, std::size_t most) {
  state_->limits[registry] = std::max<std::size_t>(most, 1);
  const auto found = state_->registries.find(registry);
  if (found == state_->registries.end()) return;
  found->second.most = std::max<std::size_t>(most, 1);
  state_->place(found->second);
}

void Scheduler::put(Watch watch, Steady now) {
  watch.every = std::max(watch.every, Milliseconds(1));
  const auto [found, added] = state_->entries.try_emplace(watch.key);
  auto& entry = found->second;
  if (added || entry.removed) ++state_->live;
  entry.removed = false;
  entry.failures = 0;
  if (!added && !entry.out) {
    state_->dequeue(entry);
    state_->forget_unused(entry.watch.registry);
  }
  entry.watch = std::move(watch);
  if (entry.out)
    entry.look_again(now);
  else
    state_->enqueue(entry, now + scaled(std::min(entry.watch.every, first_within), state_->random.unit()));
}

void Scheduler::remove(const std::string& key) {
  const auto found = state_->entries.find(key);
  if (found == state_->entries.end() || found->second.removed) return;
  --state_->live;
  if (found->second.out) {
    found->second.removed = true;
    return;
  }
  state_->dequeue(found->second);
  state_->forget_unused(found->second.watch.registry);
  state_->entries.erase(found);
}

bool Scheduler::hurry(const std::string& key, Steady at) {
  const auto found = state_->entries.find(key);
  if (found == state_->entries.end() || found->second.removed) return false;
  auto& entry = found->second;
  if (entry.out) {
    entry.look_again(at);
  } else if (entry.due.at > at) {
    state_->dequeue(entry);
    state_->enqueue(entry, at);
  }
  return true;
}

std::vector<std::string> Scheduler::take_due(Steady now) {
  std::vector<std::string> due;
  while (!state_->queue.empty() && state_->queue.begin()->first.at <= now) {
    auto& registry = *state_->queue.begin()->second;
    auto& entry = *registry.waiting.begin()->second;
    registry.waiting.erase(registry.waiting.begin());
    ++registry.out;
    entry.out = true;
    entry.again = false;
    entry.again_at = Steady::max();
    entry.out_of = entry.watch.registry;
    state_->place(registry);
    due.push_back(entry.watch.key);
  }
  return due;
}

void Scheduler::put_off(const std::string& key, Next next) {
  const auto found = state_->entries.find(key);
  if (found == state_->entries.end()) return;
  auto& entry = found->second;
  if (entry.out || entry.removed || entry.failures > 0) return;
  state_->dequeue(entry);
  state_->enqueue(entry, state_->drawn(next));
}

void Scheduler::finished(const std::string& key, Steady now, bool ok, std::optional<Milliseconds> retry_after,
                         std::optional<Next> next) {
  const auto found = state_->entries.find(key);
  if (found == state_->entries.end() || !found->second.out) return;
  auto& entry = found->second;
  auto& looked_at = state_->registry(entry.out_of);
  const auto looked_at_name = std::exchange(entry.out_of, {});
  entry.out = false;
  --looked_at.out;
  auto due = now;
  if (ok) {
    entry.failures = looked_at.failures = 0;
    due = entry.again ? std::max(now, entry.again_at)
                      : state_->drawn(next.value_or(after(now, entry.watch.every)));
  } else {
    due = state_->after_failure(entry, looked_at, now, retry_after);
  }
  const bool removed = entry.removed;
  if (removed)
    state_->entries.erase(found);
  else
    state_->enqueue(entry, due);
  state_->place(looked_at);
  state_->forget_unused(looked_at_name);
}

std::optional<Steady> Scheduler::next_due() const {
  if (state_->queue.empty()) return std::nullopt;
  return state_->queue.begin()->first.at;
}

std::size_t Scheduler::size() const {
  return state_->live;
}

}  // namespace sluice::watch
