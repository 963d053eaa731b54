#include "triggers/answer.hpp"

#include "core/text.hpp"
#include "net/fields.hpp"

#include <spdlog/fmt/fmt.h>

namespace sluice::triggers {
namespace {

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

std::string status_line(int status) {
  const auto text = net::reason_phrase(status);
  return text.empty() ? std::to_string(status) : fmt::format("{} {}", status, text);
}

Error error_from(std::string_view target, int status, const net::Headers& headers, std::string_view body,
                 Time now) {
  auto message = fmt::format("{} answered {}", target, status_line(status));
  if (!body.empty()) message += fmt::format(": \"{}\"", printable(body, 300));
  if (const auto what = advice(status); !what.empty()) message += fmt::format("; {}", what);
  return Error(kind_of_status(status), std::move(message), net::retry_after(headers, now, max_retry_after));
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
