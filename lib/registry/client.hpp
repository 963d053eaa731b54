#pragma once
// The OCI distribution protocol, client side (opencontainers/distribution-spec).
// Event-loop thread only. Every operation throws sluice::Error; the kind follows the answer:
// 401 unauthorized, 403 denied, 404 not_found, 429 rate_limited (with retry_after), 408/5xx unavailable,
// other 4xx invalid, bytes that contradict their digest corrupt. A manifest that is refused because a blob is
// missing (MANIFEST_BLOB_UNKNOWN) is unavailable: the next copy brings the blob again.

#include "core/clock.hpp"
#include "core/random.hpp"
#include "core/secret.hpp"
#include "core/workers.hpp"
#include "net/client.hpp"
#include "oci/manifest.hpp"
#include "oci/reference.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::registry {

struct Credentials {
  std::string username;
  Secret password;
};

/// How to talk to one registry host.
struct Access {
  std::optional<Credentials> credentials;
  net::TlsOptions tls;
  /// Plain HTTP. Loopback hosts (127.0.0.0/8, ::1, localhost) speak plain HTTP unless `tls` names a CA.
  bool plain_http = false;
  /// Other hosts that this registry may send us to wherever they are (net::Reach::trusted).
  std::vector<std::string> trusted_hosts;
  /// Instead of the client's, for the registry and all that it sends us to; null: the client's.
  std::shared_ptr<const net::Proxies> proxies;
  /// For all bodies from and to the registry and where it sends us; null: no limit.
  std::shared_ptr<net::Bandwidth> bandwidth;
};

struct Resolved {
  oci::Digest digest;
  std::string media_type;
  std::int64_t size = 0;
};

struct FetchedManifest {
  oci::Digest digest;
  std::string media_type;
  std::string bytes;  // exactly as received
  oci::Manifest manifest;
};

struct CopyProgress {
  std::uint64_t bytes_moved = 0;
  int blobs_copied = 0;
  int blobs_mounted = 0;
  int blobs_present = 0;
  int manifests_copied = 0;
};

class Client {
 public:
  /// `access` maps a registry host as written ("docker.io") to its settings; called for each request so that
  /// a reload takes effect.
  Client(net::Client& http, Clock& clock, Random& random, Workers& workers,
         std::function<Access(const std::string&)> access);
  ~Client();

  /// What a tag or digest names now: HEAD, or GET and hash where the registry does not send
  /// Docker-Content-Digest. Nullopt when the registry says 404.
  Task<std::optional<Resolved>> resolve(oci::Repository repository, std::string tag_or_digest);
  /// GET of a manifest, verified when asked by digest. Throws not_found.
  Task<FetchedManifest> manifest(oci::Repository repository, std::string tag_or_digest);
  /// PUT of exactly these bytes under a tag or digest. Checks Docker-Content-Digest of the answer.
  Task<> put_manifest(oci::Repository repository, std::string tag_or_digest, std::string media_type,
                      std::string bytes);
  /// A small blob (an image config), verified. Throws corrupt when larger than `limit`.
  Task<std::string> small_blob(oci::Repository repository, oci::Digest digest,
                               std::size_t limit = 8 * 1024 * 1024);
  Task<bool> blob_exists(oci::Repository repository, oci::Digest digest);
  /// The image config for a platform, following an index.
  Task<oci::ImageConfig> image_config(oci::Repository repository, std::string tag_or_digest,
                                      oci::Platform platform);

  /// Brings the manifest `digest` with everything below it (indexes, manifests, configs, layers; children
  /// before parents) from `source` to `target`. Nothing that is there moves again; within one registry blobs
  /// are mounted. Blobs are streamed in bounded memory and hashed on the way; a blob whose bytes do not match
  /// is never committed. No tag is written. Layers that live elsewhere by their own word (non-distributable
  /// with `urls`) are left out, as docker does.
  Task<CopyProgress> copy(oci::Repository source, oci::Digest digest, oci::Repository target);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::registry
