#pragma once
// The tags of a repository (distribution specification, "Listing Tags").

#include "registry/request.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::registry {

/// Tags of one list.
inline constexpr std::size_t max_tags = 1'000'000;

/// All tags in the registry's order. Throws Error(corrupt) when there are more than max_tags.
Task<std::vector<std::string>> list_tags(Session& session, oci::Repository repository);

/// The tags among them under which signatures and the like are kept (oci::is_artifact_tag). Nullopt when it
/// takes more pages than asking for single tags would cost requests, or when the registry lists no tags.
Task<std::optional<std::set<std::string>>> list_artifact_tags(Session& session, oci::Repository repository);

/// Whether the list of tags of a repository that is pushed to holds this one. False when there is no such
/// list (404).
Task<bool> has_tag(Session& session, oci::Repository repository, std::string tag);

/// Whether the registry knows no tag of the repository, and says so (404). False where it cannot be asked.
Task<bool> has_no_tags(Session& session, oci::Repository repository);

/// The tags of one page: `null` for an empty repository, and entries that are no tags (Nexus sends nulls,
/// Artifactory digests) are passed over. Throws Error(corrupt). Pure.
std::vector<std::string> parse_tags(std::string_view body);

}  // namespace sluice::registry
