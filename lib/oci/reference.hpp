#pragma once
// Names of images: host/path[:tag][@digest] (distribution/reference grammar; Docker Hub short names are
// completed).

#include "oci/digest.hpp"

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::oci {

/// A repository on a registry. `registry` is host[:port] as a person writes it ("docker.io",
/// "127.0.0.1:5000").
struct Repository {
  std::string registry;
  std::string path;
  std::string text() const { return registry + "/" + path; }
  /// "docker.io/library/node", "node" (completed), ...; throws Error(invalid) naming what is wrong; no tag or
  /// digest allowed.
  static Repository parse(std::string_view text);
  auto operator<=>(const Repository&) const = default;
};

/// A repository with a tag, a digest or both.
struct Reference {
  Repository repository;
  std::optional<std::string> tag;
  std::optional<Digest> digest;
  std::string text() const;
  /// Throws Error(invalid). A reference with neither tag nor digest gets the tag "latest".
  static Reference parse(std::string_view text);
  bool operator==(const Reference&) const = default;
};

/// [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}
bool is_valid_tag(std::string_view tag);
/// The `<name>` grammar of the distribution specification.
bool is_valid_path(std::string_view path);

}  // namespace sluice::oci
