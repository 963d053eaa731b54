#include "registry/credentials.hpp"

#include "net/http.hpp"

#include <algorithm>

namespace sluice::registry {

bool Credentials::has_basic() const {
  return !username.empty() && (!password.empty() || !identity_token.empty());
}

Secret Credentials::basic() const {
  const Secret& secret = password.empty() ? identity_token : password;
  const Secret pair(username + ":" + std::string(secret.reveal()));
  return Secret("Basic " + net::base64_encode(pair.reveal()));
}

std::string_view without_secrets(std::string_view text, const std::vector<Secret>& secrets) {
  const auto shows = [&](const Secret& secret) {
    if (secret.empty()) return false;
    const Secret base64(net::base64_encode(secret.reveal()));
    const Secret percent(net::percent_encode(secret.reveal()));
    return text.find(secret.reveal()) != text.npos || text.find(base64.reveal()) != text.npos ||
           text.find(percent.reveal()) != text.npos;
  };
  return std::any_of(secrets.begin(), secrets.end(), shows) ? std::string_view() : text;
}

std::vector<Secret> secrets_of(const Credentials& credentials) {
  const Secret pair(credentials.username + ":" + std::string(credentials.password.reveal()));
  return {credentials.password, pair, credentials.identity_token, credentials.registry_token};
}

}  // namespace sluice::registry
