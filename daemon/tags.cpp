// `sluice tags REPOSITORY`: the tags of a repository, a layout or an archive.

#include "commands.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "exit_code.hpp"
#include "oci/tag_filter.hpp"
#include "registry_tool.hpp"
#include "terminal.hpp"

#include <utility>

#include <nlohmann/json.hpp>

namespace sluice::daemon {
namespace {

Task<> list(registry::Client& client, registry::Place place, std::vector<std::string>& found) {
  found = co_await client.tags(std::move(place));
}

// One rule at a time, so that a mistake is told with its option.
void check_rule(const char* option, oci::TagRules rule) {
  try {
    const oci::TagFilter tried(std::move(rule));
  } catch (const Error& error) {
    throw Failure(exit_code::usage, std::string(option) + ": " + printable(error.what(), 500));
  }
}

oci::TagFilter filter_of(const TagsOptions& options) {
  check_rule("--glob", {.globs = options.globs});
  check_rule("--exclude", {.exclude = options.exclude});
  check_rule("--match", {.match = options.match.value_or("")});
  check_rule("--semver", {.semver = options.semver});
  return oci::TagFilter({.globs = options.globs,
                         .match = options.match.value_or(""),
                         .exclude = options.exclude,
                         .semver = options.semver,
                         .pre_releases = options.pre_releases,
                         .artifacts = true});
}

/// As a set in the configuration chooses them; in the registry's order unless versions matter.
std::vector<std::string> chosen(const TagsOptions& options, std::vector<std::string> tags) {
  const auto filter = filter_of(options);
  if (!options.semver && options.newest == 0) return filter.select(std::move(tags));
  tags = filter.newest_first(std::move(tags));
  const auto most = static_cast<std::size_t>(options.newest);
  if (most > 0 && tags.size() > most) tags.resize(most);
  return tags;
}

// The list of all tags would be taken for an answer about this one. (A name without a tag is read as
// :latest.)
registry::Place read_repository(const std::string& text) {
  auto place = read_place(text);
  const bool has_tag = place.tag && text.ends_with(":" + *place.tag);
  if (!has_tag && !place.digest && !place.position) {
    place.tag.reset();
    return place;
  }
  std::string named = place.digest ? "@" + place.digest->text() : "";
  if (place.position) named = ":@" + std::to_string(*place.position);
  if (named.empty()) named = ":" + *place.tag;
  throw Failure(exit_code::usage, printable(text, 300) +
                                      " names one image, and this lists all tags: leave out " + named +
                                      ", or use --glob; `sluice digest` and `sluice inspect` look at one");
}

}  // namespace

int tags(const TagsOptions& options) {
  const auto place = read_repository(options.repository);
  chosen(options, {});  // a mistake in the options is told before the registry is asked
  RegistryTool tool(options.config);
  std::vector<std::string> found;
  tool.run(list(tool.client(), place, found));
  found = chosen(options, std::move(found));
  if (options.json) {
    const nlohmann::ordered_json value{{"repository", place.text()}, {"tags", found}};
    print(value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return exit_code::ok;
  }
  for (const auto& tag : found)
    print(printable(tag, 200));
  return exit_code::ok;
}

}  // namespace sluice::daemon
