#pragma once
// Versions in tags (semver.org 2.0.0) and ranges of them (the grammar of node-semver, as most tools that
// watch images use it). Tags are looser than the standard: "v20", "20.1" and "20.1.3-alpine" are versions.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::oci {

struct Version {
  std::uint64_t major = 0, minor = 0, patch = 0;
  std::vector<std::string> pre_release;  // identifiers: "rc", "1"
  int parts = 3;                         // how many numbers the tag had

  /// Nullopt when the tag is no version. Build metadata ("+...") cannot stand in a tag.
  static std::optional<Version> parse(std::string_view tag);
  /// Precedence (semver.org, item 11); `parts` does not count.
  std::strong_ordering operator<=>(const Version& other) const;
  bool operator==(const Version& other) const { return (*this <=> other) == 0; }
};

/// "^20", "~1.2", ">=18 <23", "1.x", "1.2 - 2.3", "18 || >=20.1"; "*" or nothing is every version.
class VersionRange {
 public:
  /// Throws Error(invalid) that quotes what cannot be read.
  static VersionRange parse(std::string_view text);
  /// Pre-releases are in the range only when asked for; then by their precedence, where a range that ends
  /// before a version by ^, ~, x or a missing number ends before its pre-releases: "<23" is "<23.0.0-0".
  bool contains(const Version& version, bool pre_releases = false) const;

 private:
  /// lower <= version < upper, where they are set.
  struct Interval {
    std::optional<Version> lower, upper;
    bool lower_open = false;    // the lower bound itself is out
    bool upper_closed = false;  // the upper bound itself is in
  };
  static Interval parse_set(std::string_view text);
  static Interval parse_comparator(std::string_view text);
  static Interval meet(const Interval& left, const Interval& right);
  std::vector<Interval> intervals_;
};

}  // namespace sluice::oci
