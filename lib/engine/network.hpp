#pragma once
// What the configuration says about the network, in the words of net and registry. Event-loop thread only.

#include "config/config.hpp"
#include "net/proxy.hpp"
#include "registry/certificates.hpp"
#include "registry/client.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace sluice::engine {

/// The proxies for everything that has none of its own: the configuration's, or those of the environment when
/// it has none. Throws Error(invalid) that says what cannot be used.
net::Proxies proxies_of(
    const config::Config& config,
    const std::function<std::optional<std::string>(const std::string& name)>& environment);

/// Keeps the limits of bandwidth by registry, which requests share, and the certificates of other tools.
class Network {
 public:
  explicit Network(registry::Surroundings surroundings = {}) : certificates_(std::move(surroundings)) {}

  /// Whether TLS is spoken, whom we trust there and who we are, where `host` may send us, through which
  /// proxy, and how fast.
  void give_to(registry::Access& access, const std::string& host, const config::Registry& settings);

  /// After a reload: certificates of other tools are looked for again.
  void reload() { certificates_.forget(); }

 private:
  net::TlsOptions tls_of(const std::string& host, const config::Registry& settings);

  registry::RegistryCertificates certificates_;
  std::map<std::string, std::shared_ptr<net::Bandwidth>> bandwidths_;
};

}  // namespace sluice::engine
