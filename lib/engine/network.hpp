#pragma once
// What the configuration says about the network, in the words of net and registry. Event-loop thread only.

#include "config/config.hpp"
#include "net/proxy.hpp"
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

/// Keeps the limits of bandwidth by registry, which requests share.
class Network {
 public:
  /// Where `host` may send us, through which proxy, and how fast.
  void give_to(registry::Access& access, const std::string& host, const config::Registry& settings);

 private:
  std::map<std::string, std::shared_ptr<net::Bandwidth>> bandwidths_;
};

}  // namespace sluice::engine
