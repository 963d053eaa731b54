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
/// Opens or makes it. An archive is written anew, beside the old one, which finish() replaces.
/// `docker_name` is what `docker load` will call the image of a docker archive.
Task<std::unique_ptr<Target>> open_target(Session& session, UploadNotes& notes, Workers& workers, Place place,
                                          std::string docker_name);

}  // namespace sluice::registry
