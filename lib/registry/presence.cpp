#include "registry/presence.hpp"

#include "core/error.hpp"
#include "registry/blob.hpp"
#include "registry/manifest.hpp"
#include "registry/tags.hpp"

#include <utility>

namespace sluice::registry {

Task<std::optional<Resolved>> find_at_target(Session& session, oci::Repository repository,
                                             std::string tag_or_digest, Pace pace) {
  std::optional<Error> refusal;
  std::string scope = push_scope(repository);
  try {
    co_return co_await resolve_manifest(session, repository, tag_or_digest, pace, {}, std::nullopt,
                                        std::move(scope));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::denied) throw;
    refusal = error;
  }
  if (oci::Digest::parse(tag_or_digest)) co_return std::nullopt;
  const bool listed = co_await has_tag(session, std::move(repository), std::move(tag_or_digest));
  if (listed) throw *refusal;
  co_return std::nullopt;
}

Task<bool> blob_is_at_target(Session& session, oci::Repository repository, oci::Digest digest) {
  std::string scope = push_scope(repository);
  try {
    co_return co_await blob_exists(session, std::move(repository), std::move(digest), std::move(scope));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::denied) throw;
  }
  co_return false;
}

}  // namespace sluice::registry
