#include "registry/kept_manifests.hpp"

namespace sluice::registry {

void KeptManifests::keep(const oci::Repository& repository, KeptManifest manifest) {
  const auto size = manifest.bytes.size();
  if (size > limit) return;
  if (bytes_ + size > limit) {
    kept_.clear();
    bytes_ = 0;
  }
  auto key = std::pair(repository, manifest.digest);
  if (kept_.emplace(std::move(key), std::move(manifest)).second) bytes_ += size;
}

std::optional<KeptManifest> KeptManifests::take(const oci::Repository& repository,
                                                const oci::Digest& digest) {
  auto found = kept_.extract(std::pair(repository, digest));
  if (found.empty()) return std::nullopt;
  bytes_ -= found.mapped().bytes.size();
  return std::move(found.mapped());
}

}  // namespace sluice::registry
