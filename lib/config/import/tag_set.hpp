#pragma once
// Watching more than one tag of a repository: how that is written. Private to the room.

#include "config/edit_text.hpp"
#include "config/import/foreign.hpp"
#include "core/error.hpp"
#include "oci/tag_filter.hpp"

#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::config {

/// The value of `upstream` for a tag set, in flow style.
inline std::string tag_set(const oci::Repository& repository, const TagFilter& filter) {
  std::vector<std::string> rules;
  if (!filter.glob.empty()) rules.push_back("glob: " + double_quoted(filter.glob));
  if (!filter.regex.empty()) rules.push_back("match: " + double_quoted(filter.regex));
  if (!filter.semver.empty()) rules.push_back("semver: " + double_quoted(filter.semver));
  if (filter.pre_releases) rules.emplace_back("pre_releases: true");
  // Tags have no character in them that a quote would need.
  if (!filter.exclude.empty())
    rules.push_back(fmt::format("exclude: [\"{}\"]", fmt::join(filter.exclude, "\", \"")));
  if (filter.newest > 0) rules.push_back(fmt::format("newest: {}", filter.newest));
  return fmt::format("{{repository: {}, tags: {{{}}}}}", double_quoted(repository.text()),
                     fmt::join(rules, ", "));
}

/// The rules of a set as they will hold; nullopt when the loader would refuse them.
inline std::optional<oci::TagFilter> tag_rules(const TagFilter& filter) {
  oci::TagRules rules;
  if (!filter.glob.empty()) rules.globs.push_back(filter.glob);
  rules.match = filter.regex;
  if (!filter.semver.empty()) rules.semver = filter.semver;
  rules.pre_releases = filter.pre_releases;
  try {
    return oci::TagFilter(std::move(rules));
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// The stable tag of the promotion of a tag set: each tag keeps its name.
inline constexpr const char* stable_tag_of_set = "{tag}";

}  // namespace sluice::config
