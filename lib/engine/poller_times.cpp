// When the poller looks again: after an interval, or at a time of the wall clock.

#include "engine/poller.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace sluice::engine {
namespace {

// Watches with one cron are spread over so long.
constexpr auto cron_spread = std::chrono::seconds(30);

}  // namespace

watch::Next Poller::next_look(Id id) {
  const auto now = world_.clock.steady();
  const auto* look = list_.find(id);
  if (!look) return {now};
  const auto& poll = *look->poll;
  if (!poll.cron) {
    // As often as the one who needs it most.
    auto pace = poll.slowest_pace();
    for (const auto& one : look->subscribers)
      pace = std::min(pace, freshness_.pace(*one.name, poll));
    return watch::after(now, pace);
  }
  const auto wall = world_.clock.now();
  const auto planned = poll.cron->next(wall, *poll.zone).value_or(wall + std::chrono::days(1));
  planned_.insert_or_assign(id, planned);
  return {now + (planned - wall), cron_spread};
}

void Poller::heed_clock(Steady now) {
  const auto moved = wall_.moved();
  if (moved.count() == 0 || planned_.empty()) return;
  spdlog::info("the clock was set by {} s, or the machine slept: times of crons are reckoned again",
               std::chrono::duration_cast<std::chrono::seconds>(moved).count());
  const auto wall = world_.clock.now();
  for (const auto& [id, time] : planned_) {
    const auto* look = list_.find(id);
    if (!look) continue;
    // What a webhook promised waits for no clock.
    if (std::any_of(look->subscribers.begin(), look->subscribers.end(),
                    [&](const auto& one) { return owed_.contains(*one.name); }))
      continue;
    // A time that was slept through is made up for.
    const auto next = time <= wall ? watch::Next{now, cron_spread} : next_look(id);
    scheduler_.put_off(std::to_string(id), next);
  }
}

}  // namespace sluice::engine
