#include "config/import/renovate_rules.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <re2/re2.h>

namespace sluice::config {
namespace {

constexpr std::int64_t pattern_memory = 1 << 18;
// Hostile files hold many.
constexpr std::size_t most_patterns = 5000;

using Texts = std::vector<std::string>;

// After minimatch: "**" passes a '/', the others do not.
std::string expression_of_glob(const std::string& glob) {
  std::string expression;
  int braces = 0;
  for (std::size_t i = 0; i < glob.size(); ++i) {
    const char c = glob[i];
    const bool twice = c == '*' && glob.compare(i, 2, "**") == 0;
    if (twice) {
      const bool folder = glob.compare(i, 3, "**/") == 0;
      expression += folder ? "(?:.*/)?" : ".*";
      i += folder ? 2 : 1;
    } else if (c == '*') {
      expression += "[^/]*";
    } else if (c == '?') {
      expression += "[^/]";
    } else if (c == '{') {
      expression += "(?:";
      ++braces;
    } else if (c == '}' && braces > 0) {
      expression += ")";
      --braces;
    } else if (c == ',' && braces > 0) {
      expression += "|";
    } else {
      expression += RE2::QuoteMeta(std::string(1, c));
    }
  }
  return "(?i)^(?:" + expression + ")$";
}

// "/expression/" with "i" behind it, or a glob.
std::string expression_of(const std::string& pattern) {
  const auto close = pattern.rfind('/');
  if (!pattern.starts_with('/') || close == 0) return expression_of_glob(pattern);
  const auto flags = pattern.substr(close + 1);
  if (!flags.empty() && flags != "i") return expression_of_glob(pattern);
  return (flags == "i" ? "(?i)" : "") + pattern.substr(1, close - 1);
}

bool is_plain_name(const std::string& pattern) {
  return !pattern.empty() && pattern.find_first_of("*?{}[]!\\^$()|") == std::string::npos &&
         !pattern.starts_with('/');
}

// The keys that say the same with other words, as they were before there were patterns in one list.
struct OfNames {
  const char *names, *patterns, *prefixes, *not_names, *not_patterns, *not_prefixes;
};
constexpr std::array<OfNames, 2> name_keys{
    {{"matchPackageNames", "matchPackagePatterns", "matchPackagePrefixes", "excludePackageNames",
      "excludePackagePatterns", "excludePackagePrefixes"},
     {"matchDepNames", "matchDepPatterns", "matchDepPrefixes", "excludeDepNames", "excludeDepPatterns",
      "excludeDepPrefixes"}}};

Texts names_of(Foreign& rule, const OfNames& keys) {
  auto names = rule.texts(keys.names);
  const auto expression = [](const std::string& text) { return text == "*" ? text : "/" + text + "/"; };
  for (const auto& pattern : rule.texts(keys.patterns))
    names.push_back(expression(pattern));
  for (const auto& prefix : rule.texts(keys.prefixes))
    names.push_back(expression("^" + RE2::QuoteMeta(prefix)));
  for (const auto& name : rule.texts(keys.not_names))
    names.push_back("!" + name);
  for (const auto& pattern : rule.texts(keys.not_patterns))
    names.push_back("!" + expression(pattern));
  for (const auto& prefix : rule.texts(keys.not_prefixes))
    names.push_back("!" + expression("^" + RE2::QuoteMeta(prefix)));
  return names;
}

bool is_about(const Texts& list, const std::string& word) {
  return list.empty() || RenovatePatterns(list).fit({word});
}

bool is_of_names(const std::string& key) {
  return std::ranges::any_of(name_keys, [&](const OfNames& keys) {
    return key == keys.names || key == keys.patterns || key == keys.prefixes || key == keys.not_names ||
           key == keys.not_patterns || key == keys.not_prefixes;
  });
}

// Conditions that no image fulfils by itself, such as that of an update: then the rule is not for all of it.
bool tell_narrow(Foreign& rule, bool decides) {
  bool narrow = false;
  for (const auto& key : rule.keys()) {
    const bool condition = key.starts_with("match") || key.starts_with("exclude");
    if (!condition || is_of_names(key) || key == "matchDatasources" || key == "matchManagers" ||
        key == "matchCategories")
      continue;
    narrow = true;
    rule.left_out(key, decides ? "this rule holds only for some updates or files, so it is not followed: a "
                                 "pipeline takes every new digest of its tag"
                               : "a pipeline names one image");
  }
  return narrow;
}

void tell_rest(Foreign& rule) {
  rule.left_out("versioning", "versions are read as semver.org says");
  for (const auto* of_requests : {"groupName", "automerge", "labels", "schedule", "pinDigests",
                                  "minimumReleaseAge", "addLabels", "commitMessageTopic"})
    rule.left_out(of_requests, "it is about merge requests, which sluice does not make");
  rule.done();
}

}  // namespace

struct RenovatePatterns::Pattern {
  std::string plain;  // in lower case; or else:
  std::unique_ptr<RE2> expression;
  bool fits(const std::vector<std::string>& names) const {
    if (!expression)
      return plain == "*" ||
             std::ranges::any_of(names, [&](const auto& name) { return lower(name) == plain; });
    return !names.empty() && RE2::PartialMatch(names.front(), *expression);
  }
};

RenovatePatterns::RenovatePatterns(const std::vector<std::string>& written) {
  for (const auto& whole : written) {
    const bool negated = whole.starts_with('!');
    const auto text = whole.substr(negated ? 1 : 0);
    auto pattern = std::make_shared<Pattern>();
    if (text == "*" || is_plain_name(text)) {
      pattern->plain = lower(text);
    } else {
      RE2::Options options(RE2::Quiet);
      options.set_max_mem(pattern_memory);
      pattern->expression = std::make_unique<RE2>(expression_of(text), options);
      if (!pattern->expression->ok())
        throw Error(ErrorKind::invalid, "'" + printable(whole, 100) + "' cannot be read: " +
                                            printable(pattern->expression->error(), 200));
    }
    (negated ? unwanted_ : wanted_).push_back(std::move(pattern));
  }
}

bool RenovatePatterns::fit(const std::vector<std::string>& names) const {
  const auto fits = [&](const auto& pattern) { return pattern->fits(names); };
  return (wanted_.empty() || std::ranges::any_of(wanted_, fits)) && std::ranges::none_of(unwanted_, fits);
}

void RenovateRules::read(Foreign& rule) {
  try {
    add(rule);
  } catch (const Error& error) {
    rule.remark(Remark::Kind::left_out, rule.at(), "rule", error.what());
  }
}

void RenovateRules::add(Foreign& rule) {
  const auto sources = rule.texts("matchDatasources");
  const auto managers = rule.texts("matchManagers");
  const auto categories = rule.texts("matchCategories");
  const bool of_dockerfiles = is_about(managers, "dockerfile");
  if (!is_about(sources, "docker") || !is_about(categories, "docker") ||
      (!of_dockerfiles && !is_about(managers, "docker-compose")))
    return;
  Rule found{.all_of = {},
             .enabled = {},
             .allowed = rule.text("allowedVersions"),
             .place = fmt::format("{}, line {}", rule.file(), rule.at().line)};
  if (rule.has("enabled")) found.enabled = rule.flag("enabled");
  rule.ignore("enabled");
  rule.ignore("description");
  // One that names no kind of package is only worth a word when it decides something here.
  const bool of_images = !sources.empty() || !managers.empty() || !categories.empty();
  const bool decides = found.enabled || !found.allowed.empty();
  if (!of_images && !decides) return;
  for (const auto& keys : name_keys) {
    const auto names = names_of(rule, keys);
    if (names.empty()) continue;
    patterns_ += names.size();
    if (patterns_ > most_patterns)
      throw Error(ErrorKind::invalid,
                  fmt::format("more than {} names and patterns are not read", most_patterns));
    found.all_of.emplace_back(names);
    if (of_images && found.enabled.value_or(true)) remember(rule, names, found.allowed);
  }
  const bool narrow = tell_narrow(rule, decides);
  tell_rest(rule);
  if (of_dockerfiles && decides && !narrow) rules_.push_back(std::move(found));
}

void RenovateRules::remember(Foreign& rule, const std::vector<std::string>& names,
                             const std::string& allowed) {
  for (const auto& name : names) {
    if (is_plain_name(name))
      named_.push_back({name, allowed, rule.file(), rule.at()});
    else
      rule.remark(Remark::Kind::left_out, rule.at(), name, "a pipeline names one image, not a pattern");
  }
}

void RenovateRules::ignore(const std::string& name, const std::string& file, Position at) {
  ignored_.emplace(lower(name), fmt::format("{}, line {}", file, at.line));
}

RenovateVerdict RenovateRules::verdict(const std::vector<std::string>& names) const {
  RenovateVerdict verdict;
  for (const auto& rule : rules_) {
    if (!std::ranges::all_of(rule.all_of, [&](const auto& patterns) { return patterns.fit(names); }))
      continue;
    if (rule.enabled) verdict.enabled = *rule.enabled;
    if (rule.enabled) verdict.by = rule.place;
    if (!rule.allowed.empty()) verdict.allowed = rule.allowed;
  }
  for (const auto& name : names)
    if (const auto found = ignored_.find(lower(name)); found != ignored_.end()) {
      verdict.enabled = false;
      verdict.by = found->second;
    }
  return verdict;
}

}  // namespace sluice::config
