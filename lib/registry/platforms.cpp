#include "registry/platforms.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

namespace sluice::registry {
namespace {

// Attestations name the image that they are for (BuildKit, attestation-storage.md).
constexpr const char* reference_digest = "vnd.docker.reference.digest";

std::set<oci::Digest> chosen(const oci::Manifest& index, const std::vector<oci::Platform>& wanted) {
  std::set<oci::Digest> keep;
  for (const auto& platform : wanted) {
    const auto child = oci::select_platform(index, platform);
    if (!child)
      throw Error(ErrorKind::not_found,
                  "the index has no image for " + platform.text() + ", it has " + platforms_text(index));
    keep.insert(child->digest);
  }
  return keep;
}

bool belongs_to(const oci::Descriptor& child, const std::set<oci::Digest>& keep) {
  if (keep.contains(child.digest)) return true;
  const auto named = child.annotations.find(reference_digest);
  if (named == child.annotations.end()) return false;
  const auto digest = oci::Digest::parse(named->second);
  return digest && keep.contains(*digest);
}

std::string joined_platforms(const std::vector<oci::Platform>& platforms) {
  std::string text;
  for (const auto& platform : platforms)
    text += (text.empty() ? "" : ",") + platform.text();
  return text;
}

}  // namespace

std::string platforms_text(const oci::Manifest& index) {
  std::string names;
  for (const auto& child : index.manifests)
    if (child.platform && child.platform->os != "unknown")
      names += (names.empty() ? "" : ", ") + printable(child.platform->text(), 60);
  return names;
}

PartOfIndex only_platforms(FetchedManifest whole, const std::vector<oci::Platform>& wanted) {
  if (!whole.manifest.is_index)
    throw Error(ErrorKind::invalid, whole.digest.text() + " is an image for one platform, not an index");
  const auto keep = chosen(whole.manifest, wanted);
  std::vector<oci::Platform> left_out;
  auto document = nlohmann::ordered_json::parse(whole.bytes);
  auto kept = nlohmann::ordered_json::array();
  for (std::size_t at = 0; at < whole.manifest.manifests.size(); ++at) {
    const auto& child = whole.manifest.manifests[at];
    if (belongs_to(child, keep))
      kept.push_back(document["manifests"][at]);
    else if (child.platform && child.platform->os != "unknown")
      left_out.push_back(*child.platform);
  }
  if (kept.size() == whole.manifest.manifests.size()) return {std::move(whole), {}};
  document["manifests"] = std::move(kept);
  if (whole.media_type == oci::media_type::oci_index) {
    document["annotations"]["dev.sluice.source.digest"] = whole.digest.text();
    document["annotations"]["dev.sluice.platforms.left-out"] = joined_platforms(left_out);
  }
  std::string bytes = document.dump();
  auto manifest = oci::parse_manifest(bytes, whole.media_type);
  FetchedManifest part{oci::Digest::of(bytes), whole.media_type, std::move(bytes), std::move(manifest)};
  return {std::move(part), std::move(left_out)};
}

}  // namespace sluice::registry
