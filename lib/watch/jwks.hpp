#pragma once
// Tokens of OpenID Connect: RS256 only. Pure.

#include "core/clock.hpp"
#include "net/signature.hpp"

#include <map>
#include <string>
#include <string_view>

namespace sluice::watch {

struct Oidc;

/// The RSA keys of a JSON Web Key Set (RFC 7517 5) by `kid`. Throws Error(invalid) when there is none.
std::map<std::string, net::PublicKey> read_keys(std::string_view text);

/// Why a token does not prove what it should; empty when it does. `leeway` is what clocks may differ.
std::string token_fault(std::string_view token, const Oidc& wanted,
                        const std::map<std::string, net::PublicKey>& keys, Time now, Milliseconds leeway);

}  // namespace sluice::watch
