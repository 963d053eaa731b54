#pragma once
// The token protocol as values (distribution, docs/content/spec/auth/token.md). Pure.

#include "core/clock.hpp"
#include "core/secret.hpp"
#include "registry/challenge.hpp"
#include "registry/endpoint.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::registry {

/// Largest answer of a token service that is read.
inline constexpr std::size_t max_token_answer = 256 * 1024;

struct Token {
  Secret value;
  Milliseconds lifetime{};
  /// For later exchanges, empty when the service gave none.
  Secret refresh_token = {};
  /// It was got by a refresh or identity token.
  bool by_refresh_token = false;
};

/// What to ask of the token service that a registry named.
struct TokenRequest {
  net::Url url;
  /// The registry's own credentials may go there.
  bool with_credentials = false;
  /// The service as the registry named it, without what `url` asks for: where a form is posted.
  net::Url realm;
};

/// Scopes to ask for, in order: what the registry demanded comes first, since some services look at the first
/// only.
std::vector<std::string> merged_scopes(const std::vector<std::string>& wanted, const std::string& demanded);

/// Throws Error(unauthorized) when the realm may not be used: http although the registry speaks TLS, or
/// credentials that would go to another host without TLS (on this machine nobody listens). Where it may be is
/// decided when it is connected to.
TokenRequest token_request(const Endpoint& endpoint, const Challenge& bearer,
                           const std::vector<std::string>& scopes);

/// Throws Error(corrupt) without quoting the body, which may hold a secret. A missing lifetime is 60 seconds.
/// With `now`, what has passed since "issued_at" is taken off it, but 10 seconds stay: clocks differ.
Token parse_token(std::string_view body, std::optional<Time> now = std::nullopt);

/// The forms of the OAuth2 exchange (distribution, docs/content/spec/auth/oauth.md), scopes joined by a
/// space.
Secret refresh_form(const std::string& service, const std::vector<std::string>& scopes, const Secret& token);
/// Asks for a refresh token too.
Secret password_form(const std::string& service, const std::vector<std::string>& scopes,
                     const std::string& username, const Secret& password);

}  // namespace sluice::registry
