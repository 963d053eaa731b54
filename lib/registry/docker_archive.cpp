#include "registry/docker_archive.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "oci/manifest.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace sluice::registry {
namespace {

constexpr const char* config_type = "application/vnd.docker.container.image.v1+json";
constexpr const char* plain_layer = "application/vnd.docker.image.rootfs.diff.tar";
constexpr const char* packed_layer = "application/vnd.docker.image.rootfs.diff.tar.gzip";

std::vector<std::string> texts_of(const nlohmann::json& object, const char* key) {
  std::vector<std::string> texts;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return texts;
  for (const auto& entry : *found)
    if (entry.is_string()) texts.push_back(entry.get<std::string>());
  return texts;
}

}  // namespace

DockerArchiveSource::DockerArchiveSource(std::unique_ptr<Files> files, std::string text)
    : files_(std::move(files)), text_(std::move(text)) {}

Task<> DockerArchiveSource::open() {
  const std::string bytes = co_await files_->read("manifest.json", oci::max_manifest_bytes);
  const auto json = nlohmann::json::parse(bytes, nullptr, false);
  if (!json.is_array()) throw Error(ErrorKind::corrupt, text_ + ": manifest.json is not a list of images");
  for (const auto& entry : json) {
    if (!entry.is_object() || !entry.contains("Config") || !entry["Config"].is_string())
      throw Error(ErrorKind::corrupt, text_ + ": manifest.json lists an image without a config");
    images_.push_back(
        {entry["Config"].get<std::string>(), texts_of(entry, "RepoTags"), texts_of(entry, "Layers")});
  }
}

Task<std::vector<std::string>> DockerArchiveSource::tags() {
  std::vector<std::string> all;
  for (const auto& image : images_)
    all.insert(all.end(), image.names.begin(), image.names.end());
  co_return all;
}

const DockerArchiveSource::Image* DockerArchiveSource::find(const std::string& tag) const {
  if (tag.empty() && images_.size() == 1) return &images_[0];
  if (tag.empty() && images_.size() > 1)
    throw Error(ErrorKind::invalid,
                text_ + " holds " + std::to_string(images_.size()) + " images: say which, by a tag");
  for (const auto& image : images_)
    for (const auto& name : image.names)
      if (name == tag || name.ends_with(":" + tag)) return &image;
  return nullptr;
}

Task<FetchedManifest> DockerArchiveSource::manifest(std::string tag_or_digest) {
  if (const auto digest = oci::Digest::parse(tag_or_digest)) {
    const auto made = made_.find(*digest);
    if (made != made_.end()) co_return made->second;
    throw Error(ErrorKind::not_found, text_ + " has no manifest " + tag_or_digest +
                                          "; the images of a docker archive are named by tags");
  }
  const Image* image = find(tag_or_digest);
  if (!image) throw Error(ErrorKind::not_found, text_ + " has no image " + printable(tag_or_digest, 160));
  co_return co_await make(*image);
}

Task<std::optional<Resolved>> DockerArchiveSource::resolve(std::string tag_or_digest) {
  try {
    const auto found = co_await manifest(std::move(tag_or_digest));
    co_return Resolved{found.digest, found.media_type, static_cast<std::int64_t>(found.bytes.size())};
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
  }
  co_return std::nullopt;
}

Task<FetchedManifest> DockerArchiveSource::make(Image image) {
  using json = nlohmann::ordered_json;
  json layers = json::array();
  for (const auto& name : image.layers) {
    const auto digest = co_await digest_of(name);
    const bool packed = co_await is_packed(name);
    layers.push_back({{"mediaType", packed ? packed_layer : plain_layer},
                      {"size", files_->size(name).value_or(0)},
                      {"digest", digest.text()}});
  }
  const auto config = co_await digest_of(image.config);
  json document{{"schemaVersion", 2},
                {"mediaType", oci::media_type::docker_manifest},
                {"config",
                 {{"mediaType", config_type},
                  {"size", files_->size(image.config).value_or(0)},
                  {"digest", config.text()}}},
                {"layers", std::move(layers)}};
  std::string bytes = document.dump();
  const auto digest = oci::Digest::of(bytes);
  auto manifest = oci::parse_manifest(bytes, oci::media_type::docker_manifest);
  FetchedManifest made{digest, std::string(oci::media_type::docker_manifest), std::move(bytes),
                       std::move(manifest)};
  made_.insert_or_assign(digest, made);
  co_return made;
}

Task<oci::Digest> DockerArchiveSource::digest_of(std::string name) {
  const auto known = digests_.find(name);
  if (known != digests_.end()) co_return known->second;
  if (!files_->size(name))
    throw Error(ErrorKind::corrupt,
                text_ + ": manifest.json names " + printable(name, 200) + ", but it is not in the archive");
  const auto body = files_->open(name, 0);
  oci::Hasher hasher;
  std::string buffer(file_piece, '\0');
  for (;;) {
    const std::size_t got = co_await body->read(std::span<char>(buffer));
    if (got == 0) break;
    hasher.update(std::string_view(buffer).substr(0, got));
  }
  const auto digest = hasher.finish();
  digests_.emplace(name, digest);
  names_.emplace(digest, name);
  co_return digest;
}

Task<bool> DockerArchiveSource::is_packed(std::string name) const {
  const auto body = files_->open(name, 0);
  std::string magic(2, '\0');
  const std::size_t got = co_await body->read(std::span<char>(magic));
  co_return got == 2 && magic == "\x1f\x8b";
}

std::unique_ptr<net::BodySource> DockerArchiveSource::open(const oci::Descriptor& blob, std::uint64_t from) {
  const auto name = names_.find(blob.digest);
  if (name == names_.end())
    throw Error(ErrorKind::not_found, text_ + " has no file with the digest " + blob.digest.text());
  return files_->open(name->second, from);
}

Task<std::vector<oci::Descriptor>> DockerArchiveSource::referrers(oci::Digest /*subject*/) {
  co_return std::vector<oci::Descriptor>{};
}

}  // namespace sluice::registry
