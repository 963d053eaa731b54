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
constexpr Milliseconds longest_return = std::chrono::minutes(1);
// After a probe that never came to ask.
constexpr Milliseconds idle_probe = std::chrono::seconds(1);

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
  int failures = 0;     // in a row, of its own
  bool failed = false;  // the last look did
  bool hurried = false;
  bool out = false;
  bool probe = false;               // while out: alone, to see whether the registry answers
  bool again = false;               // hurried or changed while out
  bool removed = false;             // while out: goes when its look ended
  Steady again_at = Steady::max();  // when the look after the one in hand is due
  std::string out_of;               // the registry that the look in hand counts for

  void look_again(Steady at) {
    again = true;
    again_at = std::min(again_at, at);
  }
};

using Line = std::map<Due, Entry*>;

/// The head's place; later than everything when nobody waits.
Due head_of(const Line& line) {
  return line.empty() ? Due{Steady::max()} : line.begin()->first;
}

Due tail_of(const Line& line) {
  return line.empty() ? Due{Steady::min()} : line.rbegin()->first;
}

struct Registry {
  std::size_t most = 0;  // looks out at a time
  std::size_t out = 0;
  std::optional<Steady> held_until;
  bool probing = false;               // held, and a probe is out
  Steady looks_from = Steady::min();  // for what nobody hurried
  Line waiting, hurried;              // its watches that are not out
  std::optional<Due> queued;          // its place in the queue, if it has one

  Line& line_of(const Entry& entry) { return entry.hurried ? hurried : waiting; }
  /// When the last in line is due.
  Steady last() const { return std::max(tail_of(waiting).at, tail_of(hurried).at); }
  bool is_idle() const { return waiting.empty() && hurried.empty() && out == 0; }
  /// When its next look may go out; nullopt when none can.
  std::optional<Due> turn() const {
    const auto due = std::min(head_of(waiting), head_of(hurried));
    if (due.at == Steady::max() || out >= most || (held_until && probing)) return std::nullopt;
    if (held_until) return Due{*held_until, due.serial};
    auto polled = head_of(waiting);
    polled.at = std::max(polled.at, looks_from);
    return std::min(polled, head_of(hurried));
  }
  /// The line whose head is taken now that it is its turn.
  Line& next(Steady now) {
    if (held_until) return head_of(hurried) < head_of(waiting) ? hurried : waiting;
    return head_of(hurried).at <= now ? hurried : waiting;
  }
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
  Registry* known(const std::string& name) {
    const auto found = registries.find(name);
    return found == registries.end() ? nullptr : &found->second;
  }

  /// Gives the registry the place in the queue that its state now deserves.
  void place(Registry& registry) {
    if (registry.queued) queue.erase(*registry.queued);
    registry.queued = registry.turn();
    if (registry.queued) queue.emplace(*registry.queued, &registry);
  }

  void forget_unused(const std::string& name) {
    const auto* found = known(name);
    if (found && found->is_idle()) registries.erase(name);
  }

  void enqueue(Entry& entry, Steady at) {
    entry.due = {at, ++serial};
    auto& own = registry(entry.watch.registry);
    own.line_of(entry).emplace(entry.due, &entry);
    place(own);
  }

  void dequeue(Entry& entry) {
    auto& own = registry(entry.watch.registry);
    own.line_of(entry).erase(entry.due);
    place(own);
  }

  Steady drawn(const Next& next) {
    using Fraction = std::chrono::duration<double, Steady::period>;
    return next.at + std::chrono::duration_cast<Steady::duration>(Fraction(next.spread) * random.unit());
  }

  const std::string& take(Registry& from, Steady now);
  Steady after_failure(Entry& entry, Steady now, std::optional<Milliseconds> retry_after);
  bool end_look(Registry& looked_at, Entry& entry, Steady now);
  void let_go(Registry& registry, Steady now);
};

const std::string& Scheduler::State::take(Registry& from, Steady now) {
  auto& line = from.next(now);
  auto& entry = *line.begin()->second;
  line.erase(line.begin());
  ++from.out;
  entry.out = true;
  entry.probe = from.probing = from.held_until.has_value();
  entry.again = false;
  entry.again_at = Steady::max();
  entry.out_of = entry.watch.registry;
  place(from);
  return entry.watch.key;
}

// A time that was told is not the watch's fault, and waits for no longer than was told.
Steady Scheduler::State::after_failure(Entry& entry, Steady now, std::optional<Milliseconds> retry_after) {
  entry.failed = true;
  if (entry.again) return std::max(now, entry.again_at);
  if (retry_after) return now + std::clamp(*retry_after, Milliseconds(0), longest_retry_after);
  const Backoff backoff{.most = std::clamp(entry.watch.every, Milliseconds(1), longest_backoff / 8) * 8};
  return now + backoff.wait(++entry.failures, random.unit());
}

/// True when it was a probe and the registry is still held.
bool Scheduler::State::end_look(Registry& looked_at, Entry& entry, Steady now) {
  entry.out = false;
  --looked_at.out;
  if (!std::exchange(entry.probe, false)) return false;
  looked_at.probing = false;
  if (looked_at.held_until && *looked_at.held_until <= now) looked_at.held_until = now + idle_probe;
  return looked_at.held_until.has_value();
}

void Scheduler::State::let_go(Registry& registry, Steady now) {
  registry.held_until.reset();
  registry.probing = false;
  std::vector<Entry*> returning;
  for (const auto* line : {&registry.waiting, &registry.hurried})
    for (const auto& [due, entry] : *line)
      if (due.at <= now || entry->failed) returning.push_back(entry);
  for (auto* entry : returning) {
    registry.line_of(*entry).erase(entry->due);
    entry->failures = 0;
    entry->failed = false;
    const auto spread = entry->hurried ? Milliseconds(0) : std::min(entry->watch.every / 2, longest_return);
    entry->due = {now + scaled(spread, random.unit()), ++serial};
    registry.line_of(*entry).emplace(entry->due, entry);
  }
}

Next after(Steady now, Milliseconds pace) {
  return {now + scaled(pace, 0.9), scaled(pace, 0.2)};
}

Scheduler::Scheduler(Random& random, std::size_t per_registry)
    : state_(new State{.random = random, .per_registry = std::max<std::size_t>(per_registry, 1)}) {}

Scheduler::~Scheduler() = default;

void Scheduler::limit(const std::string& registry, std::size_t most) {
  state_->limits[registry] = std::max<std::size_t>(most, 1);
  auto* found = state_->known(registry);
  if (!found) return;
  found->most = std::max<std::size_t>(most, 1);
  state_->place(*found);
}

void Scheduler::hold(const std::string& registry, std::optional<Steady> until, Steady now) {
  auto* found = state_->known(registry);
  if (!found || found->held_until == until) return;
  if (until)
    found->held_until = until;
  else
    state_->let_go(*found, now);
  state_->place(*found);
}

void Scheduler::pace(const std::string& registry, Steady from) {
  auto* found = state_->known(registry);
  if (!found || found->looks_from == from) return;
  found->looks_from = from;
  state_->place(*found);
}

void Scheduler::put(Watch watch, Steady now) {
  watch.every = std::max(watch.every, Milliseconds(1));
  const auto [found, added] = state_->entries.try_emplace(watch.key);
  auto& entry = found->second;
  if (added || entry.removed) ++state_->live;
  entry.removed = false;
  if (!added && !entry.out) {
    state_->dequeue(entry);
    state_->forget_unused(entry.watch.registry);
  }
  entry.failures = 0;
  entry.failed = entry.hurried = false;
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
  } else if (entry.due.at > at || !entry.hurried) {
    const auto due = std::min(entry.due.at, at);
    state_->dequeue(entry);
    entry.hurried = true;
    state_->enqueue(entry, due);
  }
  return true;
}

std::vector<std::string> Scheduler::take_due(Steady now) {
  std::vector<std::string> due;
  while (!state_->queue.empty() && state_->queue.begin()->first.at <= now)
    due.push_back(state_->take(*state_->queue.begin()->second, now));
  return due;
}

void Scheduler::put_off(const std::string& key, Next next) {
  const auto found = state_->entries.find(key);
  if (found == state_->entries.end()) return;
  auto& entry = found->second;
  if (entry.out || entry.removed || entry.failed || entry.hurried) return;
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
  const bool in_vain = state_->end_look(looked_at, entry, now);
  auto due = now;
  if (ok) {
    entry.failures = 0;
    entry.failed = false;
    due = entry.again ? std::max(now, entry.again_at)
                      : state_->drawn(next.value_or(after(now, entry.watch.every)));
  } else {
    due = state_->after_failure(entry, now, retry_after);
    // One that fails by its own fault must not be the probe again and again.
    if (in_vain && !entry.again) due = std::max(due, looked_at.last());
  }
  entry.hurried = entry.again || (entry.hurried && !ok);
  if (entry.removed)
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
