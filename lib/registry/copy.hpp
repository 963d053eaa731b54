#pragma once
// Copy of an image from any source to any target.

#include "core/clock.hpp"
#include "core/keyed_lock.hpp"
#include "registry/client.hpp"
#include "registry/source.hpp"

#include <optional>
#include <string>

namespace sluice::registry {

/// Copies `root` with everything below it, its referrers when asked for, and the tag last, when there is one.
/// `flights` holds the blobs on their way to a site, so that copies side by side move each of them once.
Task<CopyProgress> copy_image(Clock& clock, KeyedLock& flights, Source& source, Target& target,
                              FetchedManifest root, std::optional<std::string> tag, CopyOptions options);

/// What copy_image() would do.
Task<CopyPlan> plan_image(Source& source, Target& target, FetchedManifest root, CopyOptions options);

}  // namespace sluice::registry
