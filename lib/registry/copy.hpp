#pragma once
// Copy of an image from any source to any target.

#include "core/clock.hpp"
#include "core/keyed_lock.hpp"
#include "registry/client.hpp"
#include "registry/source.hpp"
#include "registry/transfers.hpp"
#include "registry/tree.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace sluice::registry {

/// Bytes of all manifests of one copy: those of the image, and those of all that refers to it.
inline constexpr std::size_t max_copied_manifests = 2 * max_manifest_total;

/// What copies side by side share.
struct Traffic {
  Clock& clock;
  /// Blobs on their way to a site: each of them moves once.
  KeyedLock flights = {};
  Transfers transfers = {};
};

/// Copies `root` with everything below it, its referrers when asked for, and the tag last, when there is one.
Task<CopyProgress> copy_image(Traffic& traffic, Source& source, Target& target, FetchedManifest root,
                              std::optional<std::string> tag, CopyOptions options);

/// What copy_image() would do.
Task<CopyPlan> plan_image(Source& source, Target& target, FetchedManifest root, CopyOptions options);

}  // namespace sluice::registry
