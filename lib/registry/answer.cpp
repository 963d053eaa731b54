#include "registry/answer.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include <nlohmann/json.hpp>

namespace sluice::registry {
namespace {

constexpr std::size_t shown_bytes = 200;
constexpr std::size_t shown_errors = 3;
constexpr std::string_view white_space = " \t\r\n";

struct Said {
  std::string code;
  std::string message;
};

// Registries differ: the array may be absent, entries may lack a code, the body may be a page for people.
std::vector<Said> errors_in(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  std::vector<Said> said;
  if (!json.is_object() || !json.contains("errors") || !json["errors"].is_array()) return said;
  for (const auto& entry : json["errors"]) {
    if (!entry.is_object() || said.size() == shown_errors) break;
    const auto text = [&](const char* key) {
      return entry.contains(key) && entry[key].is_string() ? entry[key].get<std::string>() : std::string();
    };
    said.push_back({text("code"), text("message")});
  }
  return said;
}

std::string in_their_words(std::string_view body) {
  std::string words;
  for (const auto& [code, message] : errors_in(body)) {
    if (!words.empty()) words += "; ";
    words += printable(code, 64);
    if (!code.empty() && !message.empty()) words += ": ";
    words += printable(message, shown_bytes);
  }
  if (!words.empty()) return " (" + words + ")";
  if (trimmed(body, white_space).empty()) return {};
  return " " + quoted_beginning(body);
}

std::string_view advice(int status) {
  switch (status) {
    case 401:
      return "; it does not exist, is private, or the credentials of this registry are missing or wrong";
    case 403:
      return "; it does not exist, or the credentials of this registry do not allow this";
    case 405:
      return "; the registry does not allow this operation";
    case 413:
      return "; the registry's size limit or quota is exceeded";
    case 429:
      return "; the registry limits the request rate";
    default:
      return "";
  }
}

std::optional<Time> date_from(int year, const char* month_name, int day, int hour, int minute, int second) {
  static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto month = std::find(months.begin(), months.end(), std::string_view(month_name));
  const std::chrono::year_month_day date{
      std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month - months.begin()) + 1),
      std::chrono::day(static_cast<unsigned>(day))};
  if (month == months.end() || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

// The three forms of RFC 9110, section 5.6.7; the digits' widths keep sscanf within its buffers and ranges.
std::optional<Time> parse_http_date(const std::string& text) {
  char month[4] = "";
  unsigned year = 0, day = 0, hour = 0, minute = 0, second = 0;
  const auto read = [&] {
    return date_from(static_cast<int>(year), month, static_cast<int>(day), static_cast<int>(hour),
                     static_cast<int>(minute), static_cast<int>(second));
  };
  if (std::sscanf(text.c_str(), "%*3[A-Za-z], %2u %3s %4u %2u:%2u:%2u GMT", &day, month, &year, &hour,
                  &minute, &second) == 6)
    return read();
  if (std::sscanf(text.c_str(), "%*9[A-Za-z], %2u-%3[A-Za-z]-%2u %2u:%2u:%2u GMT", &day, month, &year, &hour,
                  &minute, &second) == 6) {
    year += year < 70 ? 2000 : 1900;
    return read();
  }
  if (std::sscanf(text.c_str(), "%*3[A-Za-z] %3s %2u %2u:%2u:%2u %4u", month, &day, &hour, &minute, &second,
                  &year) == 6)
    return read();
  return std::nullopt;
}

}  // namespace

ErrorKind kind_of_status(int status) {
  switch (status) {
    case 401:
      return ErrorKind::unauthorized;
    case 403:
      return ErrorKind::denied;
    case 404:
      return ErrorKind::not_found;
    case 429:
      return ErrorKind::rate_limited;
    case 408:
    case 499:
      return ErrorKind::unavailable;  // 499: nginx gave up on its own backend
    default:
      break;
  }
  if (status >= 500) return ErrorKind::unavailable;
  return status >= 400 ? ErrorKind::invalid : ErrorKind::corrupt;
}

std::optional<Milliseconds> retry_after(const net::Headers& headers, Time now) {
  const auto header = headers.get("Retry-After");
  if (!header) return std::nullopt;
  const std::string text(trimmed(*header, white_space));
  if (text.empty()) return std::nullopt;
  if (text.find_first_not_of("0123456789") == std::string::npos) {
    std::int64_t seconds = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), seconds);
    const auto most = std::chrono::duration_cast<std::chrono::seconds>(max_retry_after).count();
    if (result.ec != std::errc() || seconds > most) seconds = most;
    if (seconds == 0) return std::nullopt;
    return std::chrono::seconds(seconds);
  }
  const auto date = parse_http_date(text);
  if (!date || *date <= now) return std::nullopt;
  return std::min(std::chrono::ceil<Milliseconds>(*date - now), max_retry_after);
}

std::optional<Time> last_modified(const net::Headers& headers, Time now) {
  const auto header = headers.get("Last-Modified");
  const auto modified = header ? parse_http_date(std::string(trimmed(*header, white_space))) : std::nullopt;
  if (!modified) return std::nullopt;
  const auto date = parse_http_date(std::string(trimmed(headers.get("Date").value_or(""), white_space)));
  const auto theirs = date.value_or(now);
  if (*modified > theirs) return std::nullopt;
  return now - (theirs - *modified);
}

std::vector<std::string> error_codes(std::string_view body) {
  std::vector<std::string> codes;
  for (const auto& said : errors_in(body))
    codes.push_back(said.code);
  return codes;
}

Error error_from(std::string_view who, int status, const net::Headers& headers, std::string_view body,
                 Time now) {
  const std::string text = std::string(who) + " answered " + std::to_string(status) + in_their_words(body) +
                           std::string(advice(status));
  return {kind_of_status(status), text, retry_after(headers, now)};
}

std::string content_type(const net::Headers& headers) {
  const std::string value = headers.get("Content-Type").value_or("");
  return lower(trimmed(std::string_view(value).substr(0, value.find(';')), white_space));
}

std::string quoted_beginning(std::string_view body) {
  return "\"" + printable(trimmed(body, white_space), shown_bytes) + "\"";
}

}  // namespace sluice::registry
