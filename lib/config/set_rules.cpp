#include "config/set_rules.hpp"

#include "config/placeholders.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sluice::config {
namespace {

// Whether two sets are bound to promote to one tag. Two patterns may or may not have a tag in common; what is
// certain is told here, the rest when the tags are known (engine/tag_sets.hpp).
bool surely_meet(const Pipeline& left, const Pipeline& right) {
  if (left.stable_tag.empty() || right.stable_tag.empty()) return false;
  if (left.stable_tag == right.stable_tag && left.tags->filter.rules() == right.tags->filter.rules())
    return true;
  const auto stands_for_itself = [](const std::string& glob) {
    return glob.find_first_of("*?") == std::string::npos;
  };
  const auto meets = [&](const Pipeline& one, const Pipeline& other) {
    for (const auto& glob : one.tags->filter.rules().globs)
      if (stands_for_itself(glob) && one.tags->filter.accepts(glob) &&
          other.tag_behind(one.member(glob).stable_tag))
        return true;
    return false;
  };
  return meets(left, right) || meets(right, left);
}

}  // namespace

std::string tag_name(const oci::Repository& repository, const std::string& tag) {
  return repository.path.empty() || tag.empty() ? std::string() : repository.text() + ":" + tag;
}
std::string tag_name(const oci::Reference& reference) {
  return tag_name(reference.repository, reference.tag.value_or("latest"));
}
std::string target_of(const Pipeline& pipeline) {
  return tag_name(pipeline.target, pipeline.stable_tag);
}
std::string upstream_of(const Pipeline& pipeline) {
  return pipeline.is_set() ? tag_name(pipeline.upstream.repository, std::string(tag_placeholder))
                           : tag_name(pipeline.upstream);
}

std::string in_line(Position at) {
  return fmt::format("line {}", at.line);
}

Sets::Sets(const Draft& draft) : draft_(draft) {
  const auto& pipelines = draft.config.pipelines;
  for (std::size_t i = 0; i < pipelines.size(); ++i) {
    if (!pipelines[i].is_set()) continue;
    if (!pipelines[i].target.path.empty()) writers_[pipelines[i].target].push_back(i);
    if (!pipelines[i].upstream.repository.path.empty())
      readers_[pipelines[i].upstream.repository].push_back(i);
  }
}

std::optional<Position> Sets::promote(const oci::Reference& tag) const {
  for (const auto i : of(writers_, tag.repository))
    if (one(i).tag_behind(tag.tag.value_or("latest"))) return draft_.pipelines_at[i].stable_tag;
  return std::nullopt;
}

std::vector<std::string> Sets::made(const oci::Reference& tag) const {
  std::vector<std::string> makers;
  for (const auto i : of(writers_, tag.repository))
    if (one(i).tag_behind(tag.tag.value_or("latest"))) makers.push_back(target_of(one(i)));
  return makers;
}

std::vector<std::string> Sets::made(const Pipeline& pipeline) const {
  if (!pipeline.is_set()) return made(pipeline.upstream);
  std::vector<std::string> makers;
  for (const auto i : of(writers_, pipeline.upstream.repository))
    makers.push_back(target_of(one(i)));
  return makers;
}

std::vector<std::string> Sets::taken(const oci::Repository& repository, const std::string& tag,
                                     bool any) const {
  std::vector<std::string> takers;
  for (const auto i : of(readers_, repository))
    if (any || one(i).tags->filter.accepts(tag)) takers.push_back(upstream_of(one(i)));
  return takers;
}

std::vector<std::pair<std::size_t, std::size_t>> Sets::neighbours() const {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  const auto& pipelines = draft_.config.pipelines;
  if (writers_.empty()) return pairs;
  for (std::size_t i = 0; i < pipelines.size(); ++i)
    for (const auto set : of(writers_, pipelines[i].target))
      if (set != i && (!pipelines[i].is_set() || set < i)) pairs.emplace_back(set, i);
  return pairs;
}

const std::vector<std::size_t>& Sets::of(const Places& places, const oci::Repository& repository) {
  static const std::vector<std::size_t> none;
  const auto found = places.find(repository);
  return found == places.end() ? none : found->second;
}

void check_sets(Section& root, const Draft& draft) {
  const auto& pipelines = draft.config.pipelines;
  for (std::size_t i = 0; i < pipelines.size(); ++i)
    if (pipelines[i].is_set() && !pipelines[i].target.path.empty() &&
        pipelines[i].target == pipelines[i].upstream.repository)
      root.error(draft.pipelines_at[i].to, "the set promotes to the repository that it watches",
                 "what it promotes would be among what it watches; promote to a repository of your own");
  for (const auto& [set, other] : Sets(draft).neighbours()) {
    const auto& one = pipelines[other];
    const bool meet = one.is_set() ? surely_meet(pipelines[set], one)
                                   : !one.stable_tag.empty() && pipelines[set].tag_behind(one.stable_tag);
    if (!meet) continue;
    const auto later = std::max(set, other);
    const auto first = std::min(set, other);
    root.error(draft.pipelines_at[later].stable_tag,
               fmt::format("two pipelines promote to {}: see {}", target_of(one),
                           in_line(draft.pipelines_at[first].stable_tag)),
               "exclude the tag from the set, or give one of them another repository or another stable tag");
  }
}

}  // namespace sluice::config
