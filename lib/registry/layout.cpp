#include "registry/layout.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "registry/verified_body.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace sluice::registry {
namespace {

constexpr const char* ref_name = "org.opencontainers.image.ref.name";
constexpr const char* layout_file = R"({"imageLayoutVersion":"1.0.0"})";

// A name may be a tag or a whole reference (docker save writes "docker.io/library/node:20").
bool is_called(const oci::Descriptor& entry, const std::string& tag) {
  const auto name = entry.annotations.find(ref_name);
  return name != entry.annotations.end() && (name->second == tag || name->second.ends_with(":" + tag));
}

std::vector<oci::Descriptor> entries_of(const std::string& index, const std::string& where) {
  try {
    return oci::parse_manifest(index, oci::media_type::oci_index).manifests;
  } catch (const Error& error) {
    throw Error(error).within("index.json of " + where);
  }
}

void check_version(const std::string& bytes, const std::string& where) {
  const auto json = nlohmann::json::parse(bytes, nullptr, false);
  const bool known = json.is_object() && json.contains("imageLayoutVersion") &&
                     json["imageLayoutVersion"].is_string() &&
                     json["imageLayoutVersion"].get_ref<const std::string&>().starts_with("1.");
  if (!known) throw Error(ErrorKind::corrupt, where + " is not an OCI image layout of version 1");
}

std::string some_names(const std::vector<std::string>& names) {
  constexpr std::size_t most = 10;
  std::string text;
  for (std::size_t at = 0; at < std::min(names.size(), most); ++at)
    text += (at == 0 ? "" : ", ") + printable(names[at], 140);
  return names.size() > most ? text + ", ..." : text;
}

}  // namespace

std::string blob_name(const oci::Digest& digest) {
  return "blobs/" + std::string(digest.algorithm()) + "/" + std::string(digest.hex());
}

LayoutSource::LayoutSource(std::unique_ptr<Files> files, std::string text)
    : files_(std::move(files)), text_(std::move(text)) {}

Task<> LayoutSource::open() {
  check_version(co_await files_->read("oci-layout", 4096), text_);
  const std::string index = co_await files_->read("index.json", oci::max_manifest_bytes);
  entries_ = entries_of(index, text_);
}

Task<std::vector<std::string>> LayoutSource::tags() {
  co_return names();
}

std::vector<std::string> LayoutSource::names() const {
  std::vector<std::string> names;
  for (const auto& entry : entries_)
    if (const auto name = entry.annotations.find(ref_name); name != entry.annotations.end())
      names.push_back(name->second);
  return names;
}

Task<std::optional<Resolved>> LayoutSource::resolve(std::string tag_or_digest) {
  if (const auto digest = oci::Digest::parse(tag_or_digest)) {
    const auto size = files_->size(blob_name(*digest));
    if (!size) co_return std::nullopt;
    co_return Resolved{*digest, "", static_cast<std::int64_t>(*size)};
  }
  if (tag_or_digest.empty()) {
    if (entries_.size() == 1)
      co_return Resolved{entries_[0].digest, entries_[0].media_type, entries_[0].size};
    if (entries_.empty()) co_return std::nullopt;
    throw Error(ErrorKind::invalid, text_ + " holds " + std::to_string(entries_.size()) +
                                        " images: say which, by a tag or digest (" + some_names(names()) +
                                        ")");
  }
  for (const auto& entry : entries_)
    if (is_called(entry, tag_or_digest)) co_return Resolved{entry.digest, entry.media_type, entry.size};
  co_return std::nullopt;
}

Task<FetchedManifest> LayoutSource::manifest(std::string tag_or_digest) {
  const auto found = co_await resolve(tag_or_digest);
  if (!found) throw Error(ErrorKind::not_found, text_ + " has no image " + printable(tag_or_digest, 160));
  std::string bytes = co_await files_->read(blob_name(found->digest), oci::max_manifest_bytes);
  oci::Hasher hasher(found->digest.algorithm());
  hasher.update(bytes);
  const auto digest = hasher.finish();
  if (digest != found->digest)
    throw Error(ErrorKind::corrupt,
                "the manifest " + found->digest.text() + " of " + text_ + " has bytes of " + digest.text());
  auto manifest = oci::parse_manifest(bytes, found->media_type);
  std::string type = manifest.media_type;
  co_return FetchedManifest{found->digest, std::move(type), std::move(bytes), std::move(manifest)};
}

std::unique_ptr<net::BodySource> LayoutSource::open(const oci::Descriptor& blob, std::uint64_t from) {
  const std::string name = blob_name(blob.digest);
  if (!files_->size(name))
    throw Error(ErrorKind::not_found,
                text_ + " lists the blob " + blob.digest.text() + ", but it is not there");
  return files_->open(name, from);
}

Task<std::vector<oci::Descriptor>> LayoutSource::referrers(oci::Digest subject) {
  if (!subjects_known_) co_await find_subjects();
  const auto found = referrers_.find(subject);
  if (found == referrers_.end()) co_return std::vector<oci::Descriptor>{};
  co_return found->second;
}

// What refers to an image is listed in index.json like any other.
Task<> LayoutSource::find_subjects() {
  for (const auto& entry : entries_) {
    const auto manifest = co_await this->manifest(entry.digest.text());
    if (manifest.manifest.subject) referrers_[manifest.manifest.subject->digest].push_back(entry);
  }
  subjects_known_ = true;
}

LayoutTarget::LayoutTarget(std::unique_ptr<NewFiles> files, std::string text,
                           std::optional<std::string> docker_name)
    : files_(std::move(files)), text_(std::move(text)), docker_name_(std::move(docker_name)) {}

Task<> LayoutTarget::open() {
  const auto version = co_await files_->read("oci-layout", 4096);
  const auto index = co_await files_->read("index.json", oci::max_manifest_bytes);
  if (version) check_version(*version, text_);
  if (index) entries_of(*index, text_);
}

Task<std::optional<Resolved>> LayoutTarget::resolve(std::string tag_or_digest) {
  if (const auto digest = oci::Digest::parse(tag_or_digest)) {
    const auto size = files_->size(blob_name(*digest));
    if (!size) co_return std::nullopt;
    co_return Resolved{*digest, "", static_cast<std::int64_t>(*size)};
  }
  const auto index = co_await files_->read("index.json", oci::max_manifest_bytes);
  if (!index) co_return std::nullopt;
  for (const auto& entry : entries_of(*index, text_))
    if (is_called(entry, tag_or_digest)) co_return Resolved{entry.digest, entry.media_type, entry.size};
  co_return std::nullopt;
}

Task<bool> LayoutTarget::has(oci::Descriptor blob) {
  co_return files_->size(blob_name(blob.digest)) == static_cast<std::uint64_t>(blob.size);
}

bool LayoutTarget::can_mount(const Source& /*source*/, const oci::Descriptor& /*blob*/) const {
  return false;
}

Task<Arrival> LayoutTarget::bring(Source& source, oci::Descriptor blob, BlobMoved moved) {
  const bool there = co_await has(blob);
  if (there) co_return Arrival::present;
  std::string name = blob_name(blob.digest);
  if (blob.size == 0) {
    std::string nothing;
    co_await files_->write(std::move(name), std::move(nothing));
    co_return Arrival::moved;
  }
  const auto size = static_cast<std::uint64_t>(blob.size);
  for (;;) {
    VerifiedBody body(source, blob, moved);
    try {
      co_await files_->write(name, size, body);
      co_return Arrival::moved;
    } catch (const Error& error) {
      // What lay there was wrong, or the source cannot begin in its middle: then it is brought as a whole.
      const bool in_vain = error.kind() == ErrorKind::corrupt || error.kind() == ErrorKind::invalid;
      if (!in_vain || body.passed() == 0) throw;
    }
    if (moved) moved(0, false);
  }
}

Task<> LayoutTarget::put_manifest(oci::Digest digest, std::string media_type, std::string bytes) {
  if (oci::parse_manifest(bytes, media_type).subject)
    entries_.push_back({"", digest, media_type, bytes.size()});
  co_await files_->write(blob_name(digest), std::move(bytes));
}

Task<> LayoutTarget::tag(std::string tag, oci::Digest digest, std::string media_type, std::string bytes) {
  entries_.push_back({std::move(tag), std::move(digest), media_type, bytes.size()});
  const auto manifest = oci::parse_manifest(bytes, media_type);
  if (docker_name_ && !manifest.is_index && docker_manifest_.empty())
    docker_manifest_ = docker_manifest_of(manifest, *docker_name_);
  co_return;
}

Task<> LayoutTarget::finish() {
  const auto present = co_await files_->read("index.json", oci::max_manifest_bytes);
  std::string index = present.value_or("");
  for (const auto& [tag, digest, media_type, size] : entries_)
    index = with_entry(index, tag, digest, media_type, size);
  if (!docker_manifest_.empty()) co_await files_->write("manifest.json", std::move(docker_manifest_));
  std::string version = layout_file;
  if (!files_->size("oci-layout")) co_await files_->write("oci-layout", std::move(version));
  if (!present || index != *present) co_await files_->write("index.json", std::move(index));
  co_await files_->finish();
}

std::string with_entry(const std::string& index, const std::string& tag, const oci::Digest& digest,
                       const std::string& media_type, std::size_t size) {
  using json = nlohmann::ordered_json;
  if (!index.empty() && !oci::parse_manifest(index, oci::media_type::oci_index).is_index)
    throw Error(ErrorKind::corrupt, "index.json is not an index of images");
  json document = index.empty() ? json{{"schemaVersion", 2},
                                       {"mediaType", oci::media_type::oci_index},
                                       {"manifests", json::array()}}
                                : json::parse(index);
  json kept = json::array();
  bool listed = false;
  for (auto& entry : document["manifests"]) {
    const auto annotations = entry.find("annotations");
    const std::string name =
        annotations == entry.end() || annotations->is_null() ? "" : annotations->value(ref_name, "");
    if (!tag.empty() && name == tag) continue;
    if (name == tag && entry.at("digest") == digest.text()) listed = true;
    kept.push_back(entry);
  }
  if (listed) return index;
  if (kept.size() >= oci::max_descriptors)
    throw Error(ErrorKind::corrupt,
                "index.json holds as many images as are read; write to another directory");
  json entry{{"mediaType", media_type}, {"digest", digest.text()}, {"size", size}};
  if (!tag.empty()) entry["annotations"] = {{ref_name, tag}};
  kept.push_back(std::move(entry));
  document["manifests"] = std::move(kept);
  return document.dump();
}

std::string docker_manifest_of(const oci::Manifest& manifest, const std::string& name) {
  using json = nlohmann::ordered_json;
  json layers = json::array();
  for (const auto& layer : manifest.layers)
    layers.push_back(blob_name(layer.digest));
  json tags = json::array();
  if (!name.empty()) tags.push_back(name);
  json entry{{"Config", manifest.config ? blob_name(manifest.config->digest) : ""},
             {"RepoTags", std::move(tags)},
             {"Layers", std::move(layers)}};
  return json::array({std::move(entry)}).dump();
}

}  // namespace sluice::registry
