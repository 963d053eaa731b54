#pragma once
// Whether a registry that fails is asked at all. Pure: time and random numbers come in.

#include "core/clock.hpp"

#include <string_view>

namespace sluice::registry {

/// Closed: everything goes out. After some failures in a row it opens: nothing goes out for a while. Then it
/// is half open: one request goes out as a probe, and closes it or opens it for longer.
class Breaker {
 public:
  enum class State { closed, open, half_open };
  /// Failures in a row that open it.
  static constexpr int threshold = 5;
  /// A probe that has not ended by then is not waited for.
  static constexpr Milliseconds probe_time = std::chrono::seconds(45);

  /// How long a request would have to wait now; zero: it may go.
  Milliseconds wait(Steady now) const;
  /// A request goes out. True when it is the probe, whose end must be told.
  bool take(Steady now);
  /// The registry answered. True when this closed it.
  bool succeeded();
  /// It did not, or answered that it cannot. True when this opened it, after it had been closed. `unit` in
  /// [0, 1) for jitter.
  bool failed(bool was_probe, Steady now, double unit);
  /// A probe ended without telling anything (it was cancelled): another may go.
  void given_up();

  State state() const { return state_; }
  int failures() const { return failures_; }

 private:
  void open(Steady now, double unit);

  State state_ = State::closed;
  int failures_ = 0;  // in a row
  int openings_ = 0;  // since it was closed
  Steady until_{};    // open: when a probe may go; half open: when the probe is given up
};

/// "closed", "open", "half_open".
std::string_view to_string(Breaker::State state);

}  // namespace sluice::registry
