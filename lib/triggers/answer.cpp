#include "triggers/answer.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include <spdlog/fmt/fmt.h>

namespace sluice::triggers {
namespace {

constexpr Milliseconds longest_wait = std::chrono::hours(24);

// IMF-fixdate, the one form that senders must use (RFC 9110, section 5.6.7).
std::optional<Time> http_date(const std::string& text) {
  std::tm parts{};
  const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return Time(std::chrono::seconds(::timegm(&parts)));
}

std::string_view reason(int status) {
  static constexpr std::array<std::pair<int, std::string_view>, 22> known{{{200, "OK"},
                                                                           {201, "Created"},
                                                                           {202, "Accepted"},
                                                                           {204, "No Content"},
                                                                           {301, "Moved Permanently"},
                                                                           {302, "Found"},
                                                                           {303, "See Other"},
                                                                           {307, "Temporary Redirect"},
                                                                           {308, "Permanent Redirect"},
                                                                           {400, "Bad Request"},
                                                                           {401, "Unauthorized"},
                                                                           {403, "Forbidden"},
                                                                           {404, "Not Found"},
                                                                           {408, "Request Timeout"},
                                                                           {410, "Gone"},
                                                                           {422, "Unprocessable Content"},
                                                                           {425, "Too Early"},
                                                                           {429, "Too Many Requests"},
                                                                           {500, "Internal Server Error"},
                                                                           {502, "Bad Gateway"},
                                                                           {503, "Service Unavailable"},
                                                                           {504, "Gateway Timeout"}}};
  for (const auto& [code, text] : known)
    if (code == status) return text;
  return {};
}

ErrorKind kind_of_status(int status) {
  switch (status) {
    case 401:
      return ErrorKind::unauthorized;
    case 403:
      return ErrorKind::denied;
    case 404:
    case 410:
      return ErrorKind::not_found;
    case 408:
    case 425:
      return ErrorKind::unavailable;
    case 429:
      return ErrorKind::rate_limited;
    default:
      return status >= 500 ? ErrorKind::unavailable : ErrorKind::invalid;
  }
}

std::string_view advice(int status) {
  if (status >= 300 && status < 400)
    return "redirects are not followed: configure the address that it ends at";
  if (status == 401 || status == 403) return "check the secret on both sides";
  if (status == 404) return "check the address";
  if (status == 410) return "the receiver wants no more messages: remove or replace the trigger";
  return {};
}

}  // namespace

std::optional<Milliseconds> retry_after(const net::Headers& headers, Time now) {
  const auto value = headers.get("Retry-After");
  if (!value) return std::nullopt;
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), seconds);
  if (end == value->data() + value->size() && error == std::errc::result_out_of_range) return longest_wait;
  if (end == value->data() + value->size() && error == std::errc{}) {
    if (seconds < 0) return std::nullopt;
    return std::min<Milliseconds>(std::chrono::seconds(std::min<std::int64_t>(seconds, 1'000'000)),
                                  longest_wait);
  }
  const auto date = http_date(*value);
  if (!date || *date <= now) return std::nullopt;
  return std::min(std::chrono::ceil<Milliseconds>(*date - now), longest_wait);
}

std::string status_line(int status) {
  const auto text = reason(status);
  return text.empty() ? std::to_string(status) : fmt::format("{} {}", status, text);
}

Error error_from(std::string_view target, int status, const net::Headers& headers, std::string_view body,
                 Time now) {
  auto message = fmt::format("{} answered {}", target, status_line(status));
  if (!body.empty()) message += fmt::format(": \"{}\"", printable(body, 300));
  if (const auto what = advice(status); !what.empty()) message += fmt::format("; {}", what);
  return Error(kind_of_status(status), std::move(message), retry_after(headers, now));
}

Task<std::string> beginning(net::Response& response) {
  constexpr std::size_t enough = 1024;
  constexpr int most_reads = 4;
  std::string body;
  std::string piece(enough, '\0');
  try {
    // Few reads: each may take as long as the peer likes to be slow.
    for (int reads = 0; reads < most_reads && body.size() < enough; ++reads) {
      const std::size_t size = co_await response.read({piece.data(), piece.size()});
      if (size == 0) break;
      body.append(piece.data(), size);
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
  }
  co_return body;
}

}  // namespace sluice::triggers
