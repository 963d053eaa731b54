#pragma once
// When to try again: pure, the random number comes in.

#include "core/clock.hpp"

#include <optional>

namespace sluice {

/// Exponential backoff with full jitter on the upper half: attempt 1 waits in [first/2, first], doubling up
/// to `most`.
struct Backoff {
  Milliseconds first{std::chrono::seconds(2)};
  Milliseconds most{std::chrono::minutes(5)};

  /// Wait before the attempt after `attempt` (1 = the first attempt just failed). `unit` in [0,1).
  /// A peer's Retry-After wins over the computed wait, capped at `cap`.
  Milliseconds wait(int attempt, double unit, std::optional<Milliseconds> retry_after = std::nullopt,
                    Milliseconds cap = std::chrono::minutes(15)) const;
};

}  // namespace sluice
