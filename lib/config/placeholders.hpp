#pragma once
// Words in braces that stand for values of a run: "{image}", "{digest}".

#include "config/section.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::config {

/// In tags: the id of the run.
inline constexpr std::string_view run_placeholder = "{run}";
/// In tags that are promoted to: the upstream's tag.
inline constexpr std::string_view tag_placeholder = "{tag}";
inline constexpr std::string_view tag_value = "tag";

/// Name (without braces) and value.
using Values = std::vector<std::pair<std::string, std::string>>;

/// The text with each known {name} replaced, once: what a value holds is not looked at again. Other braces
/// stay.
std::string fill(std::string_view text, const Values& values);
std::vector<std::string> fill(const std::vector<std::string>& texts, const Values& values);

/// The same values as environment variables: {"image", ...} becomes SLUICE_IMAGE.
Values as_environment(const Values& values);

/// Notes an error for a {word} that is none of `known` but looks like a typing error of one.
void check_placeholders(Section& section, const std::string& key, const std::vector<std::string>& texts,
                        const std::vector<std::string>& known);

/// Notes an error for a name that cannot be an environment variable, or that is one of SLUICE_*.
void check_environment(Section& section, const std::string& key, const Values& environment);

}  // namespace sluice::config
