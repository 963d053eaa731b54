#pragma once
// The rules of following redirects. Pure, room-internal.

#include "net/client.hpp"

#include <optional>

namespace sluice::net {

/// The request that follows the answer `status` with `headers` to `request`; nullopt when it is no redirect
/// to follow. Credentials for one origin never go to another one, and another origin is a host that the peer
/// named, which was reached at an address of class `at`. Throws Error(denied) for https to http,
/// Error(corrupt) for a Location that is none.
std::optional<Request> follow(const Request& request, int status, const Headers& headers, AddressClass at);

}  // namespace sluice::net
