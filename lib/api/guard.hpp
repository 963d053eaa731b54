#pragma once
// Who may ask what: pure.

#include "api/api.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace sluice::api {

/// True for what names this machine: 127.0.0.0/8, [::1], localhost, each with or without a port. A page whose
/// name was rebound to a loopback address still sends its own name in Host, so it is found out here.
bool is_loopback_host(std::string_view host);

/// The refusal of a request that must not reach its action, if any: on TCP the Host must be loopback, and a
/// POST must say Content-Type: application/json, which a web page of somebody else cannot send without being
/// asked first (CORS).
std::optional<net::ServerResponse> refusal(Door door, const net::ServerRequest& request);

/// Name for the audit log: the user behind a Unix socket ("uid:1000" in `peer`), "api" on TCP.
std::string who(Door door, const net::ServerRequest& request, const Options& options);

}  // namespace sluice::api
