#pragma once
// Which tags of a repository are meant: globs, a pattern, a range of versions. Pure; shared by sets of tags
// in the configuration and by `sluice tags`.

#include "oci/semver.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::oci {

/// As a person wrote it. What is empty leaves every tag.
struct TagRules {
  /// "20*-alpine": '*' stands for any characters, '?' for one. One of them must fit the whole tag.
  std::vector<std::string> globs = {};
  /// RE2; must match the whole tag. A group that is named `version` says where the version stands in it.
  std::string match = {};
  /// Globs; a tag that one of them fits is out.
  std::vector<std::string> exclude = {};
  /// A range as VersionRange reads it; tags without a version are out.
  std::optional<std::string> semver = {};
  /// With `semver`: versions like 1.2.0-rc.1 too.
  bool pre_releases = false;
  /// Tags like "sha256-<hex>.sig" too, under which signatures and the like are kept
  /// (distribution specification, "Referrers Tag Schema"; cosign's tags).
  bool artifacts = false;
  bool operator==(const TagRules&) const = default;
};

class TagFilter {
 public:
  /// Throws Error(invalid) that quotes what cannot be read. `match` may use 1 MiB of RE2's memory.
  explicit TagFilter(TagRules rules);

  const TagRules& rules() const { return rules_; }
  bool accepts(std::string_view tag) const;
  /// The version of a tag: what the pattern's group `version` matched; else the tag without the fixed
  /// words that its glob has before and after the first and last wildcard ("*-alpine": "20.1-alpine" is
  /// 20.1); else the whole tag. Nullopt when that is no version.
  std::optional<Version> version(std::string_view tag) const;
  /// Those accepted, in the order given.
  std::vector<std::string> select(std::vector<std::string> tags) const;
  /// Those accepted, the newest version first; of equal versions the longer tag ("20.1.0" before "20.1"), so
  /// that the order is always the same. Tags without a version come last, in the order given.
  std::vector<std::string> newest_first(std::vector<std::string> tags) const;

 private:
  struct Pattern;
  TagRules rules_;
  std::shared_ptr<const Pattern> pattern_;  // null without `match`
  std::optional<VersionRange> range_;
};

/// Whether a glob ('*', '?', all else stands for itself) fits the whole text. Linear but for the last '*'.
bool fits_glob(std::string_view glob, std::string_view text);

/// "sha256-<64 hex>" (or sha512 with the first 64 of its 128), with anything behind it.
bool is_artifact_tag(std::string_view tag);

}  // namespace sluice::oci
