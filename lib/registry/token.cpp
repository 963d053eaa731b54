#include "registry/token.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "net/http.hpp"

#include <algorithm>
#include <sstream>

#include <nlohmann/json.hpp>

namespace sluice::registry {
namespace {

constexpr Milliseconds default_lifetime = std::chrono::seconds(60);
constexpr Milliseconds longest_lifetime = std::chrono::hours(12);
constexpr std::size_t max_token_bytes = 48 * 1024;
constexpr std::size_t max_scopes = 16;

[[noreturn]] void refuse(const Endpoint& endpoint, const net::Url& realm, const std::string& why) {
  throw Error(ErrorKind::unauthorized, endpoint.registry + " names the token service " +
                                           printable(realm.without_query(), 200) + ": refused, " + why);
}

std::string_view text_at(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string()) return {};
  return found->get_ref<const std::string&>();
}

}  // namespace

std::vector<std::string> merged_scopes(const std::vector<std::string>& wanted, const std::string& demanded) {
  std::vector<std::string> scopes;
  const auto add = [&](const std::string& scope) {
    if (scopes.size() < max_scopes && std::find(scopes.begin(), scopes.end(), scope) == scopes.end())
      scopes.push_back(scope);
  };
  std::istringstream words(demanded);
  for (std::string scope; words >> scope;)
    add(scope);
  for (const auto& scope : wanted)
    add(scope);
  return scopes;
}

TokenRequest token_request(const Endpoint& endpoint, const Challenge& bearer,
                           const std::vector<std::string>& scopes) {
  // A relative realm is seen from registries behind a proxy.
  net::Url url = endpoint.base.resolve(bearer.get("realm").value_or(""));
  const bool same_host = url.host == endpoint.base.host;
  const bool loopback = is_loopback_host(url.host) && is_loopback_host(endpoint.base.host);
  if (url.scheme != "https" && endpoint.base.scheme == "https" && !loopback)
    refuse(endpoint, url, "it has no TLS");
  if (endpoint.access.credentials && url.scheme != "https" && !same_host && !loopback)
    refuse(endpoint, url, "credentials do not go to another host without TLS");

  const auto add = [&](std::string_view name, const std::string& value) {
    url.target += url.target.find('?') == std::string::npos ? '?' : '&';
    url.target += std::string(name) + "=" + net::percent_encode(value);
  };
  if (const auto service = bearer.get("service")) add("service", *service);
  for (const auto& scope : scopes)
    add("scope", scope);
  return {std::move(url), endpoint.access.credentials.has_value()};
}

Token parse_token(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) throw Error(ErrorKind::corrupt, "the token service's answer is not a JSON object");
  std::string_view value = text_at(json, "token");
  if (value.empty()) value = text_at(json, "access_token");
  if (value.empty()) throw Error(ErrorKind::corrupt, "the token service's answer holds no token");
  const bool sendable = std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (value.size() > max_token_bytes || !sendable)
    throw Error(ErrorKind::corrupt, "the token service's answer holds a token that cannot be sent");

  Milliseconds lifetime = default_lifetime;
  const auto expires = json.find("expires_in");
  if (expires != json.end() && expires->is_number()) {
    const double seconds = expires->get<double>();
    const double most = std::chrono::duration<double>(longest_lifetime).count();
    if (seconds >= 1) lifetime = Milliseconds(static_cast<Milliseconds::rep>(std::min(seconds, most) * 1000));
  }
  return {Secret(std::string(value)), lifetime};
}

}  // namespace sluice::registry
