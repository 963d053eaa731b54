#pragma once
// Copy of an image between repositories, by digest.

#include "core/keyed_lock.hpp"
#include "registry/request.hpp"

namespace sluice::registry {

/// Blobs of one copy that are on their way at once.
inline constexpr int blobs_at_once = 4;

/// Copies an image. `flights` holds the blobs on their way into a repository, so that copies side by side
/// move each of them once.
Task<CopyProgress> copy_image(Session& session, KeyedLock& flights, oci::Repository source,
                              oci::Digest digest, oci::Repository target);

}  // namespace sluice::registry
