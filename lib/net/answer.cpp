#include "net/answer.hpp"

#include "net/head.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include <nlohmann/json.hpp>
#include <spdlog/fmt/fmt.h>

namespace sluice::net {
namespace {

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::unauthorized:
      return 401;
    case ErrorKind::denied:
      return 403;
    case ErrorKind::rate_limited:
      return 429;
    case ErrorKind::conflict:
      return 409;
    case ErrorKind::invalid:
      return 400;
    case ErrorKind::unavailable:
      return 503;
    case ErrorKind::cancelled:
      return 503;
    case ErrorKind::timeout:
      return 504;
    case ErrorKind::corrupt:
    case ErrorKind::internal:
      return 500;
  }
  return 500;
}

std::string_view reason_phrase(int status) {
  static constexpr std::array<std::pair<int, std::string_view>, 27> phrases{{
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {413, "Content Too Large"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  }};
  for (const auto& [code, phrase] : phrases)
    if (code == status) return phrase;
  return "Status";
}

ServerResponse json_error(int status, std::string_view kind, std::string_view message) {
  const nlohmann::json body = {{"error", {{"kind", kind}, {"message", message}}}};
  ServerResponse response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  return response;
}

// RFC 9110 5.6.7, independent of the locale.
std::string http_date(Time now) {
  static constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", days[static_cast<std::size_t>(parts.tm_wday)],
                     parts.tm_mday, months[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace

ServerResponse answer_to(const Error& error) {
  ServerResponse response = json_error(status_of(error.kind()), to_string(error.kind()), error.what());
  if (error.retry_after()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*error.retry_after()).count();
    response.headers.add("Retry-After", std::to_string(std::max<std::int64_t>(seconds, 0)));
  } else if (error.kind() == ErrorKind::rate_limited) {
    response.headers.add("Retry-After", "1");
  }
  return response;
}

ServerResponse answer_to(const Refusal& refusal) {
  return json_error(refusal.status, to_string(ErrorKind::invalid), refusal.message);
}

std::string serialize_answer(const ServerResponse& response, Time now, bool with_body, bool keep_alive) {
  Headers headers = response.headers;
  for (const char* framing : {"Content-Length", "Transfer-Encoding", "Connection"})
    headers.remove(framing);
  if (!headers.get("Date")) headers.add("Date", http_date(now));
  const bool bodiless = response.status < 200 || response.status == 204 || response.status == 304;
  if (!bodiless) headers.add("Content-Length", std::to_string(response.body.size()));
  if (!keep_alive) headers.add("Connection", "close");
  std::string text =
      serialize(fmt::format("HTTP/1.1 {} {}", response.status, reason_phrase(response.status)), headers);
  if (with_body && !bodiless) text += response.body;
  return text;
}

}  // namespace sluice::net
