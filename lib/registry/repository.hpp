#pragma once
// A repository of a registry as the end of a copy.

#include "core/error.hpp"
#include "registry/blob.hpp"
#include "registry/request.hpp"
#include "registry/source.hpp"
#include "registry/upload.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::registry {

class RepositorySource final : public Source {
 public:
  RepositorySource(Session& session, oci::Repository repository);
  const std::string& text() const override { return text_; }
  Task<FetchedManifest> manifest(std::string tag_or_digest) override;
  Task<std::optional<Resolved>> resolve(std::string tag_or_digest) override;
  std::unique_ptr<net::BodySource> open(const oci::Descriptor& blob, std::uint64_t from) override;
  Task<std::vector<oci::Descriptor>> referrers(oci::Digest subject) override;
  Task<std::optional<Resolved>> artifact(std::string tag) override;
  /// While the registry cannot be asked, mirrors may tell what refers to an image, but not that nothing does.
  void check_all_told() const override;
  Task<std::vector<std::string>> tags() override;
  bool gave_wrong(const oci::Descriptor& blob) override;
  const oci::Repository* repository() const override { return &repository_; }
  std::optional<TransferLimit> limit() const override;

 private:
  Task<FetchedManifest> pull(std::string tag_or_digest);
  void remember(const FetchedManifest& fetched);
  void keep_for_next_try();
  Task<std::vector<oci::Descriptor>> own_referrers(oci::Digest subject);
  Task<std::optional<Resolved>> own_artifact(std::string tag);
  Task<bool> may_have(std::string artifact_tag);
  bool mirrors_may_tell(const Error& error) const;

  Session& session_;
  oci::Repository repository_;
  std::string text_;
  bool has_begun_ = false;          // a manifest was read; more of them belong to the same piece of work
  std::vector<KeptManifest> read_;  // so far, as many as are kept
  std::size_t read_bytes_ = 0;
  std::map<oci::Digest, std::shared_ptr<MirrorsUsed>> mirrors_used_;  // by blob
  bool has_referrers_api_ = true;                                     // until it says that it has not
  bool tags_listed_ = false;
  std::optional<std::set<std::string>> artifact_tags_;  // when they could be listed
  std::optional<Error> silence_;  // why the registry could not be asked what refers to something
  bool mirrors_told_ = false;     // of something that does
};

class RepositoryTarget final : public Target {
 public:
  RepositoryTarget(Session& session, UploadNotes& notes, oci::Repository repository);
  const std::string& text() const override { return text_; }
  const std::string& site() const override { return repository_.registry; }
  Task<std::optional<Resolved>> resolve(std::string tag_or_digest) override;
  Task<bool> has(oci::Descriptor blob) override;
  bool can_mount(const Source& source, const oci::Descriptor& blob) const override;
  Task<Arrival> bring(Source& source, oci::Descriptor blob, BlobMoved moved) override;
  Task<> put_manifest(oci::Digest digest, std::string media_type, std::string bytes) override;
  Task<> tag(std::string tag, oci::Digest digest, std::string media_type, std::string bytes) override;
  Task<> finish() override;
  int lanes() const override;
  std::optional<TransferLimit> limit() const override;

 private:
  Task<> find_out_whether_new();
  Task<Prospect> prospect(const Source& source, oci::Descriptor blob);

  Session& session_;
  UploadNotes& notes_;
  oci::Repository repository_;
  std::string text_;
  bool asked_whether_new_ = false;
  bool is_new_ = false;  // nobody pulls from it yet
  int lacked_ = 0;       // blobs that were brought and not there before
  bool had_some_ = false;
};

}  // namespace sluice::registry
