#pragma once
// The OCI distribution protocol, client side (opencontainers/distribution-spec).
// Event-loop thread only. Every operation throws sluice::Error; the kind follows the answer:
// 401 unauthorized, 403 denied, 404 not_found, 429 rate_limited (with retry_after), 408/5xx unavailable,
// a registry that is down, asked for a pause or has used up its budget unavailable or rate_limited at once,
// other 4xx invalid, bytes that contradict their digest corrupt. A manifest that is refused because a blob is
// missing (MANIFEST_BLOB_UNKNOWN) is unavailable: the next copy brings the blob again.

#include "core/clock.hpp"
#include "core/random.hpp"
#include "core/workers.hpp"
#include "net/client.hpp"
#include "oci/manifest.hpp"
#include "oci/reference.hpp"
#include "registry/budget.hpp"
#include "registry/credentials.hpp"
#include "registry/place.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::registry {

/// Stands in for a registry where content is asked for by digest.
struct Mirror {
  std::string registry;  // host[:port]; how to talk to it is an Access of its own
  std::string path;      // put before the repository's own; may be empty
  bool tags = false;     // also asked what tags name and what refers to images, while the registry cannot be
};

/// How to talk to one registry host.
struct Access {
  std::optional<Credentials> credentials;
  /// Asked when the registry wants credentials and there are none above; may be empty.
  std::shared_ptr<CredentialSource> source = nullptr;
  net::TlsOptions tls = {};
  /// Plain HTTP. Nullopt: only loopback hosts (127.0.0.0/8, ::1, localhost) speak it, unless `tls` names a
  /// CA.
  std::optional<bool> plain_http;
  /// Other hosts that this registry may send us to wherever they are (net::Reach::trusted).
  std::vector<std::string> trusted_hosts;
  /// Instead of the client's, for the registry and all that it sends us to; null: the client's.
  std::shared_ptr<const net::Proxies> proxies;
  /// For all bodies from and to the registry and where it sends us; null: no limit.
  std::shared_ptr<net::Bandwidth> bandwidth;
  /// How many requests it may get; nullopt: as many as it takes.
  std::optional<Allowance> allowance;
  /// How many blobs may be on their way from and to it at once, over all copies; at least 1.
  int transfers = 16;
  /// How long a request waits for its turn (budget, pause, outage) before it fails.
  Milliseconds patience{std::chrono::seconds(5)};
  /// How often one request is sent that it refuses for a time within `patience` (429); at least 1.
  int attempts = 3;
  /// Asked before the registry itself, in this order. Their own mirrors are not.
  std::vector<Mirror> mirrors;
};

struct RegistryStatus;

struct Resolved {
  oci::Digest digest;
  std::string media_type;
  std::int64_t size = 0;
  /// When the registry says that the manifest was last changed, by our clock. Few say it.
  std::optional<Time> modified = {};
  /// The registry said that it is still the digest that was known, and nothing else (304): type and size are
  /// empty.
  bool unchanged = false;
};

/// A manifest under a tag that is made of its subject's digest, as cosign does.
struct TaggedReferrer {
  std::string tag;
  Resolved named;
};

struct FetchedManifest {
  oci::Digest digest;
  std::string media_type;
  std::string bytes;  // exactly as received
  oci::Manifest manifest;
};

/// How a blob came to its target.
enum class Arrival { present, mounted, moved };

struct CopyProgress {
  std::uint64_t bytes_moved = 0;  // without what an earlier copy, cut off, had left there
  int blobs_copied = 0;
  int blobs_mounted = 0;
  int blobs_present = 0;
  int manifests_copied = 0;
  int manifests_present = 0;
  int referrers = 0;                             // manifests among them that refer to the image
  std::vector<oci::Descriptor> layers_left_out;  // foreign ones
};

/// Hears how a copy goes on, on the event-loop thread. Referrers are announced by a call of their own.
class CopyWatcher {
 public:
  virtual ~CopyWatcher() = default;
  /// The blobs that are not known to be there, largest first.
  virtual void found(const std::vector<oci::Descriptor>& blobs) = 0;
  /// Bytes of a blob that have left for the target or lay there already; 0 when it starts over.
  virtual void moved(const oci::Descriptor& blob, std::uint64_t bytes) = 0;
  virtual void arrived(const oci::Descriptor& blob, Arrival how) = 0;
};

struct CopyOptions {
  /// Only these platforms of an index; empty: all. A part of an index is a new index with a new digest.
  std::vector<oci::Platform> platforms;
  /// Signatures, SBOMs and attestations come along: referrers, and cosign's tags.
  bool referrers = false;
  /// Tags of cosign that the target has already stay as they are: somebody may have signed there too.
  bool keep_tags = false;
  /// Looks at each blob, also below manifests that the target has already; in a directory, at its bytes, and
  /// what has gone bad is brought again.
  bool thorough = false;
  /// A target that is an archive which is there already is replaced instead of refused (conflict).
  bool replace = false;
  /// Layers that live elsewhere by their own word (non-distributable, with `urls`) come along, from the
  /// registry or from there. Otherwise they are left out, as docker does, and said to be.
  bool foreign_layers = false;
  CopyWatcher* watcher = nullptr;
};

struct CopyResult {
  oci::Digest digest;  // what the target's tag names now
  oci::Digest source;  // what was asked for
  std::vector<oci::Platform> left_out;
  CopyProgress progress;
};

/// What a copy would do with a blob.
struct PlannedBlob {
  oci::Descriptor blob;
  Arrival arrival;
};

struct CopyPlan {
  oci::Digest digest;
  oci::Digest source;
  std::vector<oci::Platform> left_out;
  std::vector<PlannedBlob> blobs;
  std::vector<oci::Descriptor> layers_left_out;  // foreign ones
  int manifests = 0;                             // that would be written
  int referrers = 0;                             // manifests that refer to the image, wherever they are
  std::uint64_t bytes() const;                   // that would move
};

class Client {
 public:
  /// `access` maps a registry host as written ("docker.io") to its settings; called for each request so that
  /// a reload takes effect.
  Client(net::Client& http, Clock& clock, Random& random, Workers& workers,
         std::function<Access(const std::string&)> access);
  ~Client();

  /// Whether the registry takes the credentials that `access` gives for it. True: it asked for them and let
  /// us in; false: it lets everybody in. Throws unauthorized when it refuses them, not_found when no registry
  /// answers there.
  Task<bool> verify(std::string registry);
  /// The credentials that would be used for a repository if its registry asked; for other tools that work
  /// there. Throws as CredentialSource::find(). An empty path is the registry as a whole.
  Task<std::optional<Credentials>> credentials(oci::Repository repository);
  /// What a tag or digest names now: HEAD, or GET and hash where the registry does not send
  /// Docker-Content-Digest. Nullopt when the registry says 404.
  /// The registry's own word; no mirror is asked.
  Task<std::optional<Resolved>> resolve(oci::Repository repository, std::string tag_or_digest);
  /// The same of a repository that is pushed to, asked with that right: registries that tell strangers
  /// nothing of what they lack then say 404. A 403 of what the registry does not list either is nullopt too.
  Task<std::optional<Resolved>> find_at_target(oci::Repository repository, std::string tag_or_digest);
  /// The same of an upstream; while it cannot be asked, its mirrors that may tell tags are. With the digest
  /// that is `known`, the request is conditional where the registry's entity tags are digests.
  Task<std::optional<Resolved>> look(oci::Repository repository, std::string tag_or_digest,
                                     Pace pace = Pace::begin,
                                     std::optional<oci::Digest> known = std::nullopt);
  /// From when on looks at the registry may be made, when it is down or asked for a pause and was not seen
  /// well since; nullopt: at any time, as where mirrors stand in that may tell tags. Until then look() fails,
  /// and from then on for all but one request at a time, until that was answered.
  std::optional<Steady> asked_from(const std::string& registry);
  /// Called when the answer of asked_from() for some registry has changed; replaces the one before, empty for
  /// nobody.
  void when_changed(std::function<void()> listener);
  /// There is a sign that the registry lives (a webhook): if it counts as down, it may be asked at once, but
  /// once a second at most.
  void heard_of(const std::string& registry);
  /// From when on a look may go, by the configured budget and by what the registry says is left of its limit.
  Steady looks_from(const std::string& registry);
  /// How all registries fare that were asked, by name.
  std::vector<RegistryStatus> statuses() const;
  /// GET of a manifest, verified when asked by digest, from mirrors first. Throws not_found.
  Task<FetchedManifest> manifest(oci::Repository repository, std::string tag_or_digest);
  /// PUT of exactly these bytes under a tag or digest. Checks Docker-Content-Digest of the answer.
  Task<> put_manifest(oci::Repository repository, std::string tag_or_digest, std::string media_type,
                      std::string bytes);
  /// A small blob (an image config), verified, from mirrors first. Throws corrupt when larger than `limit`.
  Task<std::string> small_blob(oci::Repository repository, oci::Digest digest,
                               std::size_t limit = 8 * 1024 * 1024);
  Task<bool> blob_exists(oci::Repository repository, oci::Digest digest);
  /// The image config for a platform, following an index.
  Task<oci::ImageConfig> image_config(oci::Repository repository, std::string tag_or_digest,
                                      oci::Platform platform);

  /// Brings the manifest `digest` with everything below it (indexes, manifests, configs, layers; children
  /// before parents) from `source` to `target`. Nothing that is there moves again; within one registry blobs
  /// are mounted. Blobs are streamed in bounded memory and hashed on the way; a blob whose bytes do not match
  /// is never committed. The tag is written last, when there is one. `options` without platforms; each blob
  /// is looked at in any case.
  Task<CopyProgress> copy(oci::Repository source, oci::Digest digest, oci::Repository target,
                          std::optional<std::string> tag = std::nullopt, CopyOptions options = {});

  /// The same between any two places, with the tag of `to` when it has one. A target that has the tag on
  /// the digest already is left alone, unless the options ask for more. Many may run at once.
  Task<CopyResult> copy(Place from, Place to, CopyOptions options);
  /// What copy() would do now. Writes nothing.
  Task<CopyPlan> plan(Place from, Place to, CopyOptions options);

  /// All tags in the place's order.
  Task<std::vector<std::string>> tags(Place place);
  Task<FetchedManifest> manifest(Place place);
  /// The place's image for a platform: that of an index, or an image for just that platform by its config.
  /// Throws not_found, naming what there is.
  Task<FetchedManifest> manifest(Place place, oci::Platform platform);
  /// What the place names now; nullopt when there is no such tag or digest.
  Task<std::optional<Resolved>> resolve(Place place);
  /// The same of its image for a platform, as manifest().
  Task<Resolved> resolve(Place place, oci::Platform platform);
  /// A small blob of the place, verified, as small_blob().
  Task<std::string> small_blob(Place place, oci::Descriptor blob, std::size_t limit = 8 * 1024 * 1024);
  /// What names this manifest as its subject.
  Task<std::vector<oci::Descriptor>> referrers(Place place, oci::Digest subject);
  /// What cosign's tags keep for it: signatures, attestations and SBOMs without a subject.
  Task<std::vector<TaggedReferrer>> cosign_tags(Place place, oci::Digest subject);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::registry
