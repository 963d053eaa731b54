#include "net/fields.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <utility>

#include <spdlog/fmt/fmt.h>

namespace sluice::net {
namespace {

constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::optional<Time> date_from(unsigned year, std::string_view month_name, unsigned day, unsigned hour,
                              unsigned minute, unsigned second) {
  const auto month = std::find(months.begin(), months.end(), month_name);
  if (month == months.end()) return std::nullopt;
  const std::chrono::year_month_day date{
      std::chrono::year(static_cast<int>(year)),
      std::chrono::month(static_cast<unsigned>(month - months.begin()) + 1), std::chrono::day(day)};
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return Time(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

std::optional<Milliseconds> delta_seconds(std::string_view text, Milliseconds longest) {
  std::int64_t seconds = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const auto most = std::chrono::duration_cast<std::chrono::seconds>(longest).count();
  if (result.ec != std::errc() || seconds > most) return longest;  // more digits than a number has
  if (seconds == 0) return std::nullopt;
  return std::chrono::seconds(seconds);
}

}  // namespace

std::string_view reason_phrase(int status) {
  static constexpr std::array<std::pair<int, std::string_view>, 32> phrases{{
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {413, "Content Too Large"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Content"},
      {425, "Too Early"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  }};
  for (const auto& [code, phrase] : phrases)
    if (code == status) return phrase;
  return {};
}

std::string format_http_date(Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  const auto stamp = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&stamp, &parts);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", days[static_cast<std::size_t>(parts.tm_wday)],
                     parts.tm_mday, months[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

// The widths of the digits keep sscanf within its buffers and ranges; %n tells that nothing was left over.
std::optional<Time> parse_http_date(std::string_view given) {
  const std::string text(given);
  char month[4] = "";
  unsigned year = 0, day = 0, hour = 0, minute = 0, second = 0;
  int end = 0;
  const auto whole = [&](int read) { return read == 6 && end == static_cast<int>(text.size()); };
  if (whole(std::sscanf(text.c_str(), "%*3[A-Za-z], %2u %3s %4u %2u:%2u:%2u GMT%n", &day, month, &year, &hour,
                        &minute, &second, &end)))
    return date_from(year, month, day, hour, minute, second);
  if (whole(std::sscanf(text.c_str(), "%*9[A-Za-z], %2u-%3[A-Za-z]-%2u %2u:%2u:%2u GMT%n", &day, month, &year,
                        &hour, &minute, &second, &end)))
    return date_from(year + (year < 70 ? 2000 : 1900), month, day, hour, minute, second);
  if (whole(std::sscanf(text.c_str(), "%*3[A-Za-z] %3s %2u %2u:%2u:%2u %4u%n", month, &day, &hour, &minute,
                        &second, &year, &end)))
    return date_from(year, month, day, hour, minute, second);
  return std::nullopt;
}

std::optional<Milliseconds> retry_after(const Headers& headers, Time now, Milliseconds longest) {
  const auto header = headers.get("Retry-After");
  if (!header) return std::nullopt;
  const auto text = trimmed(*header, " \t\r\n");
  if (text.empty()) return std::nullopt;
  if (text.find_first_not_of("0123456789") == std::string_view::npos) return delta_seconds(text, longest);
  const auto date = parse_http_date(text);
  if (!date || *date <= now) return std::nullopt;
  return std::min(std::chrono::ceil<Milliseconds>(*date - now), longest);
}

}  // namespace sluice::net
