#pragma once
// How often a tag is looked at, from how often it was seen to change: pure.

#include "core/clock.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace sluice::watch {

struct Pace {
  Milliseconds every{std::chrono::minutes(15)};    // the fastest
  Milliseconds slowest{std::chrono::minutes(15)};  // at least `every`
};

/// When a tag was seen to change, as the store remembers it.
class Rhythm {
 public:
  /// So many are kept: enough to tell a weekly tag from a daily one, few enough to forget old habits.
  static constexpr std::size_t kept = 9;
  /// Seen first, or seen to name something else; times come in order, but for clocks that were set back.
  void changed(Time at);
  bool empty() const { return times_.empty(); }
  std::optional<Time> last() const;
  /// From one change to the next, in the mean: the time since the oldest change that is kept, divided by the
  /// changes since and one more, which is to come. So a tag that has been quiet slows down by and by, with or
  /// without a history.
  std::optional<std::chrono::microseconds> typical(Time now) const;

 private:
  std::vector<Time> times_;  // oldest first
};

/// A change is followed by further ones more often than not (a rebuild, a correction), so for this long the
/// pace is the fastest: an hour, or eight looks where that is longer.
Milliseconds quick_after_change(const Pace& pace);

/// From one look to the next: a hundredth of the typical time between changes, not faster than `every` and
/// not slower than `slowest`. So a look finds a change after half a per cent of that time in the mean, or as
/// soon as `every` allows. Where webhooks tell of the changes (HookRecord::live), polls are only a safety
/// net: `slowest`.
Milliseconds interval(const Pace& pace, const Rhythm& rhythm, bool told_by_webhooks, Time now);

}  // namespace sluice::watch
