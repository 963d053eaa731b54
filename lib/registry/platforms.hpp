#pragma once
// A part of an index. Pure.

#include "registry/client.hpp"

#include <string>
#include <vector>

namespace sluice::registry {

struct PartOfIndex {
  FetchedManifest manifest;
  std::vector<oci::Platform> left_out;
};

/// The platforms of an index, for messages: "linux/amd64, linux/arm64".
std::string platforms_text(const oci::Manifest& index);

/// The index with only these platforms, and the attestations that belong to them. An OCI index notes where it
/// comes from and what is left out in its annotations. The same bytes when nothing is left out. Throws
/// not_found when a platform is not in it, invalid when `whole` is not an index.
PartOfIndex only_platforms(FetchedManifest whole, const std::vector<oci::Platform>& wanted);

}  // namespace sluice::registry
