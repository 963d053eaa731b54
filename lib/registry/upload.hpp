#pragma once
// Uploads: mount, POST and PUT (distribution specification, "Pushing blobs").

#include "oci/manifest.hpp"
#include "registry/blob.hpp"

namespace sluice::registry {

enum class Arrival { present, mounted, moved };

/// Brings one blob into `target`: nothing when it is there, a mount within one registry, else a stream from
/// `source` in which every byte is hashed before the last one leaves. A broken upload starts over at most
/// twice. `moved` grows by the bytes that went to the target.
Task<Arrival> move_blob(Session& session, oci::Repository source, oci::Repository target,
                        oci::Descriptor blob, std::uint64_t& moved);

}  // namespace sluice::registry
