#include "registry/docker_archive.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "oci/manifest.hpp"
#include "registry/image_names.hpp"

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

/// The file with a digest, which is looked for when its first byte is wanted: the archive does not tell
/// digests.
class DockerArchiveSource::Sought final : public net::BodySource {
 public:
  Sought(DockerArchiveSource& source, oci::Digest digest, std::uint64_t from)
      : source_(source), digest_(std::move(digest)), from_(from) {}
  Task<std::size_t> read(std::span<char> buffer) override {
    if (!body_) {
      const auto name = co_await source_.file_with(digest_);
      body_ = source_.files_->open(name, from_);
    }
    co_return co_await body_->read(buffer);
  }

 private:
  DockerArchiveSource& source_;
  oci::Digest digest_;
  std::uint64_t from_;
  std::unique_ptr<net::BodySource> body_;
};

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

const DockerArchiveSource::Image* DockerArchiveSource::find(const std::string& wanted) const {
  std::vector<std::vector<std::string>> names;
  for (const auto& image : images_)
    names.push_back(image.names);
  if (const auto at = at_position(wanted, images_.size(), text_)) return &images_[*at];
  if (wanted.empty() && images_.size() > 1) refuse_choice(text_, "", names);
  if (wanted.empty()) return images_.empty() ? nullptr : &images_[0];
  const auto places = called(names, wanted);
  if (places.size() > 1) refuse_choice(text_, wanted, names);
  return places.empty() ? nullptr : &images_[places[0]];
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
  const auto digest = co_await files_->digest(name, "sha256");
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

/// Configs first: they are small.
Task<std::string> DockerArchiveSource::file_with(oci::Digest digest) {
  std::vector<std::string> files;
  for (const auto& image : images_)
    files.push_back(image.config);
  for (const auto& image : images_)
    files.insert(files.end(), image.layers.begin(), image.layers.end());
  for (const auto& name : files) {
    const auto known = names_.find(digest);
    if (known != names_.end()) co_return known->second;
    co_await digest_of(name);
  }
  const auto last = names_.find(digest);
  if (last != names_.end()) co_return last->second;
  throw Error(ErrorKind::not_found, text_ + " has no file with the digest " + digest.text());
}

std::unique_ptr<net::BodySource> DockerArchiveSource::open(const oci::Descriptor& blob, std::uint64_t from) {
  return std::make_unique<Sought>(*this, blob.digest, from);
}

Task<std::vector<oci::Descriptor>> DockerArchiveSource::referrers(oci::Digest /*subject*/) {
  co_return std::vector<oci::Descriptor>{};
}

}  // namespace sluice::registry
