#pragma once
// Signing after the Standard Webhooks specification
// (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md).

#include "core/clock.hpp"
#include "core/secret.hpp"
#include "net/http.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::triggers {

/// The key of a secret "whsec_<base64>"; nullopt when it is not of that form or not of 24 to 64 bytes.
std::optional<Secret> signing_key(const Secret& secret);

/// "v1,<base64 of HMAC-SHA256>" over "{id}.{seconds}.{body}".
std::string signature(const Secret& key, std::string_view id, Time at, std::string_view body);

/// Content-Type, webhook-id, webhook-timestamp (of this attempt) and webhook-signature.
net::Headers signed_headers(const Secret& key, const std::string& id, Time at, std::string_view body);

}  // namespace sluice::triggers
