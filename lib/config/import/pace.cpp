// How often other tools look, in our words.

#include "config/import/foreign.hpp"
#include "core/clock.hpp"

#include <charconv>
#include <sstream>

#include <fmt/format.h>

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

// Of five fields; empty when the times are not evenly spaced.
std::string interval_of_fields(const std::vector<std::string>& fields) {
  const auto& minute = fields[0];
  const auto& hour = fields[1];
  const bool every_day = fields[2] == "*" && fields[3] == "*" && (fields[4] == "*" || fields[4] == "?");
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
FoundPace pace_of_cron(const std::string& expression) {
  if (expression.empty()) return {};
  if (expression == "@hourly") return {.every = "1h", .cron = {}};
  if (expression == "@daily" || expression == "@midnight") return {.every = "24h", .cron = {}};
  if (expression == "@weekly") return {.every = "7d", .cron = {}};
  if (expression.starts_with("@every "))
    if (auto interval = interval_of_go(expression.substr(7)))
      return {.every = std::move(*interval), .cron = {}};
  std::istringstream in(expression);
  std::vector<std::string> fields;
  for (std::string field; in >> field;)
    fields.push_back(field);
  if (fields.size() == 6 && number_in(fields[0])) fields.erase(fields.begin());
  if (fields.size() == 5)
    if (auto interval = interval_of_fields(fields); !interval.empty())
      return {.every = std::move(interval), .cron = {}};
  return {.every = {}, .cron = expression};
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
