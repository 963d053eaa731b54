#pragma once
// Notices that the wall clock was set.

#include "core/clock.hpp"

namespace sluice::engine {

/// Holds the wall clock against the steady one.
class WallWatch {
 public:
  explicit WallWatch(const Clock& clock) : clock_(clock), ahead_(ahead()) {}

  /// By how much the wall clock was set since the last call, or was moved on by a sleep of the machine; zero
  /// for what it may have been slewed.
  std::chrono::microseconds moved() {
    // Slewing makes half a millisecond a second.
    constexpr auto set_clock = std::chrono::seconds(2);
    const auto before = ahead_;
    ahead_ = ahead();
    const auto moved = ahead_ - before;
    return std::chrono::abs(moved) < set_clock ? std::chrono::microseconds{} : moved;
  }

 private:
  std::chrono::microseconds ahead() const {
    return clock_.now().time_since_epoch() -
           std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady().time_since_epoch());
  }

  const Clock& clock_;
  std::chrono::microseconds ahead_;
};

}  // namespace sluice::engine
