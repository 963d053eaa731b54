#include "core/cron.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <span>
#include <vector>

#include <fmt/format.h>

namespace sluice {
namespace {

using std::chrono::days;
using std::chrono::minutes;

// The 29th of February of a certain day of the week comes after 40 years at the latest (1888 to 1928, say).
constexpr auto horizon = days(41 * 366);

struct CronField {
  std::string_view name;
  int least, most;
  std::span<const std::string_view> names;  // of the numbers from `least` on
};

constexpr std::array<std::string_view, 12> month_names{"jan", "feb", "mar", "apr", "may", "jun",
                                                       "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 8> day_names{"sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"};
const std::array<CronField, 5> cron_fields{{{"minute", 0, 59, {}},
                                            {"hour", 0, 23, {}},
                                            {"day of the month", 1, 31, {}},
                                            {"month", 1, 12, month_names},
                                            {"day of the week", 0, 7, day_names}}};

[[noreturn]] void bad_field(const CronField& field, std::string_view text, const std::string& why) {
  throw Error(ErrorKind::invalid, fmt::format("'{}' as {}: {}", printable(text, 60), field.name, why));
}

std::vector<std::string_view> split_at(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find_first_of(separators);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<int> whole_number(std::string_view text) {
  int value = 0;
  const auto end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (text.empty() || read.ec != std::errc() || read.ptr != end || value < 0) return std::nullopt;
  return value;
}

int cron_value(const CronField& field, std::string_view whole, std::string_view text) {
  const auto word = lower(text);
  for (std::size_t i = 0; i < field.names.size(); ++i)
    if (field.names[i] == word) return field.least + static_cast<int>(i);
  const auto value = whole_number(text);
  if (value && *value >= field.least && *value <= field.most) return *value;
  const auto also = field.names.empty() ? std::string() : fmt::format(", or {} and so on", field.names[1]);
  bad_field(field, whole, fmt::format("write numbers from {} to {}{}", field.least, field.most, also));
}

// One item of a list: "*", "5", "1-5", "*/15", "9-17/2".
template <class Set>
void add_item(const CronField& field, std::string_view whole, std::string_view item, Set& set) {
  const auto slash = item.find('/');
  const auto range = item.substr(0, slash);
  int step = 1;
  if (slash != std::string_view::npos) {
    const auto given = whole_number(item.substr(slash + 1));
    if (!given || *given < 1 || *given > field.most)
      bad_field(field, whole, fmt::format("a step is a number from 1 to {}", field.most));
    step = *given;
  }
  int first = field.least, last = field.most;
  if (range != "*") {
    const auto dash = range.find('-');
    first = cron_value(field, whole, range.substr(0, dash));
    if (dash == std::string_view::npos) {
      if (slash != std::string_view::npos)
        bad_field(
            field, whole,
            fmt::format("a step follows '*' or a range, for instance {}-{}/{}", first, field.most, step));
      last = first;
    } else {
      last = cron_value(field, whole, range.substr(dash + 1));
    }
    // "sun" is 0 where a week begins and 7 where it ends: fri-sun.
    if (last == 0 && first > 0 && field.most == 7) last = 7;
    if (last < first)
      bad_field(
          field, whole,
          fmt::format("the range runs backwards; write {}-{},{}-{}", first, field.most, field.least, last));
  }
  for (int value = first; value <= last; value += step)
    set.set(static_cast<std::size_t>(value) % set.size());
}

template <class Set>
void read_cron_field(const CronField& field, std::string_view text, Set& set) {
  for (const auto item : split_at(text, ","))
    add_item(field, text, item, set);
}

}  // namespace

Cron Cron::parse(std::string_view text) {
  std::vector<std::string_view> parts;
  for (const auto part : split_at(text, " \t"))
    if (!part.empty()) parts.push_back(part);
  if (parts.size() != cron_fields.size())
    throw Error(
        ErrorKind::invalid,
        fmt::format("'{}' has {} fields instead of five: minute, hour, day of the month, month, day of "
                    "the week; for instance \"30 2 * * 1-5\"",
                    printable(text, 80), parts.size()));
  Cron cron;
  for (const auto part : parts)
    cron.text_ += (cron.text_.empty() ? "" : " ") + std::string(part);
  read_cron_field(cron_fields[0], parts[0], cron.minutes_);
  read_cron_field(cron_fields[1], parts[1], cron.hours_);
  read_cron_field(cron_fields[2], parts[2], cron.days_);
  read_cron_field(cron_fields[3], parts[3], cron.months_);
  read_cron_field(cron_fields[4], parts[4], cron.weekdays_);
  cron.any_day_ = parts[2].starts_with('*');
  cron.any_weekday_ = parts[4].starts_with('*');
  const std::chrono::local_days begin(std::chrono::year(2000) / 1 / 1);
  if (!cron.match(Local(begin)))
    throw Error(ErrorKind::invalid, "'" + cron.text_ + "' names a day that never comes");
  return cron;
}

bool Cron::has_day(std::chrono::local_days day) const {
  const std::chrono::year_month_day date(day);
  const bool by_day = days_.test(static_cast<unsigned>(date.day()));
  const bool by_weekday = weekdays_.test(std::chrono::weekday(day).c_encoding());
  // crontab(5): restricted days widen each other; a field with '*' narrows (which "*/2" does).
  return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

std::optional<Local> Cron::match(Local from) const {
  from = Local(std::chrono::ceil<minutes>(from.time_since_epoch()));
  const auto last = std::chrono::floor<days>(from) + horizon;
  for (auto day = std::chrono::floor<days>(from); day <= last;) {
    const std::chrono::year_month_day date(day);
    if (!months_.test(static_cast<unsigned>(date.month()))) {
      const auto next_month = date.year() / date.month() + std::chrono::months(1);
      day = std::chrono::local_days(next_month / 1);
      continue;
    }
    if (has_day(day)) {
      const auto begin = std::max(Local(day), from);
      auto minute = std::chrono::duration_cast<minutes>(begin - Local(day)).count();
      for (; minute < 24 * 60; ++minute)
        if (hours_.test(static_cast<std::size_t>(minute) / 60) &&
            minutes_.test(static_cast<std::size_t>(minute) % 60))
          return Local(day) + minutes(minute);
    }
    day += days(1);
  }
  return std::nullopt;
}

std::optional<Time> Cron::next_by_the_clock(UtcSeconds after, const TimeZone& zone) const {
  auto from = after + std::chrono::seconds(1);
  const auto end = after + horizon;
  while (from < end) {
    const auto here = zone.stretch(from);
    const auto found = match(Local((from + here.offset).time_since_epoch()));
    if (!found) return std::nullopt;
    const UtcSeconds at((found->time_since_epoch()) - here.offset);
    if (at < here.end) return Time(at);
    from = here.end;
  }
  return std::nullopt;
}

std::optional<Time> Cron::next(Time after, const TimeZone& zone) const {
  const auto second = std::chrono::floor<std::chrono::seconds>(after);
  if (hours_.all()) return next_by_the_clock(second, zone);
  const auto found = match(zone.most_shown(second) + std::chrono::seconds(1));
  if (!found) return std::nullopt;
  return Time(zone.first(*found));
}

}  // namespace sluice
