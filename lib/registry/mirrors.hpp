#pragma once
// Mirrors stand in for a registry where content is asked for by digest: the digest decides what is right, so
// a mirror that lies, lags or is gone costs another question and never a wrong byte. What a tag names is the
// registry's own to say, and so is what refers to an image; only mirrors that were trusted with tags are
// asked that, and only while the registry itself cannot be. A mirror is a registry like any other: its
// credentials, limits and outages are its own.

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
/// True for errors of a registry that cannot be asked for now, and for which mirrors may speak.
bool cannot_be_asked(ErrorKind kind);
/// What mirrors that may tell tags say that the tag names. Nullopt does not mean that there is no such tag.
Task<std::optional<Resolved>> look_up_at_mirrors(Session& session, oci::Repository repository,
                                                 std::string tag_or_digest, Pace pace = Pace::begin,
                                                 std::optional<oci::Digest> known = std::nullopt);
/// What the first of the mirrors that may tell tags and list something lists as referrers, by the API or the
/// fallback tag. None does not mean that there are none: most mirrors know only what was pulled through them.
Task<std::vector<oci::Descriptor>> referrers_at_mirrors(Session& session, oci::Repository repository,
                                                        oci::Digest subject);
/// As resolve_manifest(); while the registry cannot be asked, by mirrors that may tell tags.
Task<std::optional<Resolved>> look_up_manifest(Session& session, oci::Repository repository,
                                               std::string tag_or_digest, Pace pace = Pace::begin,
                                               std::optional<oci::Digest> known = std::nullopt);

}  // namespace sluice::registry
