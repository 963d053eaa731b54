#include "watch/scheduler.hpp"

#include "watch/turns.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

namespace sluice::watch {
namespace {

struct Registry {
  Turns turns;
  std::optional<Due> queued = {};  // its place in the queue, if it has one
};

}  // namespace

// Two levels: each registry orders its own watches; the queue orders the registries that have a watch waiting
// and room for a look. A registry without room is in no queue and costs nothing until one of its looks ends.
struct Scheduler::State {
  Random& random;
  std::size_t per_registry;
  std::unordered_map<std::string, Watched> watches = {};
  std::unordered_map<std::string, Registry> registries = {};
  std::unordered_map<std::string, std::size_t> limits = {};
  std::map<Due, Registry*> queue = {};
  std::uint64_t serial = 0;
  std::size_t live = 0;

  Registry& registry(const std::string& name) {
    if (auto* found = known(name)) return *found;
    const auto own = limits.find(name);
    return registries.emplace(name, Registry{Turns(own == limits.end() ? per_registry : own->second)})
        .first->second;
  }
  Registry* known(const std::string& name) {
    const auto found = registries.find(name);
    return found == registries.end() ? nullptr : &found->second;
  }
  /// Nullptr as well when it is removed and only its look is still out.
  Watched* live_watch(const std::string& key) {
    const auto found = watches.find(key);
    return found == watches.end() || found->second.removed ? nullptr : &found->second;
  }

  /// Gives the registry the place in the queue that its state now deserves.
  void place(Registry& registry) {
    if (registry.queued) queue.erase(*registry.queued);
    registry.queued = registry.turns.turn();
    if (registry.queued) queue.emplace(*registry.queued, &registry);
  }
  void forget_unused(const std::string& name) {
    const auto* found = known(name);
    if (found && found->turns.is_idle()) registries.erase(name);
  }

  void enqueue(Watched& watched, Steady at) {
    auto& own = registry(watched.watch.registry);
    own.turns.put(watched, {at, ++serial});
    place(own);
  }
  void dequeue(Watched& watched) {
    auto& own = registry(watched.watch.registry);
    own.turns.take_out(watched);
    place(own);
  }
  void leave(Watched& watched) {
    dequeue(watched);
    forget_unused(watched.watch.registry);
  }
};

Scheduler::Scheduler(Random& random, std::size_t per_registry)
    : state_(new State{.random = random, .per_registry = per_registry}) {}

Scheduler::~Scheduler() = default;

void Scheduler::limit(const std::string& registry, std::size_t most) {
  state_->limits[registry] = most;
  auto* found = state_->known(registry);
  if (!found) return;
  found->turns.limit(most);
  state_->place(*found);
}

void Scheduler::hold(const std::string& registry, std::optional<Steady> until, Steady now) {
  auto* found = state_->known(registry);
  if (!found || found->turns.held_until() == until) return;
  if (until)
    found->turns.hold(*until);
  else
    for (auto* watched : found->turns.let_go(now))
      state_->enqueue(*watched, watched->returned(now, state_->random));
  state_->place(*found);
}

void Scheduler::pace(const std::string& registry, Steady from) {
  auto* found = state_->known(registry);
  if (found && found->turns.pace(from)) state_->place(*found);
}

void Scheduler::put(Watch watch, Steady now) {
  watch.every = std::max(watch.every, Milliseconds(1));
  const auto [found, added] = state_->watches.try_emplace(watch.key);
  auto& watched = found->second;
  if (added || watched.removed) ++state_->live;
  watched.removed = false;
  if (!added && !watched.out) state_->leave(watched);
  watched.failures = 0;
  watched.failed = watched.hurried = false;
  watched.watch = std::move(watch);
  if (watched.out)
    watched.look_again(now);
  else
    state_->enqueue(watched, watched.begun(now, state_->random));
}

void Scheduler::remove(const std::string& key) {
  auto* watched = state_->live_watch(key);
  if (!watched) return;
  --state_->live;
  watched->removed = true;
  if (watched->out) return;
  state_->leave(*watched);
  state_->watches.erase(key);
}

bool Scheduler::hurry(const std::string& key, Steady at) {
  auto* watched = state_->live_watch(key);
  if (!watched) return false;
  if (watched->out) {
    watched->look_again(at);
  } else if (watched->due.at > at || !watched->hurried) {
    const auto due = std::min(watched->due.at, at);
    state_->dequeue(*watched);
    watched->hurried = true;
    state_->enqueue(*watched, due);
  }
  return true;
}

std::vector<std::string> Scheduler::take_due(Steady now) {
  std::vector<std::string> due;
  while (!state_->queue.empty() && state_->queue.begin()->first.at <= now) {
    auto& registry = *state_->queue.begin()->second;
    due.push_back(registry.turns.take(now).watch.key);
    state_->place(registry);
  }
  return due;
}

void Scheduler::put_off(const std::string& key, Next next) {
  auto* watched = state_->live_watch(key);
  if (!watched || watched->out || watched->failed || watched->hurried) return;
  state_->dequeue(*watched);
  state_->enqueue(*watched, drawn(next, state_->random));
}

void Scheduler::finished(const std::string& key, Steady now, bool ok, std::optional<Milliseconds> retry_after,
                         std::optional<Next> next) {
  const auto found = state_->watches.find(key);
  if (found == state_->watches.end() || !found->second.out) return;
  auto& watched = found->second;
  const auto registry = std::exchange(watched.out_of, {});
  auto& looked_at = state_->registry(registry);
  const bool in_vain = looked_at.turns.end_look(watched, now);
  auto due = ok ? watched.succeeded(now, next, state_->random)
                : watched.not_answered(now, retry_after, state_->random);
  // One that fails by its own fault must not be the probe again and again.
  if (in_vain && !ok && !watched.again) due = std::max(due, looked_at.turns.last());
  if (watched.removed)
    state_->watches.erase(found);
  else
    state_->enqueue(watched, due);
  state_->place(looked_at);
  state_->forget_unused(registry);
}

std::optional<Steady> Scheduler::next_due() const {
  if (state_->queue.empty()) return std::nullopt;
  return state_->queue.begin()->first.at;
}

std::size_t Scheduler::size() const {
  return state_->live;
}

}  // namespace sluice::watch
