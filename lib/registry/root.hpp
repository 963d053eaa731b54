#pragma once
// What is asked for, after the choice of platforms.

#include "registry/place.hpp"
#include "registry/source.hpp"

#include <vector>

namespace sluice::registry {

struct Root {
  FetchedManifest manifest;
  oci::Digest source;  // what the place names
  std::vector<oci::Platform> left_out;
};

/// The manifest of `from` that a copy to a place of the kind `to` begins with: a part of an index for some
/// platforms, the whole for none. Throws as digest_for(), and invalid when a docker archive would get more
/// than one platform.
Task<Root> choose_root(Source& source, Place from, PlaceKind to, std::vector<oci::Platform> platforms);

/// The digest of what `whole` has for a platform: a child of an index, or the image itself when it is for
/// that platform by its config. Throws not_found, naming what there is.
Task<oci::Digest> digest_for(Source& source, FetchedManifest whole, oci::Platform platform);

}  // namespace sluice::registry
