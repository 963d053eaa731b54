#pragma once
// Manifests that a copy read before a limit of their registry stopped it. Its next try does not ask for them
// again, so that an image of more manifests than the limit allows at once arrives in the end.

#include "oci/digest.hpp"
#include "oci/reference.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace sluice::registry {

/// As it was received: what is read from the bytes takes several times their memory.
struct KeptManifest {
  oci::Digest digest;
  std::string media_type;
  std::string bytes;
};

class KeptManifests {
 public:
  /// Bytes that are kept at most; when there would be more, everything is forgotten.
  static constexpr std::size_t limit = 32 * 1024 * 1024;

  void keep(const oci::Repository& repository, KeptManifest manifest);
  /// Gives it away; nullopt when it is not here.
  std::optional<KeptManifest> take(const oci::Repository& repository, const oci::Digest& digest);

 private:
  std::map<std::pair<oci::Repository, oci::Digest>, KeptManifest> kept_;
  std::size_t bytes_ = 0;
};

}  // namespace sluice::registry
