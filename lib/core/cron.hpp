#pragma once
// Times in the form of crontab(5) and POSIX crontab: five fields. Pure.

#include "core/time_zone.hpp"

#include <bitset>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// "0 */2 * * 1-5": minute, hour, day of month, month, day of week. Numbers, names (jan, mon), ranges, steps
/// on ranges and on '*', and lists of these. When both days are restricted (do not begin with '*'), one of
/// them is enough. 0 and 7 are Sunday.
class Cron {
 public:
  /// Throws Error(invalid) with what is wrong and what to write instead; also for times that never come (30
  /// February).
  static Cron parse(std::string_view text);

  const std::string& text() const { return text_; }
  /// The first time after `after`. A local time that a change of the clock skips is made up for right after
  /// it, once for all that were skipped; one that comes twice counts the first time only. Where the hour is
  /// '*', the clock is just followed: in hours that come twice as in others.
  std::optional<Time> next(Time after, const TimeZone& zone) const;
  bool operator==(const Cron& other) const { return text_ == other.text_; }

 private:
  /// The first local minute of these fields that is not before `from`.
  std::optional<Local> match(Local from) const;
  std::optional<Time> next_by_the_clock(UtcSeconds after, const TimeZone& zone) const;
  bool has_day(std::chrono::local_days day) const;

  std::string text_;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;    // of the month, from 1
  std::bitset<13> months_;  // from 1
  std::bitset<7> weekdays_;
  bool any_day_ = false, any_weekday_ = false;  // the field begins with '*'
};

}  // namespace sluice
