#pragma once
// Watching more than one tag of a repository: how that is written. Private to the room.

#include "config/edit_text.hpp"
#include "config/import/foreign.hpp"

#include <string>

#include <fmt/format.h>

namespace sluice::config {

/// The value of `upstream` for a tag set, in flow style.
inline std::string tag_set(const oci::Repository& repository, const TagFilter& filter) {
  std::string tags;
  if (!filter.glob.empty()) tags = "glob: " + double_quoted(filter.glob);
  if (!filter.regex.empty()) tags = "match: " + double_quoted(filter.regex);
  if (!filter.semver.empty()) tags = "semver: " + double_quoted(filter.semver);
  if (filter.newest > 0) tags += fmt::format(", newest: {}", filter.newest);
  return fmt::format("{{repository: {}, tags: {{{}}}}}", double_quoted(repository.text()), tags);
}

/// The stable tag of the promotion of a tag set: each tag keeps its name.
inline constexpr const char* stable_tag_of_set = "{tag}";

}  // namespace sluice::config
