#pragma once
// Manifests: GET, HEAD, PUT (distribution specification, "Pulling manifests", "Pushing manifests").

#include "registry/request.hpp"

namespace sluice::registry {

/// With `mirror_of`, the repository is that of a mirror of that registry; see Call. With `known`, the request
/// is conditional where the registry was seen to use digests as entity tags; see Resolved::unchanged. An
/// empty `scope` is that of a pull.
Task<FetchedManifest> get_manifest(Session& session, oci::Repository repository, std::string tag_or_digest,
                                   Pace pace = Pace::begin, std::string mirror_of = {},
                                   std::string scope = {});
Task<std::optional<Resolved>> resolve_manifest(Session& session, oci::Repository repository,
                                               std::string tag_or_digest, Pace pace = Pace::begin,
                                               std::string mirror_of = {},
                                               std::optional<oci::Digest> known = std::nullopt,
                                               std::string scope = {});
/// True when the registry says that it took note of the manifest's subject (OCI-Subject).
Task<bool> put_manifest(Session& session, oci::Repository repository, std::string tag_or_digest,
                        std::string media_type, std::string bytes);

/// The Accept lines of every manifest request: always the same, since the digest depends on what is
/// negotiated.
void accept_manifests(net::Headers& headers);
/// True for the types that Accept names.
bool is_manifest_type(std::string_view media_type);

}  // namespace sluice::registry
