#pragma once
// Where a registry answers, and which of its settings may go to which host. Pure.

#include "net/url.hpp"
#include "registry/client.hpp"

#include <string>
#include <string_view>

namespace sluice::registry {

struct Endpoint {
  std::string registry;  // as written, "docker.io"
  net::Url base;         // where its API lives, target "/v2/"
  Access access;
};

/// "docker.io" answers at registry-1.docker.io; loopback hosts speak plain HTTP unless a CA is set.
/// Throws Error(invalid) when the name is not host[:port].
Endpoint endpoint_of(const std::string& registry, Access access);

/// 127.0.0.0/8 and ::1 as literals, and "localhost".
bool is_loopback_host(std::string_view host);

/// The TLS settings for a URL that the registry sent us to: another host sees the CA, never the client
/// certificate.
net::TlsOptions tls_for(const Endpoint& endpoint, const net::Url& url);

/// Where connections to the registry itself may go; others are Reach::naming() of it.
net::Reach reach_of(const Endpoint& endpoint);

}  // namespace sluice::registry
