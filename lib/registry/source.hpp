#pragma once
// The two ends of a copy: where an image comes from, and where it goes. A repository of a registry, an OCI
// image layout and an archive are each both.

#include "net/client.hpp"
#include "registry/client.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::registry {

/// How many blobs a registry takes and gives at once (Access::transfers); `registry` is where its API lives.
struct TransferLimit {
  std::string registry;
  std::size_t most = 0;
};

/// Where images are read from. Nothing that it gives is verified but manifests that were asked for by digest.
class Source {
 public:
  virtual ~Source() = default;
  /// For messages: "docker.io/library/node", "oci:/media/usb/node".
  virtual const std::string& text() const = 0;
  /// Throws not_found.
  virtual Task<FetchedManifest> manifest(std::string tag_or_digest) = 0;
  virtual Task<std::optional<Resolved>> resolve(std::string tag_or_digest) = 0;
  /// The blob's bytes from the offset `from` on. Nothing is asked before the first read; one into an empty
  /// buffer asks, and gives nothing.
  virtual std::unique_ptr<net::BodySource> open(const oci::Descriptor& blob, std::uint64_t from) = 0;
  /// Told that what open() gave was not the blob. True when it can come from somewhere else now.
  virtual bool gave_wrong(const oci::Descriptor& /*blob*/) { return false; }
  /// What refers to this manifest by its `subject`: signatures, SBOMs, attestations.
  virtual Task<std::vector<oci::Descriptor>> referrers(oci::Digest subject) = 0;
  /// What a tag names that signatures and the like are kept under (oci::is_artifact_tag); nullopt when there
  /// is none, which may be known without asking for it.
  virtual Task<std::optional<Resolved>> artifact(std::string tag) { return resolve(std::move(tag)); }
  /// To be called when everything was asked for that may refer to an image. Throws why that could not be
  /// answered, when what referrers() and artifact() gave may be less than there is.
  virtual void check_all_told() const {}
  /// All tags in the order of the source.
  virtual Task<std::vector<std::string>> tags() = 0;
  /// Where it is on a registry, so that a target on the same one can mount its blobs.
  virtual const oci::Repository* repository() const { return nullptr; }
  virtual std::optional<TransferLimit> limit() const { return std::nullopt; }
};

/// Called with each piece of a blob that leaves for the target, or that lay there since an earlier copy was
/// cut
/// (`was_there`), and with 0 when the blob starts over.
using BlobMoved = std::function<void(std::uint64_t bytes, bool was_there)>;

/// Where images go. Children come before parents.
class Target {
 public:
  virtual ~Target() = default;
  virtual const std::string& text() const = 0;
  /// What makes two blobs on their way the same: a blob moves once within one site.
  virtual const std::string& site() const = 0;
  virtual Task<std::optional<Resolved>> resolve(std::string tag_or_digest) = 0;
  virtual Task<bool> has(oci::Descriptor blob) = 0;
  /// Whether a blob could come from elsewhere on the target without moving.
  virtual bool can_mount(const Source& source, const oci::Descriptor& blob) const = 0;
  /// Brings one blob unless it is there. Every byte is hashed before the last one counts.
  virtual Task<Arrival> bring(Source& source, oci::Descriptor blob, BlobMoved moved) = 0;
  /// Under its digest, exactly these bytes.
  virtual Task<> put_manifest(oci::Digest digest, std::string media_type, std::string bytes) = 0;
  /// Under a tag. Comes last.
  virtual Task<> tag(std::string tag, oci::Digest digest, std::string media_type, std::string bytes) = 0;
  /// Makes what came last beyond a power cut.
  virtual Task<> finish() = 0;
  /// Blobs that may be on their way at once.
  virtual int lanes() const = 0;
  virtual std::optional<TransferLimit> limit() const { return std::nullopt; }
  /// Whether a manifest that is there stands for everything below it: a registry takes none before that.
  virtual bool vouches() const { return true; }
  /// Whether an image is of no use there when a foreign layer of it is left out.
  virtual bool needs_every_layer() const { return false; }
};

}  // namespace sluice::registry
