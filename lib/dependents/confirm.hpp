#pragma once
// Does an image really sit on a base?

#include <optional>
#include <string>

#include "oci/manifest.hpp"
#include "registry/client.hpp"

namespace sluice::dependents {

struct Confirmation {
  bool confirmed = false;
  std::string how;  // "layers" or "annotation", or why not: "4 of 5 base layers differ", "no such image"
  std::optional<oci::Digest> digest;  // what the dependent's tag names now
};

/// Pure: the base's diff ids are a prefix of the image's (and at least one), or the image's annotations or labels name `base_digest`
/// (or the digest of the base's platform manifest) as org.opencontainers.image.base.digest (OCI image specification, annotations.md).
/// A layer mismatch wins over an annotation: somebody can copy a label, not the layers.
Confirmation compare(const oci::ImageConfig& image, const std::map<std::string, std::string>& annotations,
                     const oci::ImageConfig& base, const std::vector<oci::Digest>& base_digests);

/// Pure: whether an image that begins with the layers of `base` sits on the base that was replaced all the same. It may when those
/// are the first layers of the replaced base too (a rollback to what a layer was added to). Where both have the same layers, the
/// image's annotations tell; its labels do not, since they come from its bases, too.
bool sits_on_replaced(const oci::ImageConfig& image, const std::map<std::string, std::string>& annotations,
                      const oci::ImageConfig& base, const oci::ImageConfig& replaced,
                      const std::vector<oci::Digest>& replaced_digests);

/// Reads both from their registries and compares, for one platform. An image that does not exist yet is not confirmed, nor is
/// one that still sits on `replaced`, what the base's tag named before (nullopt, or not in the registry any more: not asked);
/// a registry that fails throws.
Task<Confirmation> confirm(registry::Client& client, oci::Reference image, oci::Reference base, oci::Platform platform,
                           std::optional<oci::Digest> replaced = std::nullopt);

}  // namespace sluice::dependents
