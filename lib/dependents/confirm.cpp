#include "dependents/confirm.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/fmt/fmt.h>

namespace sluice::dependents {
namespace {

constexpr std::string_view base_digest_key = "org.opencontainers.image.base.digest";
constexpr std::string_view by_layers = "layers";

bool names_base(const std::map<std::string, std::string>& texts,
                const std::vector<oci::Digest>& base_digests) {
  const auto found = texts.find(std::string(base_digest_key));
  return found != texts.end() &&
         std::any_of(base_digests.begin(), base_digests.end(),
                     [&](const oci::Digest& digest) { return digest.text() == found->second; });
}

std::size_t differing(const std::vector<oci::Digest>& image, const std::vector<oci::Digest>& base) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < base.size(); ++i)
    if (image[i] != base[i]) ++count;
  return count;
}

bool begins_with(const oci::ImageConfig& image, const oci::ImageConfig& base) {
  return image.diff_ids.size() >= base.diff_ids.size() && differing(image.diff_ids, base.diff_ids) == 0;
}

// One platform of an image, as a registry has it.
struct Found {
  oci::Digest digest;  // the manifest itself, not the index around it
  std::map<std::string, std::string> annotations;
  oci::ImageConfig config;
};

// Nullopt when the image has no such platform.
Task<std::optional<Found>> find(registry::Client& client, oci::Repository repository, oci::Digest digest,
                                oci::Platform platform) {
  const std::string top_name = digest.text();
  const registry::FetchedManifest top = co_await client.manifest(repository, top_name);
  Found found{.digest = digest, .annotations = top.manifest.annotations, .config = {}};
  if (top.manifest.is_index) {
    const auto child = oci::select_platform(top.manifest, platform);
    if (!child) co_return std::nullopt;
    found.digest = child->digest;
    const std::string child_name = child->digest.text();
    const registry::FetchedManifest own = co_await client.manifest(repository, child_name);
    // What is said nearest to the image counts: manifest, then descriptor, then index.
    auto annotations = own.manifest.annotations;
    annotations.insert(child->annotations.begin(), child->annotations.end());
    annotations.insert(found.annotations.begin(), found.annotations.end());
    found.annotations = std::move(annotations);
  }
  const std::string name = found.digest.text();
  found.config = co_await client.image_config(repository, name, platform);
  co_return found;
}

// Nullopt when it, or a part of it, is not in the registry any more, too.
Task<std::optional<Found>> find_replaced(registry::Client& client, oci::Repository repository,
                                         oci::Digest digest, oci::Platform platform) {
  try {
    auto found = co_await find(client, repository, digest, platform);
    co_return found;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
  }
  co_return std::nullopt;
}

std::string name_of(const oci::Reference& reference, bool prefer_digest) {
  if (reference.digest && (prefer_digest || !reference.tag)) return reference.digest->text();
  return reference.tag.value_or("latest");
}

}  // namespace

Confirmation compare(const oci::ImageConfig& image, const std::map<std::string, std::string>& annotations,
                     const oci::ImageConfig& base, const std::vector<oci::Digest>& base_digests) {
  const auto total = base.diff_ids.size();
  // Fewer layers than the base has: the image was squashed, or is old, and layers cannot tell which.
  const bool comparable = total > 0 && image.diff_ids.size() >= total;
  if (comparable) {
    const auto count = differing(image.diff_ids, base.diff_ids);
    if (count == 0) return {.confirmed = true, .how = std::string(by_layers), .digest = std::nullopt};
    return {.confirmed = false,
            .how = fmt::format("{} of {} base layers differ", count, total),
            .digest = std::nullopt};
  }
  if (names_base(annotations, base_digests) || names_base(image.labels, base_digests))
    return {.confirmed = true, .how = "annotation", .digest = std::nullopt};
  if (total == 0)
    return {.confirmed = false,
            .how = "the base has no layers and no annotation names it",
            .digest = std::nullopt};
  return {.confirmed = false,
          .how = fmt::format("it has {} layers, the base has {}", image.diff_ids.size(), total),
          .digest = std::nullopt};
}

bool sits_on_replaced(const oci::ImageConfig& image, const std::map<std::string, std::string>& annotations,
                      const oci::ImageConfig& base, const oci::ImageConfig& replaced,
                      const std::vector<oci::Digest>& replaced_digests) {
  if (!begins_with(replaced, base)) return false;
  if (replaced.diff_ids.size() > base.diff_ids.size()) return begins_with(image, replaced);
  return names_base(annotations, replaced_digests);
}

Task<Confirmation> confirm(registry::Client& client, oci::Reference image, oci::Reference base,
                           oci::Platform platform, std::optional<oci::Digest> replaced) {
  Confirmation nothing{.confirmed = false, .how = "no such image", .digest = std::nullopt};
  const std::string image_name = name_of(image, false);
  const auto now = co_await client.resolve(image.repository, image_name);
  if (!now) co_return nothing;
  const auto built = co_await find(client, image.repository, now->digest, platform);
  if (!built) {
    nothing.how = "it has no image for " + platform.text();
    nothing.digest = now->digest;
    co_return nothing;
  }
  const std::string base_name = name_of(base, true);
  const auto base_now = co_await client.resolve(base.repository, base_name);
  if (!base_now)
    throw Error(ErrorKind::not_found, "the base " + base.text() + " is not in its registry any more");
  const auto promoted = co_await find(client, base.repository, base_now->digest, platform);
  if (!promoted)
    throw Error(ErrorKind::not_found, "the base " + base.text() + " has no image for " + platform.text());
  const std::vector<oci::Digest> base_digests{base_now->digest, promoted->digest};
  auto result = compare(built->config, built->annotations, promoted->config, base_digests);
  result.digest = now->digest;
  if (!result.confirmed || result.how != by_layers || !replaced) co_return result;
  const auto before = co_await find_replaced(client, base.repository, *replaced, platform);
  // The same image in another index is no other base.
  if (!before || before->digest == promoted->digest) co_return result;
  const std::vector<oci::Digest> replaced_digests{*replaced, before->digest};
  if (sits_on_replaced(built->config, built->annotations, promoted->config, before->config,
                       replaced_digests)) {
    result.confirmed = false;
    result.how = "it still sits on the base that was replaced, whose first layers are those of the new one";
  }
  co_return result;
}

}  // namespace sluice::dependents
