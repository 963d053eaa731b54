#include "registry/place.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <array>
#include <utility>

namespace sluice::registry {
namespace {

constexpr std::array<std::pair<std::string_view, PlaceKind>, 3> files{
    {{"oci:", PlaceKind::layout},
     {"oci-archive:", PlaceKind::oci_archive},
     {"docker-archive:", PlaceKind::docker_archive}}};

[[noreturn]] void refuse_place(std::string_view text, const std::string& why) {
  throw Error(ErrorKind::invalid, "\"" + printable(text, 300) + "\" names no image: " + why);
}

std::string_view prefix_of(PlaceKind kind) {
  for (const auto& [prefix, of] : files)
    if (of == kind) return prefix;
  return "";
}

// A path may hold colons: only what is behind the last one, without a slash, is a tag.
Place parse_file(PlaceKind kind, std::string_view whole, std::string_view rest) {
  Place place;
  place.kind = kind;
  if (const auto at = rest.rfind("@sha"); at != std::string_view::npos) {
    place.digest = oci::Digest::parse(rest.substr(at + 1));
    if (!place.digest) refuse_place(whole, "what follows '@' is no digest");
    rest = rest.substr(0, at);
  }
  const auto colon = rest.rfind(':');
  if (colon != std::string_view::npos && rest.find('/', colon) == std::string_view::npos) {
    const auto tag = rest.substr(colon + 1);
    if (!oci::is_valid_tag(tag)) refuse_place(whole, "'" + printable(tag, 160) + "' is no tag");
    place.tag = std::string(tag);
    rest = rest.substr(0, colon);
  }
  if (rest.empty()) refuse_place(whole, "the path is missing");
  if (rest.find('\0') != std::string_view::npos) refuse_place(whole, "the path holds a NUL");
  place.path = std::string(rest);
  return place;
}

}  // namespace

Place Place::parse(std::string_view text) {
  for (const auto& [prefix, kind] : files)
    if (text.starts_with(prefix)) return parse_file(kind, text, text.substr(prefix.size()));
  if (text.starts_with("docker://")) text.remove_prefix(9);
  auto reference = oci::Reference::parse(text);
  Place place;
  place.repository = std::move(reference.repository);
  place.tag = std::move(reference.tag);
  place.digest = std::move(reference.digest);
  return place;
}

std::string Place::text() const {
  std::string text =
      kind == PlaceKind::registry ? repository.text() : std::string(prefix_of(kind)) + path.string();
  if (tag) text += ":" + *tag;
  if (digest) text += "@" + digest->text();
  return text;
}

std::optional<std::string> Place::tag_or_digest() const {
  if (digest) return digest->text();
  return tag;
}

}  // namespace sluice::registry
