#pragma once
// What a manifest consists of: everything that a copy of it must bring.

#include "registry/source.hpp"

#include <set>
#include <string>
#include <vector>

namespace sluice::registry {

/// Indexes within indexes that are followed.
inline constexpr int max_index_depth = 4;
/// Manifests of one image, and their bytes together.
inline constexpr std::size_t max_manifests = 1024;
inline constexpr std::size_t max_manifest_total = 32 * 1024 * 1024;
/// Different blobs of one image.
inline constexpr std::size_t max_blobs = 16 * 1024;

struct TreeManifest {
  oci::Digest digest;
  std::string media_type;
  std::string bytes;
  bool is_missing = false;  // the target was asked and has it not
};

struct Tree {
  std::vector<TreeManifest> manifests;    // children before parents, each once
  std::vector<oci::Descriptor> blobs;     // each once, largest first
  std::vector<oci::Descriptor> left_out;  // foreign layers that stay where they are, each once
  int manifests_present = 0;              // that `target` had already
};

/// Reads all below the manifest `root`. With a `target`, a manifest that is there already counts as brought
/// with all below it (a registry takes a manifest only when it has what it lists). Without `foreign_layers`
/// they are left out. Throws not_found naming
/// the missing child, corrupt when a size contradicts its descriptor or a limit is passed.
Task<Tree> read_tree(Source& source, FetchedManifest root, Target* target, bool foreign_layers);

/// Layers that name `urls` and have a non-distributable type (OCI image specification, layer.md,
/// "Non-Distributable Layers"): their owners want them to be fetched from there.
bool is_foreign_layer(const oci::Descriptor& layer);

}  // namespace sluice::registry
