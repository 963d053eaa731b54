#pragma once
// What is there already where something is to be pushed. Asked with the right to push: registries that tell
// strangers nothing of what they lack (GHCR, Docker Hub) say 404 to whoever may push it. JFrog Artifactory
// may answer 403 to HEAD of what a virtual repository lacks (RTFACT-13797).

#include "registry/request.hpp"

#include <optional>
#include <string>

namespace sluice::registry {

/// As resolve_manifest(), of a repository that is pushed to. A 403 means that a digest is not there: when it
/// was a refusal, the push is refused too. A tag may be somebody else's: it is not there when the list of
/// tags lacks it as well, or there is none (404). Otherwise throws what is refused.
Task<std::optional<Resolved>> find_at_target(Session& session, oci::Repository repository,
                                             std::string tag_or_digest, Pace pace);

/// Whether a repository that is pushed to has the blob. A 403 means that it has not.
Task<bool> blob_is_at_target(Session& session, oci::Repository repository, oci::Digest digest);

}  // namespace sluice::registry
