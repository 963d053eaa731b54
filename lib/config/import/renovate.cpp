// Renovate: the rules of its configuration for images, and the FROM lines of Dockerfiles that it would keep
// up to date. https://docs.renovatebot.com/docker/, https://docs.renovatebot.com/configuration-options/

#include "config/document.hpp"
#include "config/import/dockerfile.hpp"
#include "config/import/foreign.hpp"
#include "core/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sluice::config {
namespace {

// JSON5 as YAML reads it: comments and the tabs outside of texts become spaces, so that places stay where
// they are.
std::string yaml_of_json5(std::string text) {
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (quote != 0) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == quote)
        quote = 0;
    } else if (text[i] == '"' || text[i] == '\'') {
      quote = text[i];
    } else if (text[i] == '/' && (next == '/' || next == '*')) {
      const auto close = next == '/' ? text.find('\n', i) : text.find("*/", i + 2);
      const auto end = close == std::string::npos ? text.size() : close + (next == '/' ? 0 : 2);
      for (; i < end; ++i)
        if (text[i] != '\n' && text[i] != '\r') text[i] = ' ';
      --i;
    } else if (text[i] == '\t') {
      text[i] = ' ';
    }
  }
  return text;
}

struct RenovateRule {
  std::vector<std::string> images;  // without any: all
  std::string allowed = {};
  Position at = {};
  std::string file = {};
  bool enabled = true;
  bool used = false;
};

class Renovate {
 public:
  explicit Renovate(Findings& findings) : findings_(findings) {}

  void read_settings(Foreign& root) {
    root.ignore("$schema");
    root.ignore("description");
    root.left_out("extends", "presets are not followed");
    root.left_out("schedule", "a pipeline looks at all times; `poll.every` sets the pace");
    for (const auto* of_requests :
         {"labels", "assignees", "reviewers", "automerge", "prHourlyLimit", "prConcurrentLimit",
          "commitMessagePrefix", "semanticCommits", "rebaseWhen", "dependencyDashboard", "timezone",
          "enabledManagers", "platformAutomerge"})
      root.left_out(of_requests, "it is about merge requests, which sluice does not make");
    for (auto& rule : root.list("packageRules"))
      read_rule(rule);
    for (auto& login : root.list("hostRules"))
      read_login(login);
    for (const auto& image : root.texts("ignoreDeps"))
      rules_.push_back({.images = {image},
                        .allowed = {},
                        .at = root.at("ignoreDeps"),
                        .file = root.file(),
                        .enabled = false});
    auto aliases = root.mapping("registryAliases");
    for (const auto& alias : aliases.keys())
      aliases_[alias] = aliases.text(alias);
    root.done();
  }

  void read_dockerfile(const ForeignText& file) {
    if (file.text.size() > largest_file)
      return findings_.mistakes.push_back(
          {file.name, {{{}, fmt::format("the file is larger than {} KiB", largest_file / 1024), {}}}});
    for (const auto& from : images_of_dockerfile(file.text, aliases_)) {
      if (from.known)
        add(file, from);
      else
        remark(Remark::Kind::left_out, file, from.line, from.image,
               "a variable in it has no value in this file");
    }
  }

  // What rules say about images that no Dockerfile names.
  void finish() {
    for (auto& rule : rules_)
      if (!rule.used && rule.enabled)
        for (const auto& name : rule.images)
          add_by_rule(rule, name);
  }

 private:
  void read_rule(Foreign& rule) {
    const auto sources = rule.texts("matchDatasources");
    const auto managers = rule.texts("matchManagers");
    RenovateRule found{.images = rule.texts("matchPackageNames"),
                       .allowed = rule.text("allowedVersions"),
                       .at = rule.at(),
                       .file = rule.file()};
    for (const auto& name : rule.texts("matchDepNames"))
      found.images.push_back(name);
    found.enabled = !rule.has("enabled") || rule.flag("enabled");
    rule.ignore("enabled");
    const auto names = [](const std::vector<std::string>& list, const char* name) {
      return std::ranges::find(list, name) != list.end();
    };
    const bool of_images =
        names(sources, "docker") || names(managers, "dockerfile") || names(managers, "docker-compose");
    if (!of_images) return;  // about something else
    for (const auto* pattern : {"matchPackagePatterns", "matchPackagePrefixes", "excludePackageNames",
                                "matchCurrentValue", "matchFileNames", "matchUpdateTypes"})
      rule.left_out(pattern, "a pipeline names one image");
    rule.left_out("versioning", "versions are read as semver.org says");
    rule.ignore("description");
    for (const auto* of_requests : {"groupName", "automerge", "labels", "schedule", "pinDigests",
                                    "minimumReleaseAge", "addLabels", "commitMessageTopic"})
      rule.left_out(of_requests, "it is about merge requests, which sluice does not make");
    rule.done();
    std::erase_if(found.images, [&](const std::string& name) {
      const bool pattern =
          name.find_first_of("*/!") != std::string::npos &&
          (name.find('*') != std::string::npos || name.starts_with('/') || name.starts_with('!'));
      if (pattern)
        rule.remark(Remark::Kind::left_out, rule.at(), name, "a pipeline names one image, not a pattern");
      return pattern;
    });
    rules_.push_back(std::move(found));
  }

  void read_login(Foreign& login) {
    const auto kind = login.text("hostType");
    const auto host = registry_name(login.text("matchHost"));
    if (!kind.empty() && kind != "docker") return;
    auto& registry = registry_of(findings_, host.empty() ? "docker.io" : host);
    registry.login = true;
    registry.username = login.text("username");
    for (const auto* secret : {"password", "token", "encrypted", "authType"})
      login.ignore(secret);
    login.remark(Remark::Kind::to_do, login.at(), "login of " + (host.empty() ? "docker.io" : host),
                 "put the password where the comment in the new file says");
    login.left_out("concurrentRequestLimit",
                   "`concurrency` of a registry says how many tags are looked at together");
    login.left_out("insecureRegistry",
                   "certificates are always checked: give the registry a `ca`, or `http: true`");
    login.ignore("matchHost");
    login.done();
  }

  void remark(Remark::Kind kind, const ForeignText& file, int line, const std::string& what,
              const std::string& why) {
    findings_.remark(kind, file.name, {.line = line, .column = 1}, what, why);
  }

  // A rule for an image, by the name that Renovate knows it by.
  RenovateRule* rule_for(const oci::Reference& image, const std::string& written) {
    for (auto& rule : rules_)
      for (const auto& name : rule.images)
        if (name == written || name == image.repository.path || name == image.repository.text() ||
            "library/" + name == image.repository.path)
          return &rule;
    return nullptr;
  }

  void add(const ForeignText& file, const DockerfileImage& from) {
    Foreign place(YAML::Node(), {.line = from.line, .column = 1}, file.name, findings_);
    const auto image = place.image(from.image);
    if (!image) return;
    auto* rule = rule_for(*image, from.image.substr(0, from.image.find_first_of(":@")));
    if (rule) rule->used = true;
    if (rule && !rule->enabled)
      return remark(Remark::Kind::left_out, file, from.line, from.image, "a rule switches updates of it off");
    if (image->digest && !image->tag)
      return remark(Remark::Kind::left_out, file, from.line, from.image,
                    "a digest never changes, so there is nothing to watch");
    FoundPipeline one{.file = file.name,
                      .at = {.line = from.line, .column = 1},
                      .upstream = *image,
                      .platform = from.platform};
    one.upstream.digest.reset();
    if (rule && !rule->allowed.empty())
      remark(Remark::Kind::changed, file, from.line, from.image,
             "this tag is watched, and each new digest of it taken; moving to another version (" +
                 rule->allowed + ") stays a change of the file");
    findings_.pipelines.push_back(std::move(one));
  }

  void add_by_rule(const RenovateRule& rule, const std::string& name) {
    Foreign place(YAML::Node(), rule.at, rule.file, findings_);
    if (rule.allowed.empty())
      return place.remark(Remark::Kind::to_do, rule.at, name,
                          "no tag is named here: name the Dockerfile that uses it behind this file");
    const auto image = place.image(name);
    if (!image) return;
    FoundPipeline one{.file = rule.file,
                      .at = rule.at,
                      .upstream = *image,
                      .tags = TagFilter{},
                      .target = {},
                      .target_tag = {},
                      .platform = {},
                      .pace = {}};
    const auto& allowed = rule.allowed;
    if (allowed.starts_with('/') && allowed.size() > 1 && allowed.ends_with('/'))
      one.tags->regex = ".*(?:" + allowed.substr(1, allowed.size() - 2) + ").*";
    else if (allowed.starts_with("!/"))
      return place.remark(Remark::Kind::left_out, rule.at, name + " " + allowed,
                          "tags cannot be excluded; say which ones are meant");
    else
      one.tags->semver = allowed;
    findings_.pipelines.push_back(std::move(one));
  }

  Findings& findings_;
  std::vector<RenovateRule> rules_;
  std::map<std::string, std::string> aliases_;
};

bool is_json(const std::string& text) {
  const auto json = yaml_of_json5(text);
  const auto begin = json.find_first_not_of(" \r\n");
  return begin != std::string::npos && json[begin] == '{';
}

}  // namespace

// The configuration first, wherever it stands: Dockerfiles are read by its rules.
void read_renovate(const std::vector<ForeignText>& files, Findings& findings) {
  Renovate renovate(findings);
  for (const auto& file : files)
    if (is_json(file.text))
      for (auto& document : foreign_documents(file, yaml_of_json5(file.text), findings))
        renovate.read_settings(document);
  for (const auto& file : files)
    if (!is_json(file.text)) renovate.read_dockerfile(file);
  renovate.finish();
}

}  // namespace sluice::config
