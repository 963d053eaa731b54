#pragma once
// Whether a registry that fails is asked at all. Pure: time and random numbers come in.

#include "core/clock.hpp"

#include <optional>
#include <string_view>

namespace sluice::registry {

/// Closed: everything goes out. After some failures in a row it opens: nothing goes out for a while. Then it
/// is half open: one request goes out as a probe, and closes it or opens it for longer: a second at first,
/// five minutes at most.
class Breaker {
 public:
  enum class State { closed, open, half_open };
  /// Failures in a row that open it.
  static constexpr int threshold = 5;
  /// A probe that has not ended by then is not waited for.
  static constexpr Milliseconds probe_time = std::chrono::seconds(45);
  /// From one probe to the next at least, whatever calls for it.
  static constexpr Milliseconds between_probes = std::chrono::seconds(1);

  /// How long a request would have to wait now; zero: it may go.
  Milliseconds wait(Steady now) const;
  /// From when on a request may go; nullopt: at any time. It stays as it is until something happens.
  std::optional<Steady> asked_from() const;
  /// A request goes out. True when it is the probe, whose end must be told.
  bool take(Steady now);
  /// The registry answered. True when this closed it.
  bool succeeded();
  /// It did not, or answered that it cannot. True when this opened it, after it had been closed. `unit` in
  /// [0, 1) for jitter.
  bool failed(bool was_probe, Steady now, double unit);
  /// A probe ended without telling anything (it was cancelled): another may go.
  void given_up(Steady now);
  /// There is a sign of life that is no answer (a webhook): a probe may go now, and the times between probes
  /// begin small again.
  void heard(Steady now);

  State state() const { return state_; }
  int failures() const { return failures_; }

 private:
  void open(Steady until);

  State state_ = State::closed;
  int failures_ = 0;    // in a row
  int openings_ = 0;    // since it was closed
  Steady until_{};      // open: when a probe may go; half open: when the probe is given up
  Steady probed_{};     // when the last probe went out
  bool heard_ = false;  // since then
};

/// "closed", "open", "half_open".
std::string_view to_string(Breaker::State state);

}  // namespace sluice::registry
