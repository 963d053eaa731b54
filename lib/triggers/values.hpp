#pragma once
// What a rebuild tells to programs, as placeholders and as SLUICE_* variables.

#include "config/placeholders.hpp"
#include "triggers/trigger.hpp"

#include <string>
#include <vector>

namespace sluice::triggers {

/// image, base (repository:tag), digest, base_by_digest (repository@digest), dependent, run, pipeline,
/// promotion_run, idempotency_key.
config::Values values_of(const Rebuild& rebuild);
/// Their names.
std::vector<std::string> value_names();

/// "repository:tag" and "repository@digest"; the second is the first when there is no digest.
std::string by_tag(const oci::Reference& reference);
std::string by_digest(const oci::Reference& reference);

}  // namespace sluice::triggers
