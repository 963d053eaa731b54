#pragma once
// Container tools are handed names and passwords by the configuration. Where credentials come from elsewhere
// (a cloud, another tool's login file), they are looked up for them first. Private to the room.

#include "engine/work.hpp"

#include <memory>
#include <vector>

namespace sluice::engine {

/// The configuration with credentials for `wanted`, and for all other configured registries as far as they
/// can be had. Throws what the lookup for a wanted one throws. Credentials that are no name and password
/// (identity tokens) are left out: the tools' files have no place for them.
Task<std::shared_ptr<const config::Config>> with_logins(Work work, std::vector<oci::Repository> wanted);

}  // namespace sluice::engine
