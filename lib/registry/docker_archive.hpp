#pragma once
// What `docker save` of any age writes: manifest.json, a config and layers, without registry manifests (moby,
// image/spec/v1.2.md, "Combined Image JSON + Filesystem Changeset Format").

#include "registry/files.hpp"
#include "registry/source.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::registry {

/// Images of a docker archive, each under a Docker manifest of schema 2 that is made from its files. Layers
/// stay as they are, packed or not.
class DockerArchiveSource final : public Source {
 public:
  DockerArchiveSource(std::unique_ptr<Files> files, std::string text);
  /// Throws not_found when there is no manifest.json, corrupt when it cannot be one.
  Task<> open();
  const std::string& text() const override { return text_; }
  /// By whole name, or by a tag that only one image has; an empty one means the only image.
  Task<FetchedManifest> manifest(std::string tag_or_digest) override;
  Task<std::optional<Resolved>> resolve(std::string tag_or_digest) override;
  std::unique_ptr<net::BodySource> open(const oci::Descriptor& blob, std::uint64_t from) override;
  Task<std::vector<oci::Descriptor>> referrers(oci::Digest subject) override;
  Task<std::vector<std::string>> tags() override;

 private:
  struct Image {
    std::string config;
    std::vector<std::string> names;
    std::vector<std::string> layers;
  };
  class Sought;
  const Image* find(const std::string& wanted) const;
  Task<std::string> file_with(oci::Digest digest);
  Task<oci::Digest> digest_of(std::string name);
  Task<bool> is_packed(std::string name) const;
  Task<FetchedManifest> make(Image image);

  std::unique_ptr<Files> files_;
  std::string text_;
  std::vector<Image> images_;
  std::map<std::string, oci::Digest> digests_;  // by file name
  std::map<oci::Digest, std::string> names_;    // the other way
  std::map<oci::Digest, FetchedManifest> made_;
};

}  // namespace sluice::registry
