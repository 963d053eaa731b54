#pragma once
// Errors of the client that say what was tried, how far it came and why it ended. Room-internal.

#include "core/error.hpp"
#include "net/client.hpp"

#include <exception>
#include <string_view>

namespace sluice::net {

enum class Phase { resolving, connecting, tunnel, tls, sending, waiting, reading };

/// Turns what was thrown into Error "GET https://host/path: connecting: connection refused"; the kind is kept
/// (reset connections are unavailable, passed deadlines timeout). Being cancelled is rethrown as it is.
/// `limit` is the deadline that a timeout is about; `via` names the proxy, if there is one.
Error failed(const Request& request, Phase phase, Milliseconds limit, std::exception_ptr cause,
             std::string_view via = {});

/// The reason alone.
std::string reason_of(std::exception_ptr cause);

}  // namespace sluice::net
