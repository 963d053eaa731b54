#include "registry/layout.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "registry/image_names.hpp"
#include "registry/verified_body.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace sluice::registry {
namespace {

constexpr const char* ref_name = "org.opencontainers.image.ref.name";  // a tag, or a whole name
// The whole name, in what docker, BuildKit and nerdctl write (containerd, images/annotations.go).
constexpr const char* image_name = "io.containerd.image.name";
constexpr const char* layout_file = R"({"imageLayoutVersion":"1.0.0"})";

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

ImageNames entry_names(const oci::Descriptor& entry) {
  ImageNames names;
  for (const auto* key : {image_name, ref_name})
    if (const auto name = entry.annotations.find(key); name != entry.annotations.end())
      names.push_back(name->second);
  return names;
}

std::vector<ImageNames> all_entry_names(const std::vector<oci::Descriptor>& entries) {
  std::vector<ImageNames> names;
  for (const auto& entry : entries)
    names.push_back(entry_names(entry));
  return names;
}

/// The one image that is meant: entries may name the same one several times.
std::optional<Resolved> only_one(const std::vector<oci::Descriptor>& entries, const std::string& where,
                                 const std::string& wanted) {
  if (entries.empty()) return std::nullopt;
  const auto& first = entries.front();
  const auto is_other = [&](const auto& entry) { return entry.digest != first.digest; };
  if (std::any_of(entries.begin(), entries.end(), is_other))
    refuse_choice(where, wanted, all_entry_names(entries));
  return Resolved{first.digest, first.media_type, first.size};
}

std::optional<Resolved> choose_entry(const std::vector<oci::Descriptor>& entries, const std::string& where,
                                     const std::string& wanted) {
  std::vector<oci::Descriptor> meant;
  for (const auto at : called(all_entry_names(entries), wanted))
    meant.push_back(entries[at]);
  return only_one(meant, where, wanted);
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
  std::vector<std::string> tags;
  for (const auto& entry : entries_)
    if (auto names = entry_names(entry); !names.empty()) tags.push_back(std::move(names.front()));
  co_return tags;
}

// What refers to an image lies beside it, and is not what is meant when nothing is said; unless there is
// nothing else.
Task<std::vector<oci::Descriptor>> LayoutSource::candidates() {
  std::vector<oci::Descriptor> candidates;
  for (const auto& entry : entries_) {
    const auto names = entry_names(entry);
    if (std::any_of(names.begin(), names.end(), is_referrers_tag)) continue;
    bool refers = false;
    if (names.empty() && entries_.size() > 1) {
      const auto fetched = co_await manifest(entry.digest.text());
      refers = fetched.manifest.subject.has_value();
    }
    if (!refers) candidates.push_back(entry);
  }
  co_return candidates.empty() ? entries_ : candidates;
}

Task<std::optional<Resolved>> LayoutSource::resolve(std::string tag_or_digest) {
  if (const auto digest = oci::Digest::parse(tag_or_digest)) {
    const auto size = files_->size(blob_name(*digest));
    if (!size) co_return std::nullopt;
    co_return Resolved{*digest, "", static_cast<std::int64_t>(*size)};
  }
  if (const auto at = at_position(tag_or_digest, entries_.size(), text_))
    co_return only_one({entries_[*at]}, text_, tag_or_digest);
  if (!tag_or_digest.empty()) co_return choose_entry(entries_, text_, tag_or_digest);
  const auto all = co_await candidates();
  co_return only_one(all, text_, "");
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
    const auto fetched = co_await this->manifest(entry.digest.text());
    if (!fetched.manifest.subject) continue;
    auto& listed = referrers_[fetched.manifest.subject->digest].emplace_back(entry);
    if (listed.artifact_type.empty()) listed.artifact_type = oci::artifact_type_of(fetched.manifest);
  }
  subjects_known_ = true;
}

LayoutTarget::LayoutTarget(std::unique_ptr<NewFiles> files, std::string text,
                           std::optional<std::string> docker_name, bool thorough)
    : files_(std::move(files)),
      text_(std::move(text)),
      docker_name_(std::move(docker_name)),
      thorough_(thorough) {}

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
    // Nobody says what size it should have, and manifests are small.
    const bool good = co_await files_->has_digest(blob_name(*digest), *digest);
    if (!good) co_return std::nullopt;
    co_return Resolved{*digest, "", static_cast<std::int64_t>(*size)};
  }
  const auto index = co_await files_->read("index.json", oci::max_manifest_bytes);
  if (!index) co_return std::nullopt;
  co_return choose_entry(entries_of(*index, text_), text_, tag_or_digest);
}

// A blob of the right name and size is taken for what it should be, unless this copy is to find out.
Task<bool> LayoutTarget::is_good(oci::Digest digest) {
  if (!thorough_) co_return true;
  co_return co_await files_->has_digest(blob_name(digest), digest);
}

Task<bool> LayoutTarget::has(oci::Descriptor blob) {
  if (files_->size(blob_name(blob.digest)) != static_cast<std::uint64_t>(blob.size)) co_return false;
  co_return co_await is_good(std::move(blob.digest));
}

bool LayoutTarget::can_mount(const Source& /*source*/, const oci::Descriptor& /*blob*/) const {
  return false;
}

Task<Arrival> LayoutTarget::bring(Source& source, oci::Descriptor blob, BlobMoved moved) {
  const bool there = co_await has(blob);
  if (there) co_return Arrival::present;
  std::string name = blob_name(blob.digest);
  if (blob.size == 0) {
    check_empty(blob, text_);
    std::string nothing;
    co_await files_->write(std::move(name), std::move(nothing));
    co_return Arrival::moved;
  }
  const auto size = static_cast<std::uint64_t>(blob.size);
  for (;;) {
    VerifiedBody body(source, blob, moved);
    try {
      const bool ours = co_await files_->write(name, size, body);
      if (ours) co_return Arrival::moved;
      const bool theirs = co_await has(blob);
      if (theirs) co_return Arrival::present;
      continue;
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
    entries_.push_back({"", "", digest, media_type, bytes.size()});
  co_await files_->write(blob_name(digest), std::move(bytes));
}

Task<> LayoutTarget::tag(std::string tag, oci::Digest digest, std::string media_type, std::string bytes) {
  // Cosign's tags are no images that docker could load.
  const bool is_image = docker_name_ && !is_referrers_tag(tag);
  const std::string name = is_image ? *docker_name_ : "";
  const auto manifest = oci::parse_manifest(bytes, media_type);
  if (is_image && !manifest.is_index) docker_manifest_ = docker_manifest_of(manifest, name);
  entries_.push_back({std::move(tag), name, std::move(digest), media_type, bytes.size()});
  co_return;
}

// Other processes may have added to the index since it was read.
Task<> LayoutTarget::finish() {
  if (!docker_manifest_.empty()) co_await files_->write("manifest.json", std::move(docker_manifest_));
  std::string version = layout_file;
  if (!files_->size("oci-layout")) co_await files_->write("oci-layout", std::move(version));
  NewFiles::Change add = [this](const std::string& present) {
    std::string index = present;
    for (const auto& [tag, name, digest, media_type, size] : entries_)
      index = with_entry(index, tag, digest, media_type, size, name);
    return index;
  };
  co_await files_->change("index.json", oci::max_manifest_bytes, std::move(add));
  co_await files_->finish();
}

std::string with_entry(const std::string& index, const std::string& tag, const oci::Digest& digest,
                       const std::string& media_type, std::size_t size, const std::string& docker_name) {
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
  if (!tag.empty()) entry["annotations"][ref_name] = tag;
  if (!docker_name.empty()) entry["annotations"][image_name] = docker_name;
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
