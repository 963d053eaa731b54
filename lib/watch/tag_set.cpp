#include "watch/tag_set.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace sluice::watch {
namespace {

// Run ids are far shorter for as long as a database lives.
constexpr const char* long_run = "zzzzzzzzzzzz";

bool can_be_promoted(const config::Pipeline& member) {
  return oci::is_valid_tag(member.stable_tag) && oci::is_valid_tag(member.unique_tag_for(long_run));
}

void leave_impossible(const config::Pipeline& set, std::vector<std::string>& tags, TagChoice& choice) {
  std::erase_if(tags, [&](const std::string& tag) {
    const auto member = set.member(tag);
    auto* const reason = !can_be_promoted(member)  ? &choice.refused
                         : !member.can_be_staged() ? &choice.unstaged
                                                   : nullptr;
    if (reason) reason->push_back(tag);
    return reason != nullptr;
  });
}

void newest_images_first(std::vector<std::string>& tags, const Created& created) {
  std::vector<std::pair<std::optional<Time>, std::string>> dated;
  dated.reserve(tags.size());
  for (auto& tag : tags) {
    const auto at = created ? created(tag) : std::nullopt;
    dated.emplace_back(at, std::move(tag));
  }
  // Nullopt is before every time, so it comes last.
  std::stable_sort(dated.begin(), dated.end(),
                   [](const auto& left, const auto& right) { return left.first > right.first; });
  for (std::size_t i = 0; i < tags.size(); ++i)
    tags[i] = std::move(dated[i].second);
}

}  // namespace

TagChoice choose(const config::Pipeline& set, std::vector<std::string> listed, const Created& created) {
  TagChoice choice;
  const auto& rules = *set.tags;
  auto tags = rules.filter.newest_first(std::move(listed));
  // A list of several pages may name a tag twice.
  std::unordered_set<std::string> seen;
  std::erase_if(tags, [&](const std::string& tag) { return !seen.insert(tag).second; });
  leave_impossible(set, tags, choice);
  if (rules.by == config::TagSet::Order::created) newest_images_first(tags, created);
  choice.matched = tags.size();
  if (rules.newest > 0 && tags.size() > rules.newest) tags.resize(rules.newest);
  if (tags.size() > rules.limit) {
    choice.excess = tags.size() - rules.limit;
    tags.resize(rules.limit);
  }
  choice.watched = std::move(tags);
  return choice;
}

TagChanges compare(const std::vector<std::string>& known, const std::vector<std::string>& chosen,
                   const std::vector<std::string>& listed) {
  const std::unordered_set<std::string_view> before(known.begin(), known.end());
  const std::unordered_set<std::string_view> after(chosen.begin(), chosen.end());
  const std::unordered_set<std::string_view> there(listed.begin(), listed.end());
  TagChanges changes;
  for (const auto& tag : chosen)
    if (!before.contains(tag)) changes.added.push_back(tag);
  for (const auto& tag : known)
    if (!after.contains(tag)) (there.contains(tag) ? changes.left : changes.withdrawn).push_back(tag);
  return changes;
}

}  // namespace sluice::watch
