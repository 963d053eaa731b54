#include "api/output.hpp"

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

namespace sluice::api {
namespace {

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::invalid:
      return 400;
    case ErrorKind::conflict:
      return 409;
    case ErrorKind::timeout:
      return 504;
    case ErrorKind::unauthorized:
    case ErrorKind::denied:
    case ErrorKind::corrupt:
      return 502;
    case ErrorKind::rate_limited:
    case ErrorKind::unavailable:
    case ErrorKind::cancelled:
      return 503;
    case ErrorKind::internal:
      return 500;
  }
  return 500;
}

}  // namespace

net::ServerResponse json_response(const nlohmann::json& value, int status) {
  net::ServerResponse response;
  response.status = status;
  response.headers.set("Content-Type", "application/json");
  response.headers.set("Cache-Control", "no-store");
  // A text from outside that is no UTF-8 must not fail the answer.
  response.body = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  return response;
}

net::ServerResponse error_response(int status, std::string kind, std::string message) {
  const nlohmann::json error{{"kind", std::move(kind)}, {"message", std::move(message)}};
  return json_response({{"error", error}}, status);
}

net::ServerResponse error_response(const Error& error) {
  auto response = error_response(status_of(error.kind()), std::string(to_string(error.kind())), error.what());
  if (error.retry_after()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*error.retry_after()).count();
    response.headers.set("Retry-After", std::to_string(std::max<std::int64_t>(seconds, 1)));
  }
  return response;
}

}  // namespace sluice::api
