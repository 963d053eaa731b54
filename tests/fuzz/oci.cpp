// Names, digests and documents of images.

#include "oci/digest.hpp"
#include "oci/manifest.hpp"
#include "oci/platform.hpp"
#include "oci/reference.hpp"
#include "oci/semver.hpp"
#include "oci/strict_json.hpp"
#include "target.hpp"

#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::fuzz;

namespace {

bool same_manifest(const oci::Manifest& left, const oci::Manifest& right) {
  return left.media_type == right.media_type && left.is_index == right.is_index &&
         left.config == right.config && left.layers == right.layers && left.manifests == right.manifests &&
         left.blobs == right.blobs && left.subject == right.subject &&
         left.artifact_type == right.artifact_type && left.annotations == right.annotations;
}

void check_manifest(const oci::Manifest& manifest) {
  HOLDS(manifest.layers.size() <= oci::max_descriptors && manifest.manifests.size() <= oci::max_descriptors);
  // CVE-2021-41190: what two readers could take for two things.
  HOLDS(manifest.is_index ? !manifest.config && manifest.layers.empty() : manifest.manifests.empty());
  HOLDS(manifest.blobs.empty() || (!manifest.is_index && !manifest.config && manifest.layers.empty()));
  for (const auto* list : {&manifest.layers, &manifest.manifests, &manifest.blobs})
    for (const auto& descriptor : *list)
      HOLDS(descriptor.size >= 0 && oci::Digest::parse(descriptor.digest.text()));
  if (!manifest.is_index) return;
  const auto chosen = oci::select_platform(manifest, {.os = "linux", .architecture = "amd64", .variant = ""});
  if (chosen)
    HOLDS(chosen->platform && chosen->platform->os == "linux" && chosen->platform->architecture == "amd64");
}

}  // namespace

SLUICE_FUZZ_TARGET(oci_manifest) {
  const auto manifest = attempt([&] { return oci::parse_manifest(input, ""); });
  for (const auto type :
       {oci::media_type::oci_index, oci::media_type::oci_manifest, oci::media_type::docker_list,
        oci::media_type::docker_manifest, oci::media_type::oci_artifact}) {
    const auto typed = attempt([&] { return oci::parse_manifest(input, type); });
    if (typed) check_manifest(*typed);
    if (manifest && typed && manifest->media_type == typed->media_type)
      HOLDS(same_manifest(*manifest, *typed));
  }
  if (!manifest) return;
  check_manifest(*manifest);
  HOLDS(input.size() <= oci::max_manifest_bytes);
  const auto again =
      attempt([&] { return oci::parse_manifest(input, manifest->media_type + "; charset=utf-8"); });
  HOLDS(again && same_manifest(*manifest, *again));
}

SLUICE_FUZZ_TARGET(oci_image_config) {
  const auto config = attempt([&] { return oci::parse_image_config(input); });
  if (!config) return;
  for (const auto& digest : config->diff_ids)
    HOLDS(oci::Digest::parse(digest.text()) == digest);
}

SLUICE_FUZZ_TARGET(oci_strict_json) {
  const auto value = attempt([&] { return oci::parse_strict_value(input, "the input"); });
  if (!value) return;
  HOLDS(oci::parse_strict_value(value->dump(), "the output") == *value);
  HOLDS(refuses([&] { return oci::parse_strict_object(input, "the input"); }) == !value->is_object());
}

SLUICE_FUZZ_TARGET(oci_reference) {
  if (const auto reference = attempt([&] { return oci::Reference::parse(input); })) {
    HOLDS(reference->tag || reference->digest);
    HOLDS(oci::is_valid_path(reference->repository.path));
    HOLDS(!reference->tag || oci::is_valid_tag(*reference->tag));
    HOLDS(oci::Reference::parse(reference->text()) == *reference);
    HOLDS(is_showable(reference->text()));
  }
  if (const auto repository = attempt([&] { return oci::Repository::parse(input); })) {
    HOLDS(oci::Repository::parse(repository->text()) == *repository);
    HOLDS(oci::Reference::parse(repository->text() + ":tag").repository == *repository);
  }
}

SLUICE_FUZZ_TARGET(oci_digest) {
  const auto digest = oci::Digest::parse(input);
  if (digest) {
    HOLDS(digest->text() == input);
    HOLDS(std::string(digest->algorithm()) + ":" + std::string(digest->hex()) == input);
    HOLDS(digest->hex().size() == (digest->algorithm() == "sha512" ? 128 : 64));
    HOLDS(input.starts_with(digest->shortened()));
  }
  // A hash does not depend on the pieces that its bytes come in.
  oci::Hasher hasher;
  for (std::size_t at = 0; at < input.size(); at += 7)
    hasher.update(input.substr(at, 7));
  HOLDS(hasher.copy().finish() == oci::Digest::of(input));
}

SLUICE_FUZZ_TARGET(oci_platform) {
  const auto platform = attempt([&] { return oci::Platform::parse(input); });
  if (platform) HOLDS(oci::Platform::parse(platform->text()) == *platform);
}

// A range in the first line, tags in the others.
SLUICE_FUZZ_TARGET(oci_semver) {
  auto rest = input;
  const auto text = take_line(rest);
  const auto range = attempt([&] { return oci::VersionRange::parse(text); });
  std::vector<oci::Version> versions;
  for (const auto& line : lines_of(rest, 8))
    if (auto version = oci::Version::parse(line)) versions.push_back(std::move(*version));
  for (const auto& one : versions) {
    HOLDS(one == one);
    if (range && range->contains(one)) HOLDS(range->contains(one, true));
    HOLDS(oci::VersionRange::parse("*").contains(one, true));
    for (const auto& other : versions) {
      HOLDS((one < other) == (other > one));
      HOLDS((one == other) == !(one < other || other < one));
      if (range && one == other) HOLDS(range->contains(one, true) == range->contains(other, true));
      for (const auto& third : versions)
        HOLDS(!(one < other && other < third) || one < third);
    }
  }
}
