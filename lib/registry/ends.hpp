#pragma once
// From the name of a place to the object that reads or writes it.

#include "core/workers.hpp"
#include "registry/place.hpp"
#include "registry/request.hpp"
#include "registry/source.hpp"
#include "registry/upload.hpp"

#include <memory>

namespace sluice::registry {

/// Opens what is there. Throws not_found, or corrupt when it is not what its name says.
Task<std::unique_ptr<Source>> open_source(Session& session, Workers& workers, Place place);
struct TargetOptions {
  /// What `docker load` will call the image of a docker archive; may be empty.
  std::string docker_name;
  /// What lies in a layout is hashed before it counts.
  bool thorough = false;
  /// An archive that is there may be replaced, by finish().
  bool replace = false;
};

/// Opens or makes it. An archive is written anew: throws conflict when one is there that may not be replaced.
Task<std::unique_ptr<Target>> open_target(Session& session, UploadNotes& notes, Workers& workers, Place place,
                                          TargetOptions options);

}  // namespace sluice::registry
