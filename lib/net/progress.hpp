#pragma once
// The minimum-progress rule for bodies: pure, the time comes in.

#include "core/clock.hpp"

#include <algorithm>
#include <cstdint>

namespace sluice::net {

/// A transfer must move at least `needed` bytes within each `idle` of waiting for the peer. Time during which
/// we do not wait for the peer (the caller is busy elsewhere) does not count.
class Progress {
 public:
  Progress(Milliseconds idle, std::uint64_t needed) : idle_(idle), needed_(needed) {}

  /// We begin to wait for the peer. `left` is how many bytes are outstanding, when known.
  void resume(Steady now, std::uint64_t left) {
    window_ = now - waited_;
    goal_ = std::min(needed_, left);
  }
  /// The peer moved `bytes`, `left` are still outstanding.
  void add(std::uint64_t bytes, Steady now, std::uint64_t left) {
    moved_ += bytes;
    if (moved_ < goal_) return;
    moved_ = 0;
    window_ = now;
    goal_ = std::min(needed_, left);
  }
  /// We stop waiting for the peer.
  void pause(Steady now) { waited_ = now - window_; }
  /// When the peer is given up, unless it moves before.
  Steady deadline() const { return window_ + idle_; }

 private:
  Milliseconds idle_;
  std::uint64_t needed_;
  std::uint64_t goal_ = 0;
  std::uint64_t moved_ = 0;
  Steady window_{};
  Steady::duration waited_{};
};

}  // namespace sluice::net
