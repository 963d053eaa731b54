#pragma once
// Referrers: signatures, SBOMs and attestations that name an image as their subject (distribution
// specification, "Listing Referrers", "Referrers Tag Schema").

#include "oci/manifest.hpp"
#include "registry/request.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice::registry {

/// Referrers of one subject that are read.
inline constexpr std::size_t max_referrers = 1000;
/// Bytes of the pages that list them: twice what an index under a fallback tag may have.
inline constexpr std::size_t max_referrer_pages = 2 * oci::max_manifest_bytes;

/// By the referrers API; nullopt when the registry has none. With `mirror_of`, the repository is that of a
/// mirror of that registry; see Call.
Task<std::optional<std::vector<oci::Descriptor>>> ask_for_referrers(Session& session,
                                                                    oci::Repository repository,
                                                                    oci::Digest subject,
                                                                    std::string mirror_of = {});

/// As the index under the fallback tag lists them, for a registry without the API. Empty without that tag.
Task<std::vector<oci::Descriptor>> referrers_by_tag(Session& session, oci::Repository repository,
                                                    oci::Digest subject, std::string mirror_of = {});

/// For a registry that does not take note of subjects itself: lists the manifest, under the digest that it
/// was pushed by, in the index under the fallback tag. This process does so for one manifest of a subject at
/// a time; two processes at the same moment may lose one entry, as the specification says.
Task<> list_under_fallback_tag(Session& session, oci::Repository repository, oci::Digest subject,
                               oci::Digest digest, std::string manifest_bytes, std::string media_type);

/// "sha256-<64 hex>" (at most 32 and 64 characters of both parts). Pure.
std::string referrers_tag(const oci::Digest& subject);

/// The index with one more entry for this manifest; the same bytes when it is listed already. Empty
/// `index_bytes` begin a new index. Throws Error(corrupt) when either is not what it should be. Pure.
std::string with_referrer(const std::string& index_bytes, const oci::Digest& digest,
                          const std::string& manifest_bytes, const std::string& media_type);

}  // namespace sluice::registry
