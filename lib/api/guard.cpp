#include "api/guard.hpp"

#include "api/output.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace sluice::api {
namespace {

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Four decimal numbers, the first of them 127. Other spellings of addresses ("127.1", "0x7f.0.0.1") are no
// loopback here.
bool is_127(std::string_view host) {
  std::array<int, 4> parts{};
  const char* at = host.data();
  const char* const end = at + host.size();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0 && (at == end || *at++ != '.')) return false;
    const auto read = std::from_chars(at, end, parts[i]);
    if (read.ec != std::errc() || read.ptr - at > 3 || parts[i] < 0 || parts[i] > 255) return false;
    at = read.ptr;
  }
  return at == end && parts[0] == 127;
}

// Type and subtype of a media type, without parameters, in lower case.
std::string media_type(std::string_view value) {
  value = value.substr(0, value.find(';'));
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t'))
    value.remove_suffix(1);
  return lower(value);
}

}  // namespace

bool is_loopback_host(std::string_view host) {
  if (host.starts_with('[')) {
    const auto close = host.find(']');
    if (close == std::string_view::npos || host.substr(1, close - 1) != "::1") return false;
    const auto rest = host.substr(close + 1);
    return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
  }
  const auto colon = host.find(':');
  if (colon != std::string_view::npos && !is_port(host.substr(colon + 1))) return false;
  const auto name = host.substr(0, colon);
  return lower(name) == "localhost" || is_127(name);
}

std::optional<net::ServerResponse> refusal(Door door, const net::ServerRequest& request) {
  if (door == Door::unix_socket) return std::nullopt;
  const auto hosts = request.headers.all("Host");
  if (hosts.size() != 1 || !is_loopback_host(hosts.front()))
    return error_response(403, "denied",
                          "the Host header must name this machine (localhost, 127.0.0.1 or [::1]), not '" +
                              printable(hosts.empty() ? "" : hosts.front(), 80) + "'");
  if (request.method != "POST") return std::nullopt;
  const auto type = request.headers.get("Content-Type");
  if (!type || media_type(*type) != "application/json")
    return error_response(415, "invalid", "a POST needs the header Content-Type: application/json");
  return std::nullopt;
}

std::string who(Door door, const net::ServerRequest& request, const Options& options) {
  constexpr std::string_view prefix = "uid:";
  if (door == Door::loopback) return "api";
  if (!request.peer.starts_with(prefix)) return request.peer.empty() ? "unix" : printable(request.peer, 80);
  const auto uid = request.peer.substr(prefix.size());
  return options.user_name ? options.user_name(uid) : uid;
}

}  // namespace sluice::api
