#pragma once
// Copy of an image from any source to any target.

#include "core/clock.hpp"
#include "core/keyed_lock.hpp"
#include "registry/client.hpp"
#include "registry/source.hpp"
#include "registry/transfers.hpp"

#include <optional>
#include <string>

namespace sluice::registry {

/// Referrers of referrers that are followed (the signature of an SBOM), and manifests that may refer to one
/// image altogether.
inline constexpr int max_referrer_depth = 3;
inline constexpr std::size_t max_referring = 1000;

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

/// What copy_image() would do with the image itself.
Task<CopyPlan> plan_image(Source& source, Target& target, FetchedManifest root, CopyOptions options);

}  // namespace sluice::registry
