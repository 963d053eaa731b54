#include "registry/image_names.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "oci/reference.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>

namespace sluice::registry {
namespace {

std::optional<std::string> long_form(std::string_view name) {
  try {
    return oci::Reference::parse(name).text();
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool is_same_name(const std::string& name, std::string_view wanted,
                  const std::optional<std::string>& in_full) {
  if (name == wanted) return true;
  // Without a colon it is a tag, which is no short form of anything.
  return in_full && name.find(':') != std::string::npos && long_form(name) == in_full;
}

std::vector<std::size_t> places_of(const std::vector<ImageNames>& images,
                                   const std::function<bool(const std::string&)>& fits) {
  std::vector<std::size_t> places;
  for (std::size_t at = 0; at < images.size(); ++at)
    if (std::any_of(images[at].begin(), images[at].end(), fits)) places.push_back(at);
  return places;
}

std::string some_names(const std::vector<ImageNames>& images) {
  constexpr std::size_t most = 10;
  std::size_t count = 0;
  std::string text;
  for (const auto& names : images)
    for (const auto& name : names)
      if (++count <= most) text += (count == 1 ? "" : ", ") + printable(name, 300);
  if (count == 0) return "none of them has a name";
  return count > most ? text + ", ..." : text;
}

}  // namespace

std::vector<std::size_t> called(const std::vector<ImageNames>& images, std::string_view wanted) {
  const auto in_full = long_form(wanted);
  auto whole = places_of(images, [&](const auto& name) { return is_same_name(name, wanted, in_full); });
  if (!whole.empty()) return whole;
  const std::string end = ":" + std::string(wanted);
  return places_of(images, [&](const auto& name) { return name.ends_with(end); });
}

std::optional<std::size_t> at_position(std::string_view wanted, std::size_t images,
                                       const std::string& where) {
  if (!wanted.starts_with('@')) return std::nullopt;
  std::size_t position = 0;
  const auto* end = wanted.data() + wanted.size();
  const auto [rest, failure] = std::from_chars(wanted.data() + 1, end, position);
  if (failure == std::errc() && rest == end && position < images) return position;
  const std::string there =
      images == 0   ? "it lists no image"
      : images == 1 ? "it lists one image, @0"
                    : "it lists " + std::to_string(images) + " images, @0 to @" + std::to_string(images - 1);
  throw Error(ErrorKind::not_found, where + " has no " + printable(wanted, 160) + ": " + there);
}

void refuse_choice(const std::string& where, std::string_view wanted, const std::vector<ImageNames>& images) {
  const std::string means = wanted.empty() ? "" : " that " + printable(wanted, 300) + " may mean";
  throw Error(ErrorKind::invalid,
              where + " holds " + (wanted.empty() ? std::to_string(images.size()) : "several") + " images" +
                  means +
                  ": say which, by its name, its digest or its position, of which :@0 is the first (" +
                  some_names(images) + ")");
}

bool is_referrers_tag(std::string_view tag) {
  constexpr std::string_view begin = "sha256-";
  constexpr std::size_t hex = 64;
  if (!tag.starts_with(begin) || tag.size() < begin.size() + hex) return false;
  const auto digest = tag.substr(begin.size(), hex);
  const bool is_hex = std::all_of(digest.begin(), digest.end(),
                                  [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  constexpr std::array<std::string_view, 4> ends{"", ".sig", ".att", ".sbom"};
  return is_hex && std::find(ends.begin(), ends.end(), tag.substr(begin.size() + hex)) != ends.end();
}

}  // namespace sluice::registry
