#pragma once
// What a new pipeline is best called and where it goes, judged by the pipelines that are there.

#include "config/config.hpp"

#include <optional>
#include <string>

namespace sluice::config {

/// A name that no pipeline and no dependent has: "node-9-alpine", else with more of the path or the host
/// before it, else with a number behind it.
std::string free_name(const Config& config, const oci::Reference& upstream);

/// Where images go, and how that is known; `repository` is empty when it is not, and `how` then says why.
struct Suggestion {
  std::optional<oci::Repository> repository;
  std::string how;
};

/// The repository that a pipeline of this upstream would have as `staging` (or as its target), if it followed
/// the way in which the others got theirs: "registry.example.com/staging/" and the last part of the
/// upstream's path, say. Those of another tag of the same upstream are taken over.
Suggestion suggest_staging(const Config& config, const oci::Reference& upstream);
Suggestion suggest_target(const Config& config, const oci::Reference& upstream);

}  // namespace sluice::config
