#include "registry/token.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "net/http.hpp"
#include "registry/form.hpp"
#include "registry/json.hpp"

#include <algorithm>
#include <sstream>

#include <nlohmann/json.hpp>

namespace sluice::registry {
namespace {

constexpr Milliseconds default_lifetime = std::chrono::seconds(60);
constexpr Milliseconds least_lifetime = std::chrono::seconds(10);
constexpr Milliseconds longest_lifetime = std::chrono::hours(12);
constexpr std::size_t max_token_bytes = 48 * 1024;
constexpr std::size_t max_scopes = 16;

[[noreturn]] void refuse(const Endpoint& endpoint, const net::Url& realm, const std::string& why) {
  throw Error(ErrorKind::unauthorized, endpoint.registry + " names the token service " +
                                           printable(realm.without_query(), 200) + ": refused, " + why);
}

bool is_sendable(std::string_view token) {
  return token.size() <= max_token_bytes &&
         std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

// A relative realm is seen from registries behind a proxy.
net::Url realm_of(const Endpoint& endpoint, const Challenge& bearer) {
  try {
    return endpoint.base.resolve(bearer.get("realm").value_or(""));
  } catch (const Error& error) {
    throw Error(error).within("the token service that " + endpoint.registry + " names (realm)");
  }
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
  net::Url url = realm_of(endpoint, bearer);
  const bool same_host = url.host == endpoint.base.host;
  const bool loopback = is_loopback_host(url.host) && is_loopback_host(endpoint.base.host);
  if (url.scheme != "https" && endpoint.base.scheme == "https" && !loopback)
    refuse(endpoint, url, "it has no TLS");
  if (endpoint.access.credentials && url.scheme != "https" && !same_host && !loopback)
    refuse(endpoint, url, "credentials do not go to another host without TLS");

  const net::Url service = url;
  const auto add = [&](std::string_view name, const std::string& value) {
    url.target += url.target.find('?') == std::string::npos ? '?' : '&';
    url.target += std::string(name) + "=" + net::percent_encode(value);
  };
  if (const auto name = bearer.get("service")) add("service", *name);
  for (const auto& scope : scopes)
    add("scope", scope);
  return {std::move(url), endpoint.access.credentials.has_value(), service};
}

Token parse_token(std::string_view body, std::optional<Time> now) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) throw Error(ErrorKind::corrupt, "the token service's answer is not a JSON object");
  std::string_view value = text_at(json, "token");
  if (value.empty()) value = text_at(json, "access_token");
  if (value.empty()) throw Error(ErrorKind::corrupt, "the token service's answer holds no token");
  if (!is_sendable(value))
    throw Error(ErrorKind::corrupt, "the token service's answer holds a token that cannot be sent");

  Milliseconds lifetime = default_lifetime;
  const auto expires = json.find("expires_in");
  if (expires != json.end() && expires->is_number()) {
    const double seconds = expires->get<double>();
    const double most = std::chrono::duration<double>(longest_lifetime).count();
    if (seconds >= 1) lifetime = Milliseconds(static_cast<Milliseconds::rep>(std::min(seconds, most) * 1000));
  }
  const auto issued = parse_time(text_at(json, "issued_at"));
  if (issued && now && *issued < *now) {
    const auto age = std::chrono::ceil<Milliseconds>(*now - *issued);
    lifetime = std::max(lifetime - std::min(age, lifetime), std::min(lifetime, least_lifetime));
  }
  Token token{Secret(std::string(value)), lifetime};
  const auto refresh = text_at(json, "refresh_token");
  if (!refresh.empty() && is_sendable(refresh)) token.refresh_token = Secret(std::string(refresh));
  return token;
}

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

Fields fields_of(std::string grant, const std::string& service, const std::vector<std::string>& scopes) {
  Fields fields{{"grant_type", std::move(grant)}, {"client_id", "sluice"}};
  if (!service.empty()) fields.emplace_back("service", service);
  std::string all;
  for (const auto& scope : scopes)
    all += (all.empty() ? "" : " ") + scope;
  if (!all.empty()) fields.emplace_back("scope", all);
  return fields;
}

}  // namespace

Secret refresh_form(const std::string& service, const std::vector<std::string>& scopes, const Secret& token) {
  Fields fields = fields_of("refresh_token", service, scopes);
  fields.emplace_back("refresh_token", token.reveal());
  return form_of(fields);
}

Secret password_form(const std::string& service, const std::vector<std::string>& scopes,
                     const std::string& username, const Secret& password) {
  Fields fields = fields_of("password", service, scopes);
  fields.emplace_back("access_type", "offline");
  fields.emplace_back("username", username);
  fields.emplace_back("password", password.reveal());
  return form_of(fields);
}

}  // namespace sluice::registry
