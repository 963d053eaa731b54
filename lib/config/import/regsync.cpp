// regsync of regclient: https://github.com/regclient/regclient/blob/main/docs/regsync.md

#include "config/import/foreign.hpp"
#include "config/import/tag_set.hpp"

#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::config {
namespace {

bool is_template(const std::string& text) {
  return text.find("{{") != std::string::npos;
}

// {{env "NAME"}} or {{file "/path"}} alone, as our reference to a secret; empty for anything else.
std::string reference_of_template(const std::string& text) {
  for (const auto& [word, key] :
       {std::pair<std::string_view, std::string_view>("env", "env"), {"file", "file"}}) {
    const auto begin = text.find_first_not_of(' ', 2);
    if (!text.starts_with("{{") || !text.ends_with("}}") || text.compare(begin, word.size(), word) != 0)
      continue;
    const auto open = text.find('"');
    const auto close = text.rfind('"');
    if (open == std::string::npos || close == open) return {};
    const auto value = text.substr(open + 1, close - open - 1);
    if (value.find_first_of("\"\\{}\n") != std::string::npos) return {};
    return fmt::format("{{{}: \"{}\"}}", key, value);
  }
  return {};
}

class Regsync {
 public:
  explicit Regsync(Findings& findings) : findings_(findings) {}

  void read(Foreign root) {
    for (const auto& key : root.keys())
      if (key.starts_with("x-")) root.ignore(key);
    root.ignore("version");
    for (auto& entry : root.list("creds"))
      read_login(entry);
    auto defaults = root.mapping("defaults");
    const auto pace = pace_of(defaults, {});
    leave_out(defaults);
    defaults.left_out("parallel", "`engine.jobs` says how much is done at once");
    defaults.ignore("skipDockerConfig");
    defaults.left_out("userAgent", "it cannot be changed");
    defaults.left_out("blobLimit", "layers of any size are copied");
    defaults.left_out("cacheCount", "there is no such cache");
    defaults.left_out("cacheTime", "there is no such cache");
    defaults.done();
    for (auto& sync : root.list("sync"))
      read_sync(sync, pace);
    root.done();
  }

 private:
  void read_login(Foreign& entry) {
    const auto host = registry_name(entry.text("registry"));
    const auto user = entry.text("user");
    const auto password = entry.text("pass");
    const auto tls = entry.text("tls");
    if (host.empty() || is_template(host))
      return entry.remark(Remark::Kind::left_out, entry.at(), "creds",
                          "the name of the registry is a template");
    auto& registry = registry_of(findings_, host);
    registry.http = tls == "disabled";
    registry.login = entry.has("user") || entry.has("pass");
    registry.username = is_template(user) ? std::string() : user;
    registry.password = reference_of_template(password);
    if (is_template(user))
      entry.remark(Remark::Kind::to_do, entry.at("user"), "user of " + host,
                   "a user name stands in the configuration itself: put it in the place of USER");
    if (registry.login)
      entry.remark(Remark::Kind::to_do, entry.at("pass"), "login of " + host,
                   "put the password where the comment in the new file says");
    if (tls == "insecure")
      entry.remark(Remark::Kind::left_out, entry.at("tls"), "tls: insecure",
                   "certificates are always checked: give the registry a `ca`");
    if (entry.has("regcert"))
      entry.remark(Remark::Kind::to_do, entry.at("regcert"), "regcert",
                   "save the certificate in a file, and name it as `ca` of the registry");
    entry.ignore("regcert");
    entry.left_out("credHelper",
                   "`docker_config: auto` uses the credential helpers of docker's own configuration");
    entry.ignore("credExpire");
    entry.left_out("hostname", "a registry is reached by the name that stands in image names");
    entry.left_out("pathPrefix", "a registry is reached by the names that stand in image names");
    entry.left_out("mirrors", "an upstream is asked itself");
    entry.ignore("priority");
    entry.ignore("repoAuth");
    entry.left_out(
        "reqPerSec",
        "a registry that limits requests is asked more slowly by itself; `poll.every` sets the pace");
    entry.left_out(
        "reqConcurrent",
        "`concurrency` of a registry says how many tags are looked at together, `transfers` how many "
        "blobs are on their way");
    entry.ignore("blobChunk");
    entry.ignore("blobMax");
    entry.ignore("api");
    entry.done();
  }

  FoundPace pace_of(Foreign& section, const FoundPace& fallback) {
    const auto schedule = section.text("schedule");
    const auto interval = section.text("interval");
    if (!schedule.empty()) return pace_of_cron(section, section.at("schedule"), schedule);
    if (interval.empty()) return fallback;
    if (auto every = interval_of_go(interval)) return {.every = std::move(*every)};
    section.remark(Remark::Kind::left_out, section.at("interval"), interval,
                   "this is no duration such as 60m");
    return fallback;
  }

  // What defaults and steps have in common.
  static void leave_out(Foreign& section) {
    section.left_out(
        "ratelimit",
        "a registry that says when its limit is reached is left alone until then, without a setting");
    if (section.has("backup"))
      section.remark(Remark::Kind::changed, section.at("backup"), "backup",
                     "each promotion keeps a unique tag of its own, to which `sluice rollback` goes back");
    section.ignore("backup");
    section.left_out(
        "hooks", "checks look at an image before it is promoted, `dependents` say what is built after it");
    section.left_out("digestTags",
                     "of the tags that are named after digests, a pipeline copies those that cosign makes");
    section.left_out("referrerFilters", "referrers are not chosen one by one");
    section.ignore("referrers");
    section.left_out("mediaTypes", "images of every type are copied");
    section.ignore("forceRecursive");
    section.ignore("fastCheck");
    section.left_out("includeExternal", "layers that are kept elsewhere are not fetched");
  }

  void read_sync(Foreign& sync, const FoundPace& fallback) {
    const auto source = sync.text("source");
    const auto target = sync.text("target");
    const auto type = sync.text("type");
    FoundPipeline one{.file = sync.file(),
                      .at = sync.at(),
                      .upstream = {},
                      .tags = {},
                      .target = {},
                      .target_tag = {},
                      .platform = sync.text("platform"),
                      .pace = pace_of(sync, fallback)};
    const auto platforms = sync.texts("platforms");
    if (!one.platform.empty() || !platforms.empty())
      sync.remark(Remark::Kind::changed, sync.at(platforms.empty() ? "platform" : "platforms"), "platform",
                  "all platforms are copied; one is what checks look at");
    if (one.platform.empty() && !platforms.empty()) one.platform = platforms.front();
    leave_out(sync);
    auto filters = filters_of(sync);
    if (is_template(source) || is_template(target))
      sync.remark(Remark::Kind::left_out, sync.at(), source + " -> " + target,
                  "names that are templates are not worked out");
    else if (type == "registry")
      sync.remark(Remark::Kind::left_out, sync.at(), source + " -> " + target,
                  "a pipeline names one repository, not a whole registry");
    else if (!read_names(sync, source, target, one))
      ;  // told
    else if (type == "image")
      findings_.pipelines.push_back(std::move(one));
    else
      for (auto& filter : filters)
        read_tags(filter, one);
    sync.done();
  }

  bool read_names(Foreign& sync, const std::string& source, const std::string& target, FoundPipeline& one) {
    const auto upstream = sync.image(source);
    const auto goal = sync.image(target);
    if (!upstream || !goal) return false;
    if (upstream->digest || goal->digest) {
      sync.remark(Remark::Kind::left_out, sync.at(), source,
                  "a digest never changes, so there is nothing to watch");
      return false;
    }
    one.upstream = *upstream;
    one.target = goal->repository;
    if (goal->tag != upstream->tag) one.target_tag = goal->tag.value_or("");
    return true;
  }

  // `tags` and each of `tagSets` say which tags are meant; a tag is copied when one of them takes it. Without
  // any, all tags are.
  static std::vector<Foreign> filters_of(Foreign& sync) {
    auto filters = sync.list("tagSets");
    auto tags = sync.mapping("tags");
    if (tags.is_mapping() || filters.empty()) filters.push_back(tags);
    return filters;
  }

  // A tag must be in one of the ranges and match one of the patterns there, which are bound to both ends.
  void read_tags(Foreign& tags, FoundPipeline one) {
    one.target_tag.clear();
    const auto allow = tags.texts("allow");
    const auto semver = tags.texts("semverRange");
    tags.left_out("deny", "`exclude` takes globs; say in `match` which ones are meant");
    tags.done();
    TagFilter set;
    set.semver = fmt::format("{}", fmt::join(semver, " || "));
    // Versions are compared there by their precedence alone: 20.1-alpine is one of them.
    set.pre_releases = !semver.empty();
    std::vector<std::string> patterns;
    for (const auto& pattern : allow)
      if (is_plain(pattern))
        add_plain(tags, one, set, pattern);
      else
        patterns.push_back(pattern);
    if (patterns.empty() && !allow.empty()) return;
    if (!patterns.empty())
      set.regex = patterns.size() == 1 ? patterns.front() : fmt::format("({})", fmt::join(patterns, "|"));
    else if (semver.empty())
      set.glob = "*";
    one.tags = std::move(set);
    findings_.pipelines.push_back(std::move(one));
  }

  // A plain name is one tag; "3.1" as a pattern means little else.
  static bool is_plain(const std::string& pattern) {
    return pattern.find_first_of("\\*+?[(|^$") == std::string::npos && oci::is_valid_tag(pattern);
  }

  void add_plain(Foreign& tags, FoundPipeline one, const TagFilter& ranges, const std::string& tag) {
    const auto rules = tag_rules(ranges);
    if (!rules || !rules->accepts(tag))
      return tags.remark(Remark::Kind::left_out, tags.at("allow"), tag,
                         "it is in no range of `semverRange` that is understood: " + ranges.semver);
    one.upstream.tag = tag;
    findings_.pipelines.push_back(std::move(one));
  }

  Findings& findings_;
};

}  // namespace

void read_regsync(const std::vector<ForeignText>& files, Findings& findings) {
  for (const auto& file : files)
    for (auto& document : foreign_documents(file, file.text, findings))
      Regsync(findings).read(document);
}

}  // namespace sluice::config
