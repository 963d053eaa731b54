#include "watch/pace.hpp"

#include <algorithm>

namespace sluice::watch {
namespace {

constexpr int looks_between_changes = 100;

}  // namespace

void Rhythm::changed(Time at) {
  times_.push_back(at);
  if (times_.size() > kept) times_.erase(times_.begin());
}

std::optional<Time> Rhythm::last() const {
  return times_.empty() ? std::nullopt : std::optional(times_.back());
}

std::optional<std::chrono::microseconds> Rhythm::typical(Time now) const {
  if (times_.empty()) return std::nullopt;
  const auto span = std::max(now, times_.back()) - times_.front();
  return std::max(span, std::chrono::microseconds(0)) / static_cast<std::int64_t>(times_.size());
}

Milliseconds quick_after_change(const Pace& pace) {
  return std::max<Milliseconds>(std::chrono::hours(1), pace.every * 8);
}

Milliseconds interval(const Pace& pace, const Rhythm& rhythm, bool told_by_webhooks, Time now) {
  if (pace.slowest <= pace.every || rhythm.empty()) return pace.every;
  if (told_by_webhooks) return pace.slowest;
  if (now - *rhythm.last() < quick_after_change(pace)) return pace.every;
  const auto wanted = std::chrono::duration_cast<Milliseconds>(*rhythm.typical(now)) / looks_between_changes;
  return std::clamp(wanted, pace.every, pace.slowest);
}

}  // namespace sluice::watch
