#pragma once
// Asking a proxy for a way to a target: HTTP CONNECT (RFC 9110 9.3.6) and SOCKS5 (RFC 1928, RFC 1929).
// Room-internal.

#include "core/error.hpp"
#include "net/proxy.hpp"
#include "net/stream.hpp"

#include <string>

namespace sluice::net {

/// Largest answer to a CONNECT that is read.
inline constexpr std::size_t connect_answer_limit = 16 * 1024;

/// Speaks with the proxy at the other end of `stream`; when it returns, what is written goes to the target.
/// The deadline is the caller's. Throws Error: unauthorized (the proxy wants other credentials), denied (it
/// may not go there), unavailable (it did not reach the target), corrupt (it does not speak the protocol);
/// none quotes credentials.
Task<> open_tunnel(Stream& stream, Proxy proxy, std::string host, std::uint16_t port);

/// "Basic ..." for Proxy-Authorization, empty without credentials.
Secret proxy_authorization(const Proxy& proxy);

/// What a refusal with this status means: 407 is about the credentials, whoever asked.
Error proxy_refusal(int status);

}  // namespace sluice::net
