#pragma once
// OCI image layouts (OCI image specification, image-layout.md), in a directory or in an archive.

#include "registry/files.hpp"
#include "registry/source.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace sluice::registry {

/// "blobs/sha256/<hex>"
std::string blob_name(const oci::Digest& digest);

/// Reads a layout.
class LayoutSource final : public Source {
 public:
  LayoutSource(std::unique_ptr<Files> files, std::string text);
  /// Throws not_found when there is no layout, corrupt when it is of an unknown version.
  Task<> open();
  const std::string& text() const override { return text_; }
  /// By whole name, by a tag that only one image has, or by the position in index.json. An empty name means
  /// the only image of the layout that refers to no other.
  Task<FetchedManifest> manifest(std::string tag_or_digest) override;
  Task<std::optional<Resolved>> resolve(std::string tag_or_digest) override;
  std::unique_ptr<net::BodySource> open(const oci::Descriptor& blob, std::uint64_t from) override;
  Task<std::vector<oci::Descriptor>> referrers(oci::Digest subject) override;
  Task<std::vector<std::string>> tags() override;

 private:
  Task<std::vector<oci::Descriptor>> candidates();
  Task<> find_subjects();

  std::unique_ptr<Files> files_;
  std::string text_;
  std::vector<oci::Descriptor> entries_;  // of index.json
  std::map<oci::Digest, std::vector<oci::Descriptor>> referrers_;
  bool subjects_known_ = false;
};

/// Writes a layout, or adds to one.
class LayoutTarget final : public Target {
 public:
  /// With `docker_name` ("docker.io/library/node:20", may be empty) a docker archive: `docker load` of any
  /// age reads it (by a manifest.json beside index.json). With `thorough`, what is there counts only when its
  /// bytes have its digest, and is written anew otherwise.
  LayoutTarget(std::unique_ptr<NewFiles> files, std::string text, std::optional<std::string> docker_name,
               bool thorough);
  /// Throws corrupt when what is there is no layout, which is left as it is.
  Task<> open();
  const std::string& text() const override { return text_; }
  const std::string& site() const override { return text_; }
  Task<std::optional<Resolved>> resolve(std::string tag_or_digest) override;
  Task<bool> has(oci::Descriptor blob) override;
  bool can_mount(const Source& source, const oci::Descriptor& blob) const override;
  Task<Arrival> bring(Source& source, oci::Descriptor blob, BlobMoved moved) override;
  Task<> put_manifest(oci::Digest digest, std::string media_type, std::string bytes) override;
  /// An empty tag lists the image without a name.
  Task<> tag(std::string tag, oci::Digest digest, std::string media_type, std::string bytes) override;
  Task<> finish() override;
  int lanes() const override { return files_->lanes(); }
  bool vouches() const override { return false; }
  bool needs_every_layer() const override { return docker_name_.has_value(); }

 private:
  Task<bool> is_good(oci::Digest digest);

  struct Entry {
    std::string tag;
    std::string docker_name;
    oci::Digest digest;
    std::string media_type;
    std::size_t size;
  };
  std::unique_ptr<NewFiles> files_;
  std::string text_;
  std::optional<std::string> docker_name_;
  bool thorough_;
  std::vector<Entry> entries_;  // for index.json, written at the end
  std::string docker_manifest_;
};

/// index.json with an entry for the manifest: under `tag`, which no other entry keeps, or without a name.
/// Everything else stays as it is. `docker_name` is its whole name, where there is one. Empty `index` begins
/// a new one. Throws corrupt. Pure.
std::string with_entry(const std::string& index, const std::string& tag, const oci::Digest& digest,
                       const std::string& media_type, std::size_t size, const std::string& docker_name = "");

/// manifest.json of a docker archive for one image manifest. Pure.
std::string docker_manifest_of(const oci::Manifest& manifest, const std::string& name);

}  // namespace sluice::registry
