#include "oci/semver.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace sluice::oci {
namespace {

constexpr std::size_t longest = 256;
constexpr std::string_view between = " \t,";  // comparators

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_identifier(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
}

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(by);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  if (!is_digits(text)) return std::nullopt;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  // Room for the next version, which ends ranges.
  if (result.ec != std::errc() || value == UINT64_MAX) return std::nullopt;
  return value;
}

std::strong_ordering compare(const std::string& left, const std::string& right) {
  const bool numbers = is_digits(left) && is_digits(right);
  if (numbers && left.size() != right.size()) return left.size() <=> right.size();
  if (is_digits(left) != is_digits(right))
    return is_digits(left) ? std::strong_ordering::less : std::strong_ordering::greater;
  return left <=> right;
}

/// A version of a range: numbers may be missing or 'x'.
struct Partial {
  Version version;
  int parts = 0;  // numbers that are there; 0 is "*"
};

std::optional<Partial> parse_partial(std::string_view text) {
  if (text.starts_with('v') || text.starts_with('V')) text.remove_prefix(1);
  Partial partial;
  const auto dash = text.find('-');
  const auto numbers = split(text.substr(0, dash), '.');
  if (numbers.size() > 3) return std::nullopt;
  std::uint64_t* const places[] = {&partial.version.major, &partial.version.minor, &partial.version.patch};
  bool open = false;
  for (std::size_t at = 0; at < numbers.size(); ++at) {
    const bool any = numbers[at] == "x" || numbers[at] == "X" || numbers[at] == "*";
    const auto value = number(numbers[at]);
    if (!any && (!value || open)) return std::nullopt;
    open = open || any;
    if (!open) {
      *places[at] = *value;
      ++partial.parts;
    }
  }
  if (dash == std::string_view::npos) return partial;
  if (open) return std::nullopt;
  for (const auto identifier : split(text.substr(dash + 1), '.')) {
    if (!is_identifier(identifier)) return std::nullopt;
    partial.version.pre_release.emplace_back(identifier);
  }
  return partial;
}

/// The first version that is no longer matched by so many numbers: 1.2 -> 1.3.0, 1 -> 2.0.0.
Version next(const Version& version, int parts) {
  Version after;
  after.major = version.major + (parts == 1 ? 1 : 0);
  if (parts >= 2) after.minor = version.minor + (parts == 2 ? 1 : 0);
  if (parts == 3) after.patch = version.patch + 1;
  return after;
}

/// Where ranges end that exclude a version together with its pre-releases: "<21.0.0-0", as node-semver has
/// it.
Version first_pre_release(Version version) {
  version.pre_release = {"0"};
  return version;
}

[[noreturn]] void refuse_range(std::string_view text) {
  throw Error(ErrorKind::invalid,
              "'" + printable(text, 100) +
                  "' is no version range; write for example \"^20\", \">=18 <23\" or \"1.x\"");
}

}  // namespace

std::optional<Version> Version::parse(std::string_view tag) {
  if (tag.size() > longest) return std::nullopt;
  const auto partial = parse_partial(tag);
  if (!partial || partial->parts == 0 || tag.find_first_of("xX*") < tag.find('-')) return std::nullopt;
  Version version = partial->version;
  version.parts = partial->parts;
  return version;
}

std::strong_ordering Version::operator<=>(const Version& other) const {
  const auto numbers = std::tie(major, minor, patch) <=> std::tie(other.major, other.minor, other.patch);
  if (numbers != 0) return numbers;
  // A version comes after its pre-releases.
  if (pre_release.empty() != other.pre_release.empty())
    return pre_release.empty() ? std::strong_ordering::greater : std::strong_ordering::less;
  for (std::size_t at = 0; at < std::min(pre_release.size(), other.pre_release.size()); ++at)
    if (const auto order = compare(pre_release[at], other.pre_release[at]); order != 0) return order;
  return pre_release.size() <=> other.pre_release.size();
}

VersionRange::Interval VersionRange::parse_comparator(std::string_view text) {
  const auto digits = std::min(text.find_first_not_of("<>=^~"), text.size());
  const auto sign = text.substr(0, digits);
  const auto partial = parse_partial(text.substr(digits));
  if (!partial) refuse_range(text);
  const Version& version = partial->version;
  const int parts = partial->parts;
  const bool whole = parts == 3;
  if (parts == 0) return {};
  const auto up_to = [&version](int fixed) { return first_pre_release(next(version, fixed)); };
  if (sign.empty() || sign == "=")
    return whole ? Interval{version, version, false, true} : Interval{version, up_to(parts), false, false};
  if (sign == ">")
    return whole ? Interval{version, {}, true, false} : Interval{next(version, parts), {}, false, false};
  if (sign == ">=") return {version, {}, false, false};
  if (sign == "<") {
    const bool exact = whole || !version.pre_release.empty();
    return {{}, exact ? version : first_pre_release(version), false, false};
  }
  if (sign == "<=")
    return whole ? Interval{{}, version, false, true} : Interval{{}, up_to(parts), false, false};
  if (sign == "~" || sign == "~>") return {version, up_to(std::min(parts, 2)), false, false};
  if (sign != "^") refuse_range(text);
  // Nothing left of the first number that is not 0 may change.
  const int fixed = version.major > 0 || parts == 1 ? 1 : version.minor > 0 || parts == 2 ? 2 : 3;
  return {version, up_to(fixed), false, false};
}

VersionRange::Interval VersionRange::meet(const Interval& left, const Interval& right) {
  Interval both = left;
  if (right.lower &&
      (!both.lower || *right.lower > *both.lower || (*right.lower == *both.lower && right.lower_open))) {
    both.lower = right.lower;
    both.lower_open = right.lower_open;
  }
  if (right.upper &&
      (!both.upper || *right.upper < *both.upper || (*right.upper == *both.upper && !right.upper_closed))) {
    both.upper = right.upper;
    both.upper_closed = right.upper_closed;
  }
  return both;
}

/// Comparators that all must hold; "1.2 - 2.3" is from the one to the other.
VersionRange::Interval VersionRange::parse_set(std::string_view text) {
  if (const auto dash = text.find(" - "); dash != std::string_view::npos)
    return meet(parse_comparator(">=" + std::string(trimmed(text.substr(0, dash), between))),
                parse_comparator("<=" + std::string(trimmed(text.substr(dash + 3), between))));
  Interval all;
  for (text = trimmed(text, between); !text.empty(); text = trimmed(text, between)) {
    // ">= 18": the sign may stand apart.
    const auto digits = text.find_first_not_of("<>=^~");
    if (digits == std::string_view::npos) refuse_range(text);
    const auto begin = text.find_first_not_of(' ', digits);
    const auto end = std::min(text.find_first_of(" \t,", begin), text.size());
    all = meet(all, parse_comparator(std::string(text.substr(0, digits)) +
                                     std::string(text.substr(begin, end - begin))));
    text.remove_prefix(end);
  }
  return all;
}

VersionRange VersionRange::parse(std::string_view text) {
  if (text.size() > longest) refuse_range(text);
  VersionRange range;
  for (;;) {
    const auto bar = text.find("||");
    range.intervals_.push_back(parse_set(text.substr(0, bar)));
    if (bar == std::string_view::npos) return range;
    text.remove_prefix(bar + 2);
  }
}

bool VersionRange::contains(const Version& version, bool pre_releases) const {
  if (!version.pre_release.empty() && !pre_releases) return false;
  return std::any_of(intervals_.begin(), intervals_.end(), [&](const Interval& interval) {
    const auto& [lower, upper, lower_open, upper_closed] = interval;
    if (lower && (version < *lower || (lower_open && version == *lower))) return false;
    return !upper || version < *upper || (upper_closed && version == *upper);
  });
}

}  // namespace sluice::oci
