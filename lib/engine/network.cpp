#include "engine/network.hpp"

namespace sluice::engine {
namespace {

std::optional<net::Proxy> proxy_of(const config::Proxy& settings) {
  if (settings.url.empty()) return std::nullopt;
  auto proxy = net::Proxy::parse(settings.url);
  proxy.username = settings.username;
  proxy.password = settings.password;
  return proxy;
}

}  // namespace

net::Proxies proxies_of(
    const config::Config& config,
    const std::function<std::optional<std::string>(const std::string& name)>& environment) {
  if (!config.proxy) return net::proxies_from(environment);
  net::Proxies proxies;
  proxies.https = proxy_of(config.proxy->https);
  proxies.http = proxy_of(config.proxy->http);
  proxies.direct = config.proxy->no_proxy;
  return proxies;
}

// What is configured comes before what other tools use, as a whole.
net::TlsOptions Network::tls_of(const std::string& host, const config::Registry& settings) {
  if (settings.plain_http == true) return {};
  if (settings.ca.empty() && settings.certificate.empty()) return certificates_.find(host);
  net::TlsOptions tls;
  if (!settings.ca.empty()) tls.ca = {settings.ca};
  if (!settings.certificate.empty()) tls.certificate = settings.certificate;
  if (!settings.key.empty()) tls.key = settings.key;
  return tls;
}

void Network::give_to(registry::Access& access, const std::string& host, const config::Registry& settings) {
  access.plain_http = settings.plain_http;
  access.tls = tls_of(host, settings);
  access.trusted_hosts = settings.trusted_hosts;
  if (settings.proxy) {
    net::Proxies own;
    own.https = own.http = proxy_of(*settings.proxy);
    access.proxies = std::make_shared<const net::Proxies>(std::move(own));
  }
  auto& bandwidth = bandwidths_[host];
  if (settings.bandwidth != 0 && !bandwidth) bandwidth = std::make_shared<net::Bandwidth>();
  // Transfers in hand follow as well, also when the limit was taken away.
  if (bandwidth) bandwidth->set_rate(settings.bandwidth);
  access.bandwidth = bandwidth;
}

}  // namespace sluice::engine
