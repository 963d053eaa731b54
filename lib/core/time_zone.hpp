#pragma once
// Local time of a place, from the bytes of its TZif file (RFC 8536). Pure: whoever has files gives the bytes.

#include "core/clock.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

/// What a clock on the wall of a place shows, in seconds.
using Local = std::chrono::local_seconds;
using UtcSeconds = std::chrono::sys_seconds;

/// A rule of the form of the variable TZ (POSIX.1-2017, section 8.3, with the hours of RFC 8536,
/// section 3.3.1): what holds after the last transition that a TZif file lists.
struct TzRule {
  struct Date {
    enum class Kind { month_week_day, julian, day_of_year } kind = Kind::month_week_day;
    int month = 0, week = 0, day = 0;  // `day` is the number of the other two kinds
    std::chrono::seconds time{7200};   // after local midnight, may be negative
  };
  struct Summer {
    std::chrono::seconds offset{};
    Date begin, end;
  };
  std::chrono::seconds offset{};  // east of Greenwich, in winter or always
  std::optional<Summer> summer;
  /// Nullopt when malformed.
  static std::optional<TzRule> parse(std::string_view text);
};

class TimeZone {
 public:
  static TimeZone utc();
  /// Throws Error(corrupt) for bytes that are no TZif file of version 1 to 4, or that count leap seconds
  /// ("right/...").
  static TimeZone parse(std::string name, std::string_view bytes);

  const std::string& name() const { return name_; }
  /// East of Greenwich.
  std::chrono::seconds offset(UtcSeconds at) const;
  Local local(UtcSeconds at) const { return Local((at + offset(at)).time_since_epoch()); }

  /// A time during which the offset is the same: from `begin` until `end`, without it.
  struct Stretch {
    UtcSeconds begin, end;
    std::chrono::seconds offset{};
  };
  Stretch stretch(UtcSeconds at) const;
  /// The first instant at which the clock on the wall shows `wanted` or more. So a local time that is skipped
  /// is the instant after the gap, and one that comes twice is its first time.
  UtcSeconds first(Local wanted) const;
  /// The most that the clock on the wall has shown until then: what it shows, unless it was set back lately.
  Local most_shown(UtcSeconds at) const;

 private:
  struct Change {
    UtcSeconds at;
    std::chrono::seconds offset{};  // from then on
  };
  std::vector<Change> changes_around(UtcSeconds at) const;

  std::string name_;
  std::chrono::seconds before_{};  // offset before the first change
  std::vector<Change> changes_;    // by time
  std::optional<TzRule> after_;    // after the last change
};

}  // namespace sluice
