#include "oci/manifest.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "oci/strict_json.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sluice::oci {
namespace {

using nlohmann::json;

struct KnownType {
  std::string_view name;
  bool is_index;
};
constexpr std::array<KnownType, 5> known_types{{{media_type::oci_index, true},
                                                {media_type::docker_list, true},
                                                {media_type::oci_manifest, false},
                                                {media_type::oci_artifact, false},
                                                {media_type::docker_manifest, false}}};

const KnownType* find_type(std::string_view name) {
  const auto found =
      std::find_if(known_types.begin(), known_types.end(), [&](const auto& t) { return t.name == name; });
  return found == known_types.end() ? nullptr : &*found;
}

/// "Application/JSON; charset=utf-8" -> "application/json" (RFC 9110, section 8.3.1).
std::string essence(std::string_view content_type) {
  std::string name(content_type.substr(0, content_type.find(';')));
  std::erase_if(name, [](char c) { return c == ' ' || c == '\t'; });
  return lower(name);
}

bool is_platform_text(std::string_view text) {
  return text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                  c == '_' || c == '-';
         });
}

std::optional<Platform> read_platform(const ObjectReader& owner) {
  const auto* value = owner.find("platform");
  if (!value) return std::nullopt;
  const ObjectReader reader(*value, owner.where() + ": platform");
  Platform platform{reader.text("os"), reader.text("architecture"), reader.text("variant")};
  if (!is_platform_text(platform.os) || !is_platform_text(platform.architecture) ||
      !is_platform_text(platform.variant))
    reader.fail("'" + printable(platform.text(), 200) + "' is not os/architecture/variant");
  return platform;
}

/// OCI image specification, descriptor.md.
Descriptor read_descriptor(const json& value, std::string where) {
  const ObjectReader reader(value, std::move(where));
  Descriptor descriptor{.media_type = reader.text("mediaType"),
                        .digest = reader.digest("digest"),
                        .size = reader.size("size"),
                        .platform = read_platform(reader),
                        .annotations = reader.texts_by_name("annotations"),
                        .urls = reader.texts("urls"),
                        .artifact_type = reader.text("artifactType")};
  if (descriptor.media_type.empty()) reader.fail("mediaType is missing");
  return descriptor;
}

/// Fields with JSON null count as empty here: the image specification requires them, and Go writes null for
/// none.
std::vector<Descriptor> read_descriptors(const json& document, const ObjectReader& reader, const char* name) {
  if (!document.contains(name)) reader.fail(fmt::format("{} is missing", name));
  std::vector<Descriptor> result;
  const auto* list = reader.array(name, max_descriptors);
  if (!list) return result;
  result.reserve(list->size());
  for (const auto& entry : *list)
    result.push_back(read_descriptor(entry, fmt::format("{}: {}[{}]", reader.where(), name, result.size())));
  return result;
}

/// An artifact manifest has no schemaVersion.
bool is_artifact(const ObjectReader& reader, std::string_view content_type) {
  const auto own = reader.text("mediaType");
  return (own.empty() ? content_type : own) == media_type::oci_artifact;
}

void check_version(const json& document, const ObjectReader& reader, std::string_view content_type) {
  const auto* version = reader.find("schemaVersion");
  const bool first = (version && *version == 1) || document.contains("fsLayers") ||
                     content_type.starts_with("application/vnd.docker.distribution.manifest.v1+");
  if (first)
    reader.fail(
        "it is a Docker manifest of schema 1, which has no content digests and is not supported; "
        "the image must be pushed again with a current tool");
  if (!version && is_artifact(reader, content_type)) return;
  if (!version) reader.fail("schemaVersion is missing, so this is not a manifest");
  if (!version->is_number_integer() || *version != 2) reader.fail("schemaVersion must be 2");
}

// Two readers could take such a document for two different things (CVE-2021-41190).
void check_kind(const json& document, const ObjectReader& reader, std::string_view content_type) {
  const bool index = document.contains("manifests");
  const bool image = document.contains("layers") || document.contains("config");
  if (index && image) reader.fail("it claims to be an image and an index at the same time");
  if ((index || image) && is_artifact(reader, content_type))
    reader.fail("it claims to be an artifact and an image or index at the same time");
}

/// What the document is, from its own mediaType, what the registry said, or its fields.
std::string decide_type(const json& document, const ObjectReader& reader, const std::string& said) {
  const auto own = reader.text("mediaType");
  if (!own.empty()) {
    if (!find_type(own)) reader.fail(fmt::format("mediaType '{}' is not supported", printable(own, 100)));
    if (find_type(said) && said != own)
      reader.fail(fmt::format("its mediaType is {}, but the registry sent it as {}", own, said));
    return own;
  }
  if (find_type(said)) return said;
  // Only OCI documents may leave mediaType out.
  if (document.contains("manifests")) return std::string(media_type::oci_index);
  if (document.contains("config") && document.contains("layers"))
    return std::string(media_type::oci_manifest);
  reader.fail("it has neither manifests nor config and layers");
}

/// An attestation is stored as a child that no machine can run (BuildKit, attestation-storage.md).
bool is_attestation(const Descriptor& child) {
  return child.annotations.contains("vnd.docker.reference.type") || child.platform->os == "unknown" ||
         child.platform->architecture == "unknown";
}

}  // namespace

Manifest parse_manifest(std::string_view bytes, std::string_view content_type) {
  const auto document = parse_strict_object(bytes, "manifest");
  const ObjectReader reader(document, "manifest");
  const auto said = essence(content_type);
  check_version(document, reader, said);
  check_kind(document, reader, said);
  Manifest manifest;
  manifest.media_type = decide_type(document, reader, said);
  manifest.is_index = find_type(manifest.media_type)->is_index;
  manifest.artifact_type = reader.text("artifactType");
  manifest.annotations = reader.texts_by_name("annotations");
  if (const auto* subject = reader.find("subject"))
    manifest.subject = read_descriptor(*subject, "manifest: subject");
  if (manifest.is_index) {
    manifest.manifests = read_descriptors(document, reader, "manifests");
    return manifest;
  }
  if (manifest.media_type == media_type::oci_artifact) {
    if (document.contains("blobs")) manifest.blobs = read_descriptors(document, reader, "blobs");
    return manifest;
  }
  const auto* config = reader.find("config");
  if (!config) reader.fail("config is missing");
  manifest.config = read_descriptor(*config, "manifest: config");
  manifest.layers = read_descriptors(document, reader, "layers");
  return manifest;
}

std::string artifact_type_of(const Manifest& manifest) {
  if (!manifest.artifact_type.empty() || !manifest.config) return manifest.artifact_type;
  return manifest.config->media_type;
}

std::optional<Descriptor> select_platform(const Manifest& index, const Platform& platform) {
  for (const auto& child : index.manifests) {
    if (!child.platform || is_attestation(child)) continue;
    if (fits(*child.platform, platform)) return child;
  }
  return std::nullopt;
}

}  // namespace sluice::oci
