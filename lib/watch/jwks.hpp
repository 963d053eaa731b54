#pragma once
// Tokens of OpenID Connect: RS256 only. Pure.

#include "core/clock.hpp"
#include "net/signature.hpp"

#include <map>
#include <string>
#include <string_view>

namespace sluice::watch {

struct Oidc;

/// By `kid`.
using PublicKeys = std::map<std::string, net::PublicKey>;

/// The RSA keys of a JSON Web Key Set (RFC 7517 5). Throws Error(invalid) when there is none.
PublicKeys read_keys(std::string_view text);

/// Why a token does not prove what it should; empty when it does. `leeway` is what clocks may differ.
std::string token_fault(std::string_view token, const Oidc& wanted, const PublicKeys& keys, Time now,
                        Milliseconds leeway);

}  // namespace sluice::watch
