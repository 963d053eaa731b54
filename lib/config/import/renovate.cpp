// Renovate: the rules of its configuration for images, and the FROM lines of Dockerfiles that it would keep
// up to date. https://docs.renovatebot.com/docker/, https://docs.renovatebot.com/configuration-options/

#include "config/document.hpp"
#include "config/import/dockerfile.hpp"
#include "config/import/foreign.hpp"
#include "config/import/renovate_rules.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <set>

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

class Renovate {
 public:
  explicit Renovate(Findings& findings) : findings_(findings) {}

  void read_settings(Foreign& root) {
    root.ignore("$schema");
    root.ignore("description");
    root.left_out("extends", "presets are not followed");
    root.left_out("schedule", "a pipeline looks at all times; `poll.every` sets the pace");
    for (const auto* of_requests : {"labels", "assignees", "reviewers", "automerge", "prHourlyLimit",
                                    "prConcurrentLimit", "commitMessagePrefix", "semanticCommits",
                                    "rebaseWhen", "dependencyDashboard", "timezone", "platformAutomerge"})
      root.left_out(of_requests, "it is about merge requests, which sluice does not make");
    read_switches(root);
    for (auto& rule : root.list("packageRules"))
      rules_.read(rule);
    for (auto& login : root.list("hostRules"))
      read_login(login);
    for (const auto& image : root.texts("ignoreDeps"))
      rules_.ignore(image, root.file(), root.at("ignoreDeps"));
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
    for (const auto& named : rules_.named()) {
      const auto verdict = rules_.verdict({named.name});
      if (verdict.enabled && used_.insert(lower(named.name)).second)
        add_by_rule(named, verdict.allowed.empty() ? named.allowed : verdict.allowed);
    }
  }

 private:
  // Whether Dockerfiles are looked at, at all.
  void read_switches(Foreign& root) {
    const auto switched_off = [&](Foreign& section, const std::string& key) {
      const bool off = section.has("enabled") && !section.flag("enabled");
      section.ignore("enabled");
      if (off) off_by_ = fmt::format("{} of {}, line {}", key, section.file(), section.at("enabled").line);
    };
    switched_off(root, "'enabled'");
    const auto managers = root.texts("enabledManagers");
    if (!managers.empty() && std::ranges::find(managers, "dockerfile") == managers.end())
      off_by_ = fmt::format("'enabledManagers' of {}, line {}, without dockerfile", root.file(),
                            root.at("enabledManagers").line);
    for (const auto* of_dockerfiles : {"dockerfile", "docker"}) {
      auto section = root.mapping(of_dockerfiles);
      switched_off(section, fmt::format("'{}.enabled'", of_dockerfiles));
      section.done();
    }
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

  // As written first, then what a rule may call it as well.
  static std::vector<std::string> names_of(const oci::Reference& image, const std::string& written) {
    const auto& path = image.repository.path;
    std::vector<std::string> names{written, image.repository.text()};
    if (image.repository.registry != "docker.io") return names;
    names.push_back(path);
    if (path.starts_with("library/")) names.push_back(path.substr(path.find('/') + 1));
    return names;
  }

  void add(const ForeignText& file, const DockerfileImage& from) {
    Foreign place(YAML::Node(), {.line = from.line, .column = 1}, file.name, findings_);
    const auto image = place.image(from.image);
    if (!image) return;
    const auto names = names_of(*image, image_name(from.image));
    for (const auto& name : names)
      used_.insert(lower(name));
    const auto verdict = rules_.verdict(names);
    if (!off_by_.empty() || !verdict.enabled)
      return remark(Remark::Kind::left_out, file, from.line, from.image,
                    off_by_.empty() ? "a rule switches updates of it off: " + verdict.by
                                    : "updates are switched off: " + off_by_);
    if (image->digest && !image->tag)
      return remark(Remark::Kind::left_out, file, from.line, from.image,
                    "a digest never changes, so there is nothing to watch");
    FoundPipeline one{.file = file.name,
                      .at = {.line = from.line, .column = 1},
                      .upstream = *image,
                      .platform = from.platform};
    one.upstream.digest.reset();
    if (image->digest)
      remark(Remark::Kind::changed, file, from.line, from.image,
             "the digest is not kept: its tag is watched, and each new digest of it taken");
    if (!verdict.allowed.empty())
      remark(Remark::Kind::changed, file, from.line, from.image,
             "this tag is watched, and each new digest of it taken; moving to another version (" +
                 verdict.allowed + ") stays a change of the file");
    findings_.pipelines.push_back(std::move(one));
  }

  // Without tag and digest; the colon of a port is none of a tag.
  static std::string image_name(const std::string& image) {
    const auto name = image.substr(0, image.find('@'));
    const auto colon = name.rfind(':');
    return colon == std::string::npos || name.find('/', colon) != std::string::npos ? name
                                                                                    : name.substr(0, colon);
  }

  void add_by_rule(const RenovateNamed& rule, const std::string& allowed) {
    const auto& name = rule.name;
    Foreign place(YAML::Node(), rule.at, rule.file, findings_);
    if (allowed.empty())
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
  RenovateRules rules_;
  std::set<std::string> used_;  // names in lower case
  std::string off_by_;          // what switches all Dockerfiles off
  std::map<std::string, std::string> aliases_;
};

// The mark that some editors put before a text in UTF-8.
std::vector<ForeignText> without_byte_order_marks(std::vector<ForeignText> files) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  for (auto& file : files)
    if (file.text.starts_with(mark)) file.text.erase(0, mark.size());
  return files;
}

bool is_json(const std::string& text) {
  const auto json = yaml_of_json5(text);
  const auto begin = json.find_first_not_of(" \r\n");
  return begin != std::string::npos && json[begin] == '{';
}

}  // namespace

// The configuration first, wherever it stands: Dockerfiles are read by its rules.
void read_renovate(const std::vector<ForeignText>& marked, Findings& findings) {
  const auto files = without_byte_order_marks(marked);
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
