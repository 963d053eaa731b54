#pragma once
// Manifests, indexes and image configs, read from exact bytes. Nothing here re-serialises a manifest.

#include "oci/digest.hpp"
#include "oci/platform.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::oci {

namespace media_type {
inline constexpr std::string_view oci_index = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view oci_manifest = "application/vnd.oci.image.manifest.v1+json";
/// OCI image specification 1.1.0-rc1 and rc2, artifact.md; withdrawn before 1.1.0, but pushed since.
inline constexpr std::string_view oci_artifact = "application/vnd.oci.artifact.manifest.v1+json";
inline constexpr std::string_view docker_list = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view docker_manifest = "application/vnd.docker.distribution.manifest.v2+json";
}  // namespace media_type

/// Largest manifest that is read: 4 MiB (distribution specification: registries should accept at least 4
/// MiB).
inline constexpr std::size_t max_manifest_bytes = 4 * 1024 * 1024;
/// Most layers of an image and most manifests of an index that are read.
inline constexpr std::size_t max_descriptors = 10'000;

struct Descriptor {
  std::string media_type;
  Digest digest;
  std::int64_t size = 0;
  std::optional<Platform> platform;
  std::map<std::string, std::string> annotations;
  std::vector<std::string> urls;
  std::string artifact_type = {};  // of what is listed as a referrer
  bool operator==(const Descriptor&) const = default;
};

struct Manifest {
  std::string media_type;
  bool is_index = false;
  std::optional<Descriptor> config;   // image manifests
  std::vector<Descriptor> layers;     // image manifests
  std::vector<Descriptor> manifests;  // indexes
  std::vector<Descriptor> blobs;      // artifact manifests, which have neither config nor layers
  std::optional<Descriptor> subject;
  std::string artifact_type;
  std::map<std::string, std::string> annotations;
};

/// Reads a manifest or index. `content_type` is what the registry said (parameters allowed, may be empty);
/// the body's mediaType wins where it is present and both are known. Throws Error(corrupt) for: not JSON,
/// nested deeper than 64, schema 1, more than one of an index, an image and an artifact (CVE-2021-41190), a
/// contradicting mediaType, bad digests or sizes.
Manifest parse_manifest(std::string_view bytes, std::string_view content_type);

/// What kind of artifact a manifest is: its artifactType; of an image manifest without one the type of its
/// config (distribution specification, "Listing Referrers"). Empty for an index without one.
std::string artifact_type_of(const Manifest& manifest);

/// What is read from an image config (OCI image specification, config.md).
struct ImageConfig {
  Platform platform;
  std::vector<Digest> diff_ids;
  std::map<std::string, std::string> labels;
  std::string created;
};
/// Throws Error(corrupt).
ImageConfig parse_image_config(std::string_view bytes);

/// The child of an index that fits a platform; attestation entries (unknown/unknown) never do. Nullopt when
/// there is none.
std::optional<Descriptor> select_platform(const Manifest& index, const Platform& platform);

}  // namespace sluice::oci
