#pragma once
// Mirrors stand in for a registry where content is asked for by digest: the digest decides what is right, so
// a mirror that lies, lags or is gone costs another question and never a wrong byte. What a tag names is the
// registry's own to say; only mirrors that were trusted with tags are asked that, and only while the registry
// itself cannot be. A mirror is a registry like any other: its credentials, limits and outages are its own.

#include "registry/request.hpp"

#include <optional>
#include <string>

namespace sluice::registry {

/// As get_manifest(); by digest from mirrors first. Of a registry with mirrors, a tag is resolved (by HEAD)
/// before, so that the manifest itself can come from one.
Task<FetchedManifest> pull_manifest(Session& session, oci::Repository repository, std::string tag_or_digest,
                                    Pace pace = Pace::begin);
/// As get_small_blob(), from mirrors first.
Task<std::string> pull_small_blob(Session& session, oci::Repository repository, oci::Digest digest,
                                  std::size_t limit);
/// As resolve_manifest(); while the registry cannot be asked, by mirrors that may tell tags.
Task<std::optional<Resolved>> look_up_manifest(Session& session, oci::Repository repository,
                                               std::string tag_or_digest, Pace pace = Pace::begin,
                                               std::optional<oci::Digest> known = std::nullopt);

}  // namespace sluice::registry
