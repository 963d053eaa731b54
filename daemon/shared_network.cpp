#include "shared_network.hpp"

#include "core/error.hpp"
#include "engine/network.hpp"
#include "environment.hpp"

#include <spdlog/spdlog.h>

namespace sluice::daemon {
SharedNetwork::SharedNetwork(const config::Config& config)
    : proxies_(std::make_shared<net::Proxies>(engine::proxies_of(config, environment))),
      bandwidth_(std::make_shared<net::Bandwidth>(config.bandwidth)) {}

net::ClientOptions SharedNetwork::client_options() const {
  net::ClientOptions options;
  options.proxies = proxies_;
  options.bandwidth = bandwidth_;
  return options;
}

void SharedNetwork::use(const config::Config& config) {
  bandwidth_->set_rate(config.bandwidth);
  try {
    *proxies_ = engine::proxies_of(config, environment);
  } catch (const Error& error) {
    // It was good at the start; a section that was removed brings back the environment's.
    spdlog::error("the proxies stay as they were: {}", error.what());
  }
}

}  // namespace sluice::daemon
