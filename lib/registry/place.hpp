#pragma once
// Names of where an image is: a registry, a directory, an archive. Pure.

#include "oci/digest.hpp"
#include "oci/reference.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::registry {

enum class PlaceKind { registry, layout, oci_archive, docker_archive };

struct Place {
  PlaceKind kind = PlaceKind::registry;
  oci::Repository repository;  // of a registry; what the image is called in a docker archive, or empty
  std::filesystem::path path;  // of everything else
  std::optional<std::string> tag;
  std::optional<std::size_t> position;  // of an image in the list of a layout or archive, from 0
  std::optional<oci::Digest> digest;

  /// As a person writes it: "docker.io/library/node:20", "oci:/media/usb/node:20".
  std::string text() const;
  /// Whether it is a docker archive with the name of an image.
  bool is_named() const { return kind == PlaceKind::docker_archive && !repository.path.empty(); }
  /// What a source is asked for: the digest if there is one, else "@POSITION", else the whole name in a
  /// docker archive, else the tag; nullopt for a layout or archive that is named as a whole.
  std::optional<std::string> tag_or_digest() const;

  /// "node:20", "docker://node:20", "oci:DIR[:TAG]", "oci-archive:FILE[:TAG]",
  /// "docker-archive:FILE[:NAME:TAG|:TAG]"; "@DIGEST" instead of or behind a tag; ":@POSITION"
  /// instead of a tag in what is no registry. The words are those of containers-transports(5), where the file
  /// of a docker archive ends at the first colon and positions are called source-index. Throws
  /// Error(invalid) that says what is wrong.
  static Place parse(std::string_view text);
};

}  // namespace sluice::registry
