#pragma once
// Uploads: mount, POST, PUT, PATCH, and what is left of a broken one (distribution specification, "Pushing
// blobs").

#include "oci/manifest.hpp"
#include "registry/request.hpp"
#include "registry/source.hpp"

#include <map>
#include <string>
#include <vector>

namespace sluice::registry {

/// What uploads have learned about registries: where blobs are, and how much one request may carry.
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

/// Brings one blob into `target`: nothing when it is there, a mount within one registry, else a stream from
/// `source` in which every byte is hashed before the last one leaves. A broken upload goes on where the
/// registry says, or starts over at most twice. A registry that refuses the size (413) gets pieces.
Task<Arrival> move_blob(Session& session, UploadNotes& notes, Source& source, oci::Repository target,
                        oci::Descriptor blob, BlobMoved moved);

/// How many bytes an upload holds by its "Range: 0-1023" (some write "bytes=0-1023"); nullopt when it does
/// not tell. An upload that holds nothing says "0-0" in distribution. Pure.
std::optional<std::uint64_t> bytes_held(const std::string& range);

}  // namespace sluice::registry
