#include "net/answer.hpp"

#include "net/fields.hpp"
#include "net/head.hpp"

#include <algorithm>

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

ServerResponse json_error(int status, std::string_view kind, std::string_view message) {
  const nlohmann::json body = {{"error", {{"kind", kind}, {"message", message}}}};
  ServerResponse response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  return response;
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
  if (!headers.get("Date")) headers.add("Date", format_http_date(now));
  const bool bodiless = response.status < 200 || response.status == 204 || response.status == 304;
  if (!bodiless) headers.add("Content-Length", std::to_string(response.body.size()));
  if (!keep_alive) headers.add("Connection", "close");
  const auto phrase = reason_phrase(response.status);
  std::string text =
      serialize(fmt::format("HTTP/1.1 {} {}", response.status, phrase.empty() ? "Status" : phrase), headers);
  if (with_body && !bodiless) text += response.body;
  return text;
}

}  // namespace sluice::net
