#pragma once
// Manifests that a copy read before a limit of their registry stopped it. Its next try does not ask for them
// again, so that an image of more manifests than the limit allows at once arrives in the end.

#include "registry/client.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <utility>

namespace sluice::registry {

class KeptManifests {
 public:
  /// Bytes that are kept at most; when there would be more, everything is forgotten.
  static constexpr std::size_t limit = 32 * 1024 * 1024;

  void keep(const oci::Repository& repository, FetchedManifest manifest);
  /// Gives it away; nullopt when it is not here.
  std::optional<FetchedManifest> take(const oci::Repository& repository, const oci::Digest& digest);

 private:
  std::map<std::pair<oci::Repository, oci::Digest>, FetchedManifest> kept_;
  std::size_t bytes_ = 0;
};

}  // namespace sluice::registry
