#pragma once
// Uploads: mount, POST, PUT, PATCH, and what is left of a broken one (distribution specification, "Pushing
// blobs").

#include "oci/manifest.hpp"
#include "registry/request.hpp"
#include "registry/source.hpp"
#include "registry/upload_notes.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace sluice::registry {

/// Brings one blob into `target`: nothing when it is there, a mount within one registry, else a stream from
/// `source` in which every byte is hashed before the last one leaves. A broken upload goes on where the
/// registry says, or starts over at most twice. A registry that refuses the size (413) gets pieces that
/// are halved until they pass (smaller_chunk()).
Task<Arrival> move_blob(Session& session, UploadNotes& notes, Source& source, oci::Repository target,
                        oci::Descriptor blob, BlobMoved moved);

/// How many bytes an upload holds by its "Range: 0-1023" (some write "bytes=0-1023"); nullopt when it does
/// not tell. An upload that holds nothing says "0-0" in distribution. Pure.
std::optional<std::uint64_t> bytes_held(const std::string& range);

}  // namespace sluice::registry
