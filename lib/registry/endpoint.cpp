#include "registry/endpoint.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <arpa/inet.h>

namespace sluice::registry {

bool is_loopback_host(std::string_view host) {
  const std::string name(host);
  in_addr four{};
  if (inet_pton(AF_INET, name.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  in6_addr six{};
  if (inet_pton(AF_INET6, name.c_str(), &six) == 1) return IN6_IS_ADDR_LOOPBACK(&six);
  return name == "localhost";
}

namespace {

// Docker Hub's website is docker.io, its API is elsewhere (distribution, docs/spec/auth/token.md).
std::string api_host(const std::string& registry) {
  if (registry == "docker.io" || registry == "index.docker.io") return "registry-1.docker.io";
  return registry;
}

net::Url parse_host(const std::string& scheme, const std::string& host) {
  if (host.find_first_of("/?#@") != std::string::npos)
    throw Error(ErrorKind::invalid, "\"" + printable(host) + "\" is not a registry (host or host:port)");
  return net::Url::parse(scheme + "://" + host + "/v2/");
}

}  // namespace

Endpoint endpoint_of(const std::string& registry, Access access) {
  const std::string host = api_host(registry);
  net::Url url = parse_host(access.plain_http.value_or(false) ? "http" : "https", host);
  const bool usually_plain = is_loopback_host(url.host) && access.tls.ca.empty();
  if (!access.plain_http && usually_plain) url = parse_host("http", host);
  return {registry, std::move(url), std::move(access)};
}

net::TlsOptions tls_for(const Endpoint& endpoint, const net::Url& url) {
  net::TlsOptions tls = endpoint.access.tls;
  if (url.host != endpoint.base.host) {
    tls.certificate.reset();
    tls.key.reset();
  }
  return tls;
}

net::Request request_to(const Endpoint& endpoint, const net::Url& url, net::AddressClass from) {
  net::Request request;
  request.url = url;
  request.tls = tls_for(endpoint, url);
  request.proxies = endpoint.access.proxies;
  request.bandwidth = endpoint.access.bandwidth;
  request.reach.trusted = endpoint.access.trusted_hosts;
  request.reach.setting = "registries." + endpoint.registry + ".trusted_hosts";
  if (!url.same_origin(endpoint.base))
    request.reach = request.reach.naming(url.host, url.port, endpoint.base.authority(), from);
  return request;
}

}  // namespace sluice::registry
