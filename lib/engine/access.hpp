#pragma once
// What the configuration says about a registry, as the registry client wants it. Event-loop thread only.

#include "config/config.hpp"
#include "engine/network.hpp"
#include "registry/client.hpp"
#include "registry/credential_sources.hpp"

#include <string>

namespace sluice::engine {

/// `sources` and `network` outlive reloads of the configuration, so that what was looked up and the limits of
/// transfers in hand go on.
registry::Access access_of(const config::Config& config, const std::string& host,
                           registry::CredentialSources& sources, Network& network);

}  // namespace sluice::engine
