#pragma once
// What all connections of this process have in common: proxies and the limit of bandwidth, by the
// configuration and the environment. Event-loop thread only.

#include "config/config.hpp"
#include "net/client.hpp"

#include <memory>

namespace sluice::daemon {

class SharedNetwork {
 public:
  /// Throws Error(invalid) that names the variable of the environment which holds no proxy.
  explicit SharedNetwork(const config::Config& config);
  /// For clients, which follow use().
  net::ClientOptions client_options() const;
  /// From now on, also for clients and transfers that are there. Where the environment's proxies cannot be
  /// used, those before stay and the log says so.
  void use(const config::Config& config);

 private:
  std::shared_ptr<net::Proxies> proxies_;
  std::shared_ptr<net::Bandwidth> bandwidth_;
};

}  // namespace sluice::daemon
