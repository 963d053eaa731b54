// How often other tools look, in our words.

#include "config/import/foreign.hpp"
#include "core/clock.hpp"
#include "core/cron.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::config {
namespace {

std::optional<int> number_in(const std::string& text) {
  int value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// The N of "*/N" where the field's range is a multiple of it, so that the steps are all alike.
std::optional<int> even_step(const std::string& field, int range) {
  if (!field.starts_with("*/")) return std::nullopt;
  const auto step = number_in(field.substr(2));
  return step && *step > 0 && range % *step == 0 ? step : std::nullopt;
}

// "CRON_TZ=Asia/Tokyo 0 4 * * *": takes the name of the zone out of the text.
std::string take_zone(std::string& expression) {
  for (const std::string_view key : {"CRON_TZ=", "TZ="}) {
    if (!expression.starts_with(key)) continue;
    const auto end = std::min(expression.find(' '), expression.size());
    auto zone = expression.substr(key.size(), end - key.size());
    expression = trimmed(expression.substr(end));
    return zone == "Local" ? std::string() : zone;
  }
  return {};
}

// A word such as @monthly as its fields; any other text as it is.
std::string without_word(const std::string& expression) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> words{{
      {"@yearly", "0 0 1 1 *"},
      {"@annually", "0 0 1 1 *"},
      {"@monthly", "0 0 1 * *"},
      {"@daily", "0 0 * * *"},
      {"@midnight", "0 0 * * *"},
      {"@hourly", "0 * * * *"},
  }};
  for (const auto& [word, fields] : words)
    if (expression == word) return std::string(fields);
  return expression;
}

// "?" is "*" there.
std::vector<std::string> fields_of(const std::string& expression) {
  std::istringstream in(expression);
  std::vector<std::string> fields;
  for (std::string field; in >> field;)
    fields.push_back(field == "?" ? "*" : field);
  return fields;
}

// Why the loader would not take it; empty when it would.
std::string refusal_of(const std::string& cron) {
  try {
    static_cast<void>(Cron::parse(cron));
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

// Of five fields; empty when the times are not evenly spaced.
std::string interval_of_fields(const std::vector<std::string>& fields) {
  const auto& minute = fields[0];
  const auto& hour = fields[1];
  const bool every_day = fields[2] == "*" && fields[3] == "*" && fields[4] == "*";
  if (!every_day) return {};
  if (hour == "*") {
    if (minute == "*") return "1m";
    if (const auto step = even_step(minute, 60)) return fmt::format("{}m", *step);
    return number_in(minute) ? "1h" : "";
  }
  if (!number_in(minute)) return {};
  if (const auto step = even_step(hour, 24)) return fmt::format("{}h", *step);
  return number_in(hour) ? "24h" : "";
}

}  // namespace

// The fields of cron(8) as https://pkg.go.dev/github.com/robfig/cron has them; the tools here use that
// library.
FoundPace pace_of_cron(Foreign& place, Position at, const std::string& expression) {
  auto times = expression;
  const auto zone = take_zone(times);
  if (times.empty()) return {};
  if (times == "@weekly") return {.every = "7d"};
  if (times.starts_with("@every "))
    if (auto interval = interval_of_go(times.substr(7))) return {.every = std::move(*interval)};
  auto fields = fields_of(without_word(times));
  int seconds = 0;
  if (fields.size() == 6 && number_in(fields[0])) {
    seconds = *number_in(fields[0]);
    fields.erase(fields.begin());
  }
  if (fields.size() == 5)
    if (auto interval = interval_of_fields(fields); !interval.empty()) return {.every = std::move(interval)};
  FoundPace pace{.cron = fmt::format("{}", fmt::join(fields, " ")), .zone = zone};
  if (const auto why = refusal_of(pace.cron); !why.empty()) {
    place.remark(Remark::Kind::left_out, at, expression, why);
    return {.unread = expression};
  }
  if (seconds != 0) place.remark(Remark::Kind::changed, at, expression, "its seconds are not kept");
  if (zone.empty())
    place.remark(Remark::Kind::changed, at, expression,
                 "its times are taken as UTC; `timezone` beside `cron` says otherwise");
  return pace;
}

// https://pkg.go.dev/time#ParseDuration, without fractions.
std::optional<std::string> interval_of_go(const std::string& duration) {
  const auto read = parse_duration(duration);
  if (!read || *read < Milliseconds(100)) return std::nullopt;
  if (read->count() % 1000 != 0) return duration;
  return interval_of_seconds(static_cast<long>(read->count() / 1000));
}

std::string interval_of_seconds(long seconds) {
  if (seconds % 3600 == 0) return fmt::format("{}h", seconds / 3600);
  if (seconds % 60 == 0) return fmt::format("{}m", seconds / 60);
  return fmt::format("{}s", seconds);
}

}  // namespace sluice::config
