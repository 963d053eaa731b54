// How images are pulled from a registry: how many requests it gets, and which mirrors stand in for it.

#include "config/read.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::config {
namespace {

constexpr std::int64_t most_requests = 1'000'000;
constexpr Milliseconds longest_period = std::chrono::days(31);

// "100/6h", "100 pulls/6h", "50 requests/1s".
std::optional<Budget> parse_budget(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  Budget budget;
  const auto amount = trimmed(text.substr(0, slash));
  const auto result = std::from_chars(amount.data(), amount.data() + amount.size(), budget.count);
  if (result.ec != std::errc() || budget.count < 1 || budget.count > most_requests) return std::nullopt;
  const auto word = trimmed(amount.substr(static_cast<std::size_t>(result.ptr - amount.data())));
  if (!word.empty() && word != "pulls" && word != "requests") return std::nullopt;
  budget.counts_all = word == "requests";
  const auto period = parse_duration(trimmed(text.substr(slash + 1)));
  if (!period || period->count() < 1 || *period > longest_period) return std::nullopt;
  budget.period = *period;
  return budget;
}

std::optional<Budget> read_budget(Section& section) {
  if (!section.has("budget")) return std::nullopt;
  const auto text = section.required_text("budget");
  if (text == "none" || text.empty()) return std::nullopt;
  const auto budget = parse_budget(text);
  if (!budget)
    section.error(
        section.position("budget"),
        "'" + printable(text, 80) + "' is not a number of pulls or requests in a time of up to 31 days",
        "for instance 100/6h, 100 pulls/6h or 50 requests/1s; or none");
  return budget;
}

// Names of Docker Hub lead to one registry.
std::string same_name(const std::string& host) {
  return host == "index.docker.io" || host == "registry-1.docker.io" ? "docker.io" : host;
}

std::optional<Mirror> read_mirror(Section& item) {
  Mirror mirror;
  const auto text =
      item.required_text("registry", "for instance mirror.example.com or registry.example.com/hub");
  const auto slash = text.find('/');
  mirror.host = same_name(text.substr(0, slash));
  if (slash != std::string::npos) mirror.path = text.substr(slash + 1);
  mirror.tags = item.flag("tags", false);
  mirror.at = item.has("registry") ? item.position("registry") : item.position();
  item.done();
  if (text.empty()) return std::nullopt;
  const bool has_path = slash != std::string::npos;
  if (is_host(mirror.host) && (!has_path || oci::is_valid_path(mirror.path))) return mirror;
  item.error(mirror.at, "'" + printable(text, 200) + "' is not a registry with or without a path",
             "for instance mirror.example.com, or registry.example.com:5000/hub; without https://");
  return std::nullopt;
}

void check_own_mirrors(Section& section, const Registry& registry) {
  std::set<std::string> seen;
  for (const auto& mirror : registry.mirrors) {
    if (mirror.host == same_name(registry.host))
      section.error(mirror.at, "'" + printable(registry.host, 80) + "' is a mirror of itself",
                    "it is asked anyway when no mirror has what is wanted");
    else if (!seen.insert(mirror.host + "/" + mirror.path).second)
      section.error(mirror.at, "this mirror stands here twice", "remove one of them");
  }
}

// Who stands in for whom, and back to where it began.
class MirrorLoops {
 public:
  MirrorLoops(Section& root, const Config& config) : root_(root) {
    for (const auto& [host, registry] : config.registries) {
      auto& mirrors = mirrors_[same_name(host)];
      mirrors.insert(mirrors.end(), registry.mirrors.begin(), registry.mirrors.end());
    }
  }

  void report() {
    for (const auto& [host, mirrors] : mirrors_)
      visit(host);
  }

 private:
  void visit(const std::string& host) {
    const auto found = mirrors_.find(host);
    if (found == mirrors_.end() || done_.contains(host)) return;
    way_.push_back(host);
    for (const auto& mirror : found->second) {
      if (mirror.host == host) continue;  // told already
      const auto before = std::find(way_.begin(), way_.end(), mirror.host);
      if (before == way_.end())
        visit(mirror.host);
      else
        tell(mirror, {before, way_.end()});
    }
    way_.pop_back();
    done_.insert(host);
  }

  void tell(const Mirror& closing, std::vector<std::string> loop) {
    loop.push_back(loop.front());
    root_.error(closing.at,
                "these registries are mirrors of each other: " +
                    printable(fmt::format("{}", fmt::join(loop, " -> ")), 600),
                "a mirror stands in for its upstream, not the other way round; remove one of these steps");
  }

  Section& root_;
  std::map<std::string, std::vector<Mirror>> mirrors_;
  std::vector<std::string> way_;
  std::set<std::string> done_;
};

}  // namespace

void read_pulls(Section& section, Registry& registry) {
  registry.budget = read_budget(section);
  for (auto& item : section.sections("mirrors", "registry"))
    if (auto mirror = read_mirror(item)) registry.mirrors.push_back(std::move(*mirror));
  check_own_mirrors(section, registry);
}

void check_mirrors(Section& root, const Config& config) {
  MirrorLoops(root, config).report();
}

}  // namespace sluice::config
