#include "engine/hook_answer.hpp"

#include "core/text.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace sluice::engine {

using nlohmann::json;

net::ServerResponse answer_of(int status, const json& body) {
  net::ServerResponse response;
  response.status = status;
  response.headers.set("Content-Type", "application/json");
  response.headers.set("Cache-Control", "no-store");
  response.body = body.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  return response;
}

net::ServerResponse error_of(int status, std::string_view kind, std::string message) {
  return answer_of(status, {{"error", {{"kind", kind}, {"message", std::move(message)}}}});
}

net::ServerResponse closing(net::ServerResponse response) {
  response.headers.set("Connection", "close");
  return response;
}

net::ServerResponse nothing_here() {
  return closing(error_of(404, "not_found", "there is nothing here for you; check address and secret"));
}

net::ServerResponse later(int status, std::string_view kind, std::string message, Milliseconds wait) {
  auto response = error_of(status, kind, std::move(message));
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  response.headers.set("Retry-After", std::to_string(std::max<std::int64_t>(seconds, 1)));
  return response;
}

bool is_readable(const net::Headers& headers) {
  const auto value = headers.get("Content-Type");
  if (!value) return true;
  const auto type = lower(value->substr(0, value->find(';')));
  return type.find("json") != std::string::npos || type == "text/plain" ||
         type == "application/x-www-form-urlencoded" || type.empty();
}

net::ServerResponse handshake(const net::ServerRequest& request) {
  const auto origin = request.headers.get("WebHook-Request-Origin");
  if (!origin) return error_of(400, "invalid", "the handshake has no header WebHook-Request-Origin");
  net::ServerResponse response;
  response.headers.set("Allow", "POST");
  response.headers.set("WebHook-Allowed-Origin", printable(*origin, 200));
  response.headers.set("WebHook-Allowed-Rate",
                       printable(request.headers.get("WebHook-Request-Rate").value_or("*"), 20));
  return response;
}

}  // namespace sluice::engine
