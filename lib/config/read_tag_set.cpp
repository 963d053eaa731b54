// `upstream: {repository: ..., tags: {...}}`: a pipeline that watches many tags.

#include "config/placeholders.hpp"
#include "config/read.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>

namespace sluice::config {
namespace {

constexpr std::int64_t most_members = 1'000'000;  // as many tags as a list may have

// One rule at a time, so that each mistake is told at its own place.
void check_rule(Section& tags, const std::string& key, oci::TagRules rule) {
  try {
    const oci::TagFilter tried(std::move(rule));
  } catch (const Error& error) {
    tags.error(tags.position(key), printable(error.what()));
  }
}

oci::TagRules read_rules(Section& tags) {
  oci::TagRules rules;
  rules.globs = tags.one_or_more_texts("glob");
  rules.exclude = tags.one_or_more_texts("exclude");
  rules.match = tags.text("match");
  if (tags.has("semver")) rules.semver = tags.required_text("semver", "for instance semver: \">=18 <23\"");
  rules.pre_releases = tags.flag("pre_releases", false);
  check_rule(tags, "glob", {.globs = rules.globs});
  check_rule(tags, "exclude", {.exclude = rules.exclude});
  check_rule(tags, "match", {.match = rules.match});
  check_rule(tags, "semver", {.semver = rules.semver});
  if (rules.pre_releases && !rules.semver)
    tags.error(tags.position("pre_releases"),
               "'pre_releases' says something about 'semver', which is not there",
               "add semver: \"*\", or remove it");
  return rules;
}

bool asks_for_nothing(Section& tags) {
  return !tags.has("glob") && !tags.has("match") && !tags.has("semver") && !tags.has("newest");
}

std::size_t number(Section& section, const std::string& key, std::size_t fallback) {
  return static_cast<std::size_t>(section.integer(key, static_cast<std::int64_t>(fallback), 1, most_members));
}

void read_bounds(Section& tags, TagSet& set) {
  if (tags.has("newest")) set.newest = number(tags, "newest", 1);
  set.by = choice(tags, "by", "version", {"version", "created"}) == "created" ? TagSet::Order::created
                                                                              : TagSet::Order::version;
  if (tags.has("by") && set.newest == 0)
    tags.error(tags.position("by"), "'by' says what 'newest' looks at, which is not there",
               "add newest: 5, or remove it");
  set.limit = number(tags, "limit", std::max(set.limit, set.newest));
  if (set.newest > set.limit)
    tags.error(tags.position("limit"), "'limit' is smaller than 'newest'",
               "leave it out; 'newest' is a limit");
  set.initial = choice(tags, "initial", "all", {"all", "none"}) == "all";
}

std::shared_ptr<const TagSet> read_tag_set(Section tags) {
  auto set = std::make_shared<TagSet>();
  if (asks_for_nothing(tags))
    tags.error(tags.position(), "'tags' must say which tags: glob, match, semver or newest",
               "every tag is glob: \"*\"");
  auto rules = read_rules(tags);
  read_bounds(tags, *set);
  tags.done();
  try {
    set->filter = oci::TagFilter(std::move(rules));
  } catch (const Error&) {
    // Told where the rule stands.
  }
  return set;
}

// A repository for each tag: the rest of its name is checked with another word for {tag}.
oci::Repository repository_per_tag(const std::string& text) {
  const auto place = text.find(tag_placeholder);
  if (place == std::string::npos) return oci::Repository::parse(text);
  if (text.find('/') > place)
    throw Error(ErrorKind::invalid, "in 'staging', {tag} must stand in the path, behind the registry's name");
  const auto after = text.substr(place + tag_placeholder.size());
  if (after.find(tag_placeholder) != std::string::npos)
    throw Error(ErrorKind::invalid, "'staging' may have {tag} in it only once");
  auto repository = oci::Repository::parse(text.substr(0, place) + "9" + after);
  repository.path.replace(repository.path.size() - after.size() - 1, 1, tag_placeholder);
  return repository;
}

}  // namespace

void read_set(Section upstream, Pipeline& pipeline) {
  if (auto repository = upstream.repository("repository", true))
    pipeline.upstream.repository = std::move(*repository);
  if (!upstream.has("tags"))
    upstream.error(upstream.position(), "'tags' is missing: which tags are watched?",
                   "for instance tags: {semver: \">=18\", newest: 5}");
  pipeline.tags = read_tag_set(upstream.section("tags"));
  upstream.done();
}

void read_staging(Section& section, Pipeline& pipeline) {
  const auto text =
      section.required_text("staging", "for instance registry.example.com/team/image, without a tag");
  if (text.empty()) return;
  try {
    const auto tag = pipeline.upstream.tag.value_or("9");
    pipeline.staging = pipeline.is_set()
                           ? repository_per_tag(text)
                           : oci::Repository::parse(fill(text, {{std::string(tag_value), tag}}));
  } catch (const Error& error) {
    section.error(section.position("staging"), printable(error.what()));
  }
}

void fill_tags(Section& promote, Pipeline& pipeline) {
  if (!pipeline.is_set()) {
    const Values values{{std::string(tag_value), pipeline.upstream.tag.value_or("")}};
    pipeline.stable_tag = fill(pipeline.stable_tag, values);
    pipeline.unique_tag = fill(pipeline.unique_tag, values);
    return;
  }
  const auto first = pipeline.stable_tag.find(tag_placeholder);
  if (pipeline.stable_tag.empty() ||
      (first != std::string::npos &&
       pipeline.stable_tag.find(tag_placeholder, first + 1) == std::string::npos))
    return;
  promote.error(
      promote.position("tags"),
      "the stable tag of a set must have {tag} in it once: each tag is promoted to a tag of its own",
      "for instance tags: [\"{tag}\", \"{tag}-{run}\"]");
  pipeline.stable_tag.clear();
}

}  // namespace sluice::config
