#pragma once
// What uploads have learned about registries. Pure.

#include "oci/digest.hpp"
#include "oci/manifest.hpp"
#include "oci/reference.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::registry {

/// Where blobs are, and how much one request may carry.
class UploadNotes {
 public:
  /// Repositories of this registry that hold the blob, the latest first.
  std::vector<std::string> holders(const std::string& registry, const oci::Digest& digest) const;
  void holds(const oci::Repository& repository, const oci::Digest& digest);
  /// It was not there after all.
  void forget(const oci::Repository& repository, const oci::Digest& digest);

  /// Bytes of one request to this registry; 0 is no limit.
  std::uint64_t chunk(const std::string& registry) const;
  void set_chunk(const std::string& registry, std::uint64_t bytes);

 private:
  std::map<std::string, std::vector<std::string>> holders_;  // paths by "registry digest"
  std::map<std::string, std::uint64_t> chunks_;              // by registry
};

/// What to send in one request after one of `refused` bytes was too large (413): at first 32 MiB, since
/// proxies before registries often allow 100 MB, then half and half again, down to 1 MiB, which is what nginx
/// allows unless it is told otherwise. `least` is the registry's OCI-Chunk-Min-Length, 0 for none. Nullopt
/// when nothing smaller is left to try.
std::optional<std::uint64_t> smaller_chunk(std::uint64_t refused, std::uint64_t least);

}  // namespace sluice::registry
