// `sluice tags REPOSITORY`: the tags of a repository, a layout or an archive.

#include "commands.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "exit_code.hpp"
#include "oci/semver.hpp"
#include "registry_tool.hpp"
#include "terminal.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>
#include <re2/re2.h>

namespace sluice::daemon {
namespace {

Task<> list(registry::Client& client, registry::Place place, std::vector<std::string>& found) {
  found = co_await client.tags(std::move(place));
}

/// The whole tag must match.
void keep_matching(std::vector<std::string>& tags, const std::string& pattern) {
  re2::RE2::Options quiet;
  quiet.set_log_errors(false);
  const re2::RE2 expression(pattern, quiet);
  if (!expression.ok())
    throw Failure(exit_code::usage, "--match: '" + printable(pattern, 200) + "': " + expression.error());
  std::erase_if(tags, [&](const auto& tag) { return !re2::RE2::FullMatch(tag, expression); });
}

/// Only versions in the range, the newest first.
void keep_versions(std::vector<std::string>& tags, const std::string& text, bool pre_releases) {
  std::optional<oci::VersionRange> range;
  try {
    range = oci::VersionRange::parse(text);
  } catch (const Error& error) {
    throw Failure(exit_code::usage, std::string("--semver: ") + error.what());
  }
  std::vector<std::pair<oci::Version, std::string>> versions;
  for (auto& tag : tags)
    if (auto version = oci::Version::parse(tag); version && range->contains(*version, pre_releases))
      versions.emplace_back(std::move(*version), std::move(tag));
  std::stable_sort(versions.begin(), versions.end(),
                   [](const auto& left, const auto& right) { return left.first > right.first; });
  tags.clear();
  for (auto& [version, tag] : versions)
    tags.push_back(std::move(tag));
}

}  // namespace

int tags(const TagsOptions& options) {
  auto place = read_place(options.repository);
  RegistryTool tool(options.config);
  std::vector<std::string> found;
  tool.run(list(tool.client(), place, found));
  if (options.match) keep_matching(found, *options.match);
  if (options.semver) keep_versions(found, *options.semver, options.pre_releases);
  if (options.json) {
    place.tag.reset();
    const nlohmann::ordered_json value{{"repository", place.text()}, {"tags", found}};
    print(value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return exit_code::ok;
  }
  for (const auto& tag : found)
    print(printable(tag, 200));
  return exit_code::ok;
}

}  // namespace sluice::daemon
