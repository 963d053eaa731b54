#pragma once
// What the configuration says about a registry, as the registry client wants it.

#include "config/config.hpp"
#include "registry/client.hpp"
#include "registry/credential_sources.hpp"

#include <string>

namespace sluice::engine {

registry::Access access_of(const config::Config& config, const std::string& host,
                           registry::CredentialSources& sources);

}  // namespace sluice::engine
