#include "oci/tag_filter.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <utility>

#include <re2/re2.h>

namespace sluice::oci {
namespace {

constexpr std::string_view wildcards = "*?";
constexpr std::string_view tag_characters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
constexpr std::int64_t pattern_memory = 1 << 20;

void check_glob(const std::string& glob) {
  if (glob.empty()) throw Error(ErrorKind::invalid, "a glob is empty; \"*\" is every tag");
  const auto bad = std::find_if(glob.begin(), glob.end(), [](char c) {
    return tag_characters.find(c) == std::string_view::npos && wildcards.find(c) == std::string_view::npos;
  });
  if (bad != glob.end())
    throw Error(ErrorKind::invalid, "'" + printable(glob, 100) + "' cannot fit a tag because of '" +
                                        printable(std::string(1, *bad)) +
                                        "'; a glob is made of the characters of tags, '*' and '?'; "
                                        "'match' takes regular expressions");
}

// The words before the first and after the last wildcard are no part of the version, but for numbers at their
// near end: "v20.*" is about versions that begin with 20.
std::string_view without_fixed(std::string_view glob, std::string_view tag) {
  const auto first = glob.find_first_of(wildcards);
  if (first == std::string_view::npos) return tag;
  auto head = glob.substr(0, first);
  const auto words = head.find_last_not_of("0123456789.");
  tag.remove_prefix(words == std::string_view::npos ? 0 : words + 1);
  const auto tail = glob.substr(glob.find_last_of(wildcards) + 1);
  // ".1" is a part of the version, "-alpine" and ".1-alpine" are not.
  const auto word = tail.find_first_not_of("0123456789.");
  if (word != std::string_view::npos) tag.remove_suffix(std::min(tag.size(), tail.size() - word));
  return tag;
}

}  // namespace

bool fits_glob(std::string_view glob, std::string_view text) {
  std::size_t at = 0;
  std::size_t in = 0;
  std::size_t star = std::string_view::npos;  // the last '*' so far, and how far it reaches
  std::size_t reach = 0;
  while (in < text.size()) {
    if (at < glob.size() && glob[at] == '*') {
      star = at++;
      reach = in;
    } else if (at < glob.size() && (glob[at] == '?' || glob[at] == text[in])) {
      ++at;
      ++in;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in = ++reach;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', at) == std::string_view::npos;
}

bool is_artifact_tag(std::string_view tag) {
  constexpr std::size_t prefix = std::string_view("sha256-").size();
  constexpr std::size_t digits = 64;
  return (tag.starts_with("sha256-") || tag.starts_with("sha512-")) && tag.size() >= prefix + digits &&
         tag.substr(prefix, digits).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

struct TagFilter::Pattern {
  explicit Pattern(const std::string& text) : expression(text, options()) {
    if (!expression.ok())
      throw Error(ErrorKind::invalid, "'" + printable(text, 200) + "' is no regular expression (RE2): " +
                                          printable(expression.error(), 200));
    const auto& names = expression.NamedCapturingGroups();
    if (const auto found = names.find("version"); found != names.end()) group = found->second;
  }
  static re2::RE2::Options options() {
    re2::RE2::Options quiet;
    quiet.set_log_errors(false);
    quiet.set_max_mem(pattern_memory);
    return quiet;
  }
  bool matches(std::string_view tag) const {
    return re2::RE2::FullMatch(re2::StringPiece(tag.data(), tag.size()), expression);
  }
  /// What the group matched; empty when it took no part.
  std::string_view version(std::string_view tag) const {
    std::vector<re2::StringPiece> groups(static_cast<std::size_t>(group) + 1);
    const re2::StringPiece whole(tag.data(), tag.size());
    if (!expression.Match(whole, 0, tag.size(), re2::RE2::ANCHOR_BOTH, groups.data(), group + 1)) return {};
    const auto& found = groups.back();
    return found.data() ? std::string_view(found.data(), found.size()) : std::string_view();
  }
  re2::RE2 expression;
  int group = 0;  // of the version; 0: none
};

TagFilter::TagFilter(TagRules rules) : rules_(std::move(rules)) {
  for (const auto& glob : rules_.globs)
    check_glob(glob);
  for (const auto& glob : rules_.exclude)
    check_glob(glob);
  if (!rules_.match.empty()) pattern_ = std::make_shared<const Pattern>(rules_.match);
  if (rules_.semver) range_ = VersionRange::parse(*rules_.semver);
}

bool TagFilter::accepts(std::string_view tag) const {
  const auto fits = [&](const std::string& glob) { return fits_glob(glob, tag); };
  if (!rules_.artifacts && is_artifact_tag(tag)) return false;
  if (!rules_.globs.empty() && std::none_of(rules_.globs.begin(), rules_.globs.end(), fits)) return false;
  if (pattern_ && !pattern_->matches(tag)) return false;
  if (std::any_of(rules_.exclude.begin(), rules_.exclude.end(), fits)) return false;
  if (!range_) return true;
  const auto found = version(tag);
  return found && range_->contains(*found, rules_.pre_releases);
}

std::optional<Version> TagFilter::version(std::string_view tag) const {
  if (pattern_ && pattern_->group > 0) return Version::parse(pattern_->version(tag));
  for (const auto& glob : rules_.globs)
    if (fits_glob(glob, tag)) return Version::parse(without_fixed(glob, tag));
  return Version::parse(tag);
}

std::vector<std::string> TagFilter::select(std::vector<std::string> tags) const {
  std::erase_if(tags, [&](const std::string& tag) { return !accepts(tag); });
  return tags;
}

std::vector<std::string> TagFilter::newest_first(std::vector<std::string> tags) const {
  std::vector<std::pair<std::optional<Version>, std::string>> found;
  for (auto& tag : tags)
    if (accepts(tag)) {
      auto of_tag = version(tag);
      found.emplace_back(std::move(of_tag), std::move(tag));
    }
  std::stable_sort(found.begin(), found.end(), [](const auto& left, const auto& right) {
    if (!left.first || !right.first) return left.first.has_value() > right.first.has_value();
    if (*left.first != *right.first) return *left.first > *right.first;
    return left.second.size() != right.second.size() ? left.second.size() > right.second.size()
                                                     : left.second < right.second;
  });
  std::vector<std::string> ordered;
  ordered.reserve(found.size());
  for (auto& [version, tag] : found)
    ordered.push_back(std::move(tag));
  return ordered;
}

}  // namespace sluice::oci
