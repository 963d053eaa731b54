#pragma once
// How fast bodies may move. Pure: the time comes in.

#include "core/clock.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace sluice::net {

/// A token bucket that many transfers share: each takes bytes and then waits until they are paid for, so that
/// together they keep to the rate, in the order in which they came. What was not used is kept for a quarter
/// of a second at most.
class Bandwidth {
 public:
  /// Bytes per second; 0 is no limit.
  explicit Bandwidth(std::uint64_t rate = 0) : rate_(rate) {}
  void set_rate(std::uint64_t rate) { rate_ = rate; }
  bool is_limited() const { return rate_ != 0; }

  /// How many of `wanted` bytes (at least one) to move at once: about a tenth of a second's worth, so that
  /// nobody waits long behind another and peers see an even flow.
  std::size_t piece(std::size_t wanted) const {
    if (rate_ == 0) return wanted;
    const std::uint64_t most = std::max<std::uint64_t>(rate_ / 10, 1024);
    return static_cast<std::size_t>(std::min<std::uint64_t>(wanted, most));
  }

  /// Takes `bytes` and returns when they are paid for; not after `now` when they are already.
  Steady take(std::uint64_t bytes, Steady now) {
    if (rate_ == 0) return now;
    constexpr std::chrono::milliseconds burst{250};
    paid_until_ = std::max(paid_until_, now - burst);
    const double seconds = static_cast<double>(bytes) / static_cast<double>(rate_);
    paid_until_ += std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(seconds));
    return paid_until_;
  }

 private:
  std::uint64_t rate_;
  Steady paid_until_{};
};

}  // namespace sluice::net
