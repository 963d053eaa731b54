#pragma once
// Signing and its proof after the Standard Webhooks specification
// (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md): pure.

#include "core/clock.hpp"
#include "core/secret.hpp"
#include "net/http.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::net::standard_webhooks {

/// The key that others sign with: of "whsec_<base64>", or of the base64 alone; nullopt when it is neither.
std::optional<Secret> key_of(const Secret& secret);
/// A key to sign with, of which the specification wants more: "whsec_" in front and 24 to 64 bytes.
std::optional<Secret> signing_key(const Secret& secret);

/// "v1,<base64 of HMAC-SHA256>" over "{id}.{timestamp}.{body}".
std::string signature(const Secret& key, std::string_view id, std::string_view timestamp,
                      std::string_view body);
/// webhook-id, webhook-timestamp (of this attempt) and webhook-signature.
Headers signed_headers(const Secret& key, const std::string& id, Time at, std::string_view body);

/// Whether there is an id and one of the first eight signatures is good. Comparisons take the same time for
/// every wrong one.
bool is_signed(const Secret& key, const Headers& headers, std::string_view body);
/// The time of the attempt, which the signature covers; nullopt when it cannot be read.
std::optional<Time> signed_at(const Headers& headers);

}  // namespace sluice::net::standard_webhooks
