#pragma once
// Time as a parameter: no room reads a clock other than through a Clock that it was given.

#include "core/task.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// Wall-clock time, UTC, microseconds: what is stored and shown.
using Time = std::chrono::sys_time<std::chrono::microseconds>;
/// Monotonic time: what deadlines, leases in memory and due times are measured by.
using Steady = std::chrono::steady_clock::time_point;
using Milliseconds = std::chrono::milliseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
  virtual Steady steady() const = 0;
  /// Waits until `at`; ends with Error(cancelled) or boost operation_aborted when the coroutine is cancelled.
  virtual Task<> sleep_until(Steady at) = 0;
  Task<> sleep_for(Milliseconds duration) { return sleep_until(steady() + duration); }
};

class SystemClock final : public Clock {
 public:
  Time now() const override;
  Steady steady() const override;
  Task<> sleep_until(Steady at) override;
};

/// "2026-11-24T04:56:31Z" (seconds, UTC), the form of tables.
std::string format_time(Time time);
/// RFC 3339 with microseconds, the form of JSON.
std::string format_time_exact(Time time);
/// Reads RFC 3339 ("2026-11-24T04:56:31Z", fraction and offset allowed) or a date; nullopt when it is
/// neither.
std::optional<Time> parse_time(std::string_view text);

/// "00:00:09", hours may exceed 99.
std::string format_duration(std::chrono::microseconds duration);
/// "90s", "15m", "1h30m", "7d", "250ms", "0"; nullopt when malformed or out of the range of a year times 100.
std::optional<Milliseconds> parse_duration(std::string_view text);

}  // namespace sluice
