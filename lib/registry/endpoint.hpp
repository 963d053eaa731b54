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

/// "docker.io" answers at registry-1.docker.io; loopback hosts speak plain HTTP unless a CA is set
/// or the settings say otherwise.
/// Throws Error(invalid) when the name is not host[:port].
Endpoint endpoint_of(const std::string& registry, Access access);

/// 127.0.0.0/8 and ::1 as literals, and "localhost".
bool is_loopback_host(std::string_view host);

/// The TLS settings for a URL that the registry sent us to: another host sees the CA, never the client
/// certificate.
net::TlsOptions tls_for(const Endpoint& endpoint, const net::Url& url);

/// A request with the registry's settings. Another origin than the registry's is a place that the registry
/// named, which was reached at an address of class `from`.
net::Request request_to(const Endpoint& endpoint, const net::Url& url, net::AddressClass from);

}  // namespace sluice::registry
