#pragma once
// All that refers to an image: by its subject, by cosign's tags, and what refers to that in turn.

#include "registry/source.hpp"

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sluice::registry {

/// Referrers of referrers that are followed (the signature of an SBOM), and manifests that may refer to one
/// image altogether.
inline constexpr int max_referrer_depth = 3;
inline constexpr std::size_t max_referring = 1000;

/// The tags that cosign made for a manifest, with what they name: "sha256-<hex>.sig", ".att" and ".sbom"
/// (cosign, specs/SIGNATURE_SPEC.md, "Tag-based Discovery"). The caller checks that all was told.
Task<std::vector<TaggedReferrer>> cosign_tags(Source& source, oci::Digest subject);

struct Referrer {
  FetchedManifest manifest;
  std::string tag;  // cosign's; empty for what has a subject
  int depth = 1;    // 2 refers to one that refers to the image
};

/// Gives referrers one by one, and asks as it goes.
class Referring {
 public:
  explicit Referring(Source& source) : source_(source) {}

  /// What refers to this manifest comes too; `depth` is that of the referrer that it belongs to, 0 for the
  /// image.
  void add(const oci::Digest& subject, int depth = 0);
  /// Nullopt when all were given. What is listed but gone is passed over. Throws Error(invalid) when there
  /// are more than `max_referring`, and at the end as Source::check_all_told().
  Task<std::optional<Referrer>> next();

 private:
  struct Found {
    oci::Digest digest;
    std::string tag;
    int depth;
  };
  Task<> look(oci::Digest subject, int depth);
  Task<std::optional<FetchedManifest>> fetch(oci::Digest digest);

  Source& source_;
  std::set<oci::Digest> seen_;
  std::deque<std::pair<oci::Digest, int>> subjects_;
  std::deque<Found> found_;
  std::size_t given_ = 0;
};

}  // namespace sluice::registry
