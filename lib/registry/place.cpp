#include "registry/place.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <array>
#include <charconv>
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

/// The number in "@N".
std::size_t read_position(std::string_view whole, std::string_view text) {
  std::size_t position = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data() + 1, end, position);
  if (failure != std::errc() || rest != end)
    refuse_place(whole, "'" + printable(text, 160) +
                            "' is no position: behind ':@' comes the number of an "
                            "image in the list of what is there, from 0");
  return position;
}

/// Takes the tag off the end of `rest`, or the position. A path may hold colons: only what is behind the last
/// one, without a slash, is a tag.
void take_tag(Place& place, std::string_view whole, std::string_view& rest) {
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos || rest.find('/', colon) != std::string_view::npos) return;
  const auto tag = rest.substr(colon + 1);
  const bool is_position = tag.starts_with('@');
  if (!is_position && !oci::is_valid_tag(tag)) refuse_place(whole, "'" + printable(tag, 160) + "' is no tag");
  if (is_position)
    place.position = read_position(whole, tag);
  else
    place.tag = std::string(tag);
  rest = rest.substr(0, colon);
}

/// Takes a tag, a position or the name of an image off the end of `rest`, behind the first colon.
void take_name(Place& place, std::string_view whole, std::string_view& rest) {
  const auto colon = rest.find(':');
  if (colon == std::string_view::npos) return;
  const auto name = rest.substr(colon + 1);
  rest = rest.substr(0, colon);
  if (name.starts_with('@')) {
    place.position = read_position(whole, name);
    return;
  }
  if (oci::is_valid_tag(name)) {
    place.tag = std::string(name);
    return;
  }
  try {
    auto reference = oci::Reference::parse(name);
    place.repository = std::move(reference.repository);
    place.tag = std::move(reference.tag);
  } catch (const Error& error) {
    refuse_place(whole, "behind the first colon, where the file's name ends, must be a tag or NAME:TAG; " +
                            std::string(error.what()));
  }
}

Place parse_file(PlaceKind kind, std::string_view whole, std::string_view rest) {
  Place place;
  place.kind = kind;
  if (const auto at = rest.rfind("@sha"); at != std::string_view::npos) {
    place.digest = oci::Digest::parse(rest.substr(at + 1));
    if (!place.digest) refuse_place(whole, "what follows '@' is no digest");
    rest = rest.substr(0, at);
  }
  if (kind == PlaceKind::docker_archive)
    take_name(place, whole, rest);
  else
    take_tag(place, whole, rest);
  if (place.position && place.digest) refuse_place(whole, "it has a position and a digest: leave out one");
  if (rest.empty()) refuse_place(whole, "the path is missing");
  if (rest == "-" && kind != PlaceKind::layout)
    refuse_place(whole,
                 "an archive is a file, not standard input or output, which cannot be read or written out "
                 "of order; a file of that name is ./-");
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
  if (is_named()) text += ":" + repository.text();
  if (tag) text += ":" + *tag;
  if (position && !digest) text += ":@" + std::to_string(*position);
  if (digest) text += "@" + digest->text();
  return text;
}

std::optional<std::string> Place::tag_or_digest() const {
  if (digest) return digest->text();
  if (position) return "@" + std::to_string(*position);
  if (is_named()) return repository.text() + ":" + tag.value_or("latest");
  return tag;
}

}  // namespace sluice::registry
