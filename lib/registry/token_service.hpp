#pragma once
// Fetching a token: which of the protocol's ways is tried, and what comes next when a service does not know
// it. Event-loop thread only.

#include "core/clock.hpp"
#include "net/client.hpp"
#include "registry/challenge.hpp"
#include "registry/endpoint.hpp"
#include "registry/token.hpp"

#include <string>
#include <vector>

namespace sluice::registry {

/// With an identity token, or with a `refresh` token from an earlier answer: an OAuth2 POST, and where that
/// is refused and there is a password, as without. Without: a GET, with Basic when there is a password; where
/// the service does not know GET, the password by POST. Throws unauthorized when the service refuses, also
/// when its realm may not be used; rate_limited, unavailable and corrupt as they are. `named_at` is the class
/// of the address that the challenge came from; where it does not permit the service's address: denied.
Task<Token> fetch_token(net::Client& http, Clock& clock, Endpoint endpoint, Challenge challenge,
                        net::AddressClass named_at, std::vector<std::string> scopes, Secret refresh);

}  // namespace sluice::registry
