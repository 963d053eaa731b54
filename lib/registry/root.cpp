#include "registry/root.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "registry/platforms.hpp"
#include "registry/verified_body.hpp"

#include <utility>

namespace sluice::registry {
namespace {

std::string full_name(const Source& source, const FetchedManifest& image) {
  return source.text() + "@" + image.digest.text();
}

/// Of an image that is no index. Throws not_found for an artifact, which is for no platform.
Task<oci::Platform> own_platform(Source& source, FetchedManifest image) {
  std::string bytes;
  if (image.manifest.config) bytes = co_await read_small_blob(source, *image.manifest.config);
  try {
    co_return oci::parse_image_config(bytes).platform;
  } catch (const Error&) {
    // The config of an artifact is whatever its makers like.
  }
  throw Error(ErrorKind::not_found, full_name(source, image) +
                                        " is neither an index nor an image for some platform: leave out "
                                        "--platform to have it as it is");
}

}  // namespace

Task<oci::Digest> digest_for(Source& source, FetchedManifest whole, oci::Platform platform) {
  if (whole.manifest.is_index) {
    const auto child = oci::select_platform(whole.manifest, platform);
    if (child) co_return child->digest;
    throw Error(ErrorKind::not_found, full_name(source, whole) + " has no image for " + platform.text() +
                                          ", it has " + platforms_text(whole.manifest));
  }
  const auto own = co_await own_platform(source, whole);
  if (oci::fits(own, platform)) co_return whole.digest;
  throw Error(ErrorKind::not_found, full_name(source, whole) + " is an image for " +
                                        printable(own.text(), 100) + ", not for " + platform.text());
}

Task<Root> choose_root(Source& source, Place from, PlaceKind to, std::vector<oci::Platform> platforms) {
  auto whole = co_await source.manifest(from.tag_or_digest().value_or(""));
  const oci::Digest digest = whole.digest;
  const bool single = to == PlaceKind::docker_archive && whole.manifest.is_index;
  if (single && platforms.size() != 1)
    throw Error(ErrorKind::invalid, from.text() +
                                        " is an index, and a docker archive holds one platform: "
                                        "choose it with --platform");
  if (whole.manifest.is_index && !single && !platforms.empty()) {
    auto [manifest, left_out] = only_platforms(std::move(whole), platforms);
    co_return Root{std::move(manifest), digest, std::move(left_out)};
  }
  for (auto& platform : platforms) {
    const auto chosen = co_await digest_for(source, whole, std::move(platform));
    if (chosen != whole.digest) whole = co_await source.manifest(chosen.text());
  }
  co_return Root{std::move(whole), digest, {}};
}

}  // namespace sluice::registry
