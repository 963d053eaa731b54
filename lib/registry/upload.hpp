#pragma once
// Uploads, from the first question to the last attempt.

#include "registry/request.hpp"
#include "registry/source.hpp"
#include "registry/upload_begin.hpp"
#include "registry/upload_notes.hpp"

namespace sluice::registry {

/// Brings one blob into `target`: nothing when it is there, a mount within one registry, else a stream from
/// `source` in which every byte is hashed before the last one leaves. A broken upload goes on where the
/// registry says, or starts over at most twice. A registry that refuses the size (413) gets pieces that
/// are halved until they pass (smaller_chunk()).
Task<Arrival> move_blob(Session& session, UploadNotes& notes, Source& source, oci::Repository target,
                        Prospect prospect, oci::Descriptor blob, BlobMoved moved);

}  // namespace sluice::registry
