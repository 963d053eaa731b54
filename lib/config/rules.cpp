// What must hold between the parts of a file: names, targets, bases and loops.

#include "config/placeholders.hpp"
#include "config/read.hpp"
#include "config/set_rules.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sluice::config {
namespace {

// Things by name; tells where a name was used first when it comes again.
class FirstUse {
 public:
  std::optional<Position> before(const std::string& name, Position at) {
    const auto [first, added] = first_.emplace(name, at);
    return added || name.empty() ? std::nullopt : std::optional(first->second);
  }

 private:
  std::map<std::string, Position> first_;
};

void check_names(Section& root, const Draft& draft) {
  FirstUse names;
  const auto check = [&](const std::string& name, Position at, const char* advice) {
    if (const auto first = names.before(name, at))
      root.error(at, fmt::format("the name '{}' is taken: see {}", printable(name, 80), in_line(*first)),
                 advice);
  };
  for (std::size_t i = 0; i < draft.config.pipelines.size(); ++i)
    check(draft.config.pipelines[i].name, draft.pipelines_at[i].name,
          "each pipeline needs a name of its own");
  for (std::size_t i = 0; i < draft.config.dependents.size(); ++i)
    check(draft.config.dependents[i].name, draft.dependents_at[i].name, "give the dependent another 'name'");
}

// Whether something is staged in this repository.
bool stages_in(const Pipeline& pipeline, const oci::Repository& repository) {
  return !pipeline.staging.path.empty() &&
         (pipeline.staging == repository || pipeline.tag_staged_in(repository));
}

void check_pipeline(Section& root, const Pipeline& pipeline, const Draft::PipelineAt& at) {
  const auto& upstream = pipeline.upstream.repository;
  if (stages_in(pipeline, pipeline.target))
    root.error(at.staging,
               "staging and promotion are the same repository: what was not checked would be among what was",
               "use a repository of its own for 'staging'");
  if (stages_in(pipeline, upstream))
    root.error(at.staging, "staging is the upstream repository itself",
               "use a repository of your own for 'staging'");
  const auto target = target_of(pipeline);
  if (!pipeline.is_set() && !target.empty() && target == upstream_of(pipeline))
    root.error(at.to, "the pipeline promotes to its own upstream, " + target,
               "promote to a repository of your own");
}

using Promoted = std::map<oci::Repository, Position>;

// Where a repository is promoted to in which this pipeline stages.
std::optional<Position> promoted_by_another(const Pipeline& pipeline, const Promoted& promoted) {
  const auto& staging = pipeline.staging;
  auto least = staging;
  least.path = staging.path.substr(0, staging.path.find(tag_placeholder));
  for (auto found = promoted.lower_bound(least); found != promoted.end(); ++found) {
    const auto& repository = found->first;
    if (repository.registry != staging.registry || !repository.path.starts_with(least.path)) break;
    if (stages_in(pipeline, repository) && repository != pipeline.target) return found->second;
    if (least == staging) break;
  }
  return std::nullopt;
}

void check_targets(Section& root, const Draft& draft) {
  FirstUse targets;
  Promoted promoted;
  const auto& pipelines = draft.config.pipelines;
  for (std::size_t i = 0; i < pipelines.size(); ++i) {
    const auto& at = draft.pipelines_at[i];
    check_pipeline(root, pipelines[i], at);
    if (!pipelines[i].target.path.empty()) promoted.emplace(pipelines[i].target, at.to);
    if (pipelines[i].is_set()) continue;
    if (const auto first = targets.before(target_of(pipelines[i]), at.stable_tag))
      root.error(at.stable_tag,
                 fmt::format("two pipelines promote to {}: see {}", target_of(pipelines[i]), in_line(*first)),
                 "give one of them another repository or another stable tag");
  }
  for (std::size_t i = 0; i < pipelines.size(); ++i) {
    const auto other = promoted_by_another(pipelines[i], promoted);
    if (!other) continue;
    root.error(draft.pipelines_at[i].staging,
               "another pipeline promotes to this repository: see " + in_line(*other),
               "use a repository of its own for 'staging'");
  }
}

// What a dependent may be built from: stable tags and images of other dependents.
std::vector<std::string> named_bases(const Config& config) {
  std::vector<std::string> bases;
  for (const auto& pipeline : config.pipelines)
    bases.push_back(target_of(pipeline));
  for (const auto& dependent : config.dependents)
    bases.push_back(tag_name(dependent.image));
  std::erase(bases, std::string());
  return bases;
}

std::string suggest_base(const std::string& base, const std::vector<std::string>& known, bool any_pipeline) {
  if (!any_pipeline) return "there is no pipeline";
  auto meant = nearest(base, known);
  const auto same_repository = base.substr(0, base.rfind(':') + 1);
  for (const auto& candidate : known)
    if (meant.empty() && candidate.starts_with(same_repository)) meant = candidate;
  if (!meant.empty()) return "did you mean '" + meant + "'?";
  return "name the stable tag of a pipeline, or the image of another dependent";
}

void check_bases(Section& root, const Draft& draft) {
  if (!draft.all_targets_known) return;
  const auto known = named_bases(draft.config);
  const std::set<std::string> names(known.begin(), known.end());
  const Sets sets(draft);
  for (std::size_t i = 0; i < draft.config.dependents.size(); ++i) {
    const auto& from = draft.config.dependents[i].from;
    for (std::size_t j = 0; j < from.size(); ++j) {
      const auto base = tag_name(from[j]);
      if (names.contains(base) || sets.promote(from[j])) continue;
      root.error(draft.dependents_at[i].from[j], "nothing promotes '" + base + "'",
                 suggest_base(base, known, !draft.config.pipelines.empty()));
    }
  }
}

void check_images(Section& root, const Draft& draft) {
  FirstUse images;
  std::map<std::string, Position> targets;
  const Sets sets(draft);
  for (std::size_t i = 0; i < draft.config.pipelines.size(); ++i)
    targets.emplace(target_of(draft.config.pipelines[i]), draft.pipelines_at[i].stable_tag);
  for (std::size_t i = 0; i < draft.config.dependents.size(); ++i) {
    const auto image = tag_name(draft.config.dependents[i].image);
    const auto at = draft.dependents_at[i].image;
    if (image.empty()) continue;
    if (const auto first = images.before(image, at))
      root.error(at, fmt::format("{} is a dependent already: see {}", image, in_line(*first)),
                 "put all its bases into one 'from'");
    auto writer = sets.promote(draft.config.dependents[i].image);
    if (const auto target = targets.find(image); target != targets.end()) writer = target->second;
    if (writer)
      root.error(at, fmt::format("a pipeline promotes to {}: see {}", image, in_line(*writer)),
                 "a dependent and a promotion cannot write the same tag");
  }
}

// Which tag is made from which: upstream to stable tag, base to dependent.
class Loops {
 public:
  Loops(Section& root, const Draft& draft) : root_(root) {
    const auto& config = draft.config;
    const Sets sets(draft);
    for (std::size_t i = 0; i < config.pipelines.size(); ++i) {
      const auto& pipeline = config.pipelines[i];
      const auto at = draft.pipelines_at[i].upstream;
      // One that promotes to its own upstream was told already.
      if (pipeline.is_set() ? pipeline.target == pipeline.upstream.repository
                            : upstream_of(pipeline) == target_of(pipeline))
        continue;
      for (const auto& makers : sets.made(pipeline))
        join(makers, upstream_of(pipeline), at);
      add(upstream_of(pipeline), target_of(pipeline), at);
      for (const auto& takers : sets.taken(pipeline.target, pipeline.stable_tag, pipeline.is_set()))
        join(target_of(pipeline), takers, at);
    }
    for (std::size_t i = 0; i < config.dependents.size(); ++i) {
      const auto& image = config.dependents[i].image;
      for (const auto& takers : sets.taken(image.repository, image.tag.value_or("latest"), false))
        join(tag_name(image), takers, draft.dependents_at[i].image);
      for (std::size_t j = 0; j < config.dependents[i].from.size(); ++j)
        for (const auto& maker : sets.made(config.dependents[i].from[j]))
          join(maker, tag_name(config.dependents[i].from[j]), draft.dependents_at[i].from[j]);
    }
    for (std::size_t i = 0; i < config.dependents.size(); ++i)
      for (std::size_t j = 0; j < config.dependents[i].from.size(); ++j)
        add(tag_name(config.dependents[i].from[j]), tag_name(config.dependents[i].image),
            draft.dependents_at[i].from[j]);
  }

  void report() {
    for (const auto& name : order_)
      visit(name);
  }

 private:
  struct Edge {
    std::string to;
    Position at;
  };
  struct Tag {
    std::vector<Edge> makes;
    enum { unseen, in_hand, done } state = unseen;
  };

  void add(const std::string& from, const std::string& to, Position at) {
    if (from.empty() || to.empty()) return;
    if (!tags_.contains(from)) order_.push_back(from);
    tags_[from].makes.push_back({to, at});
    tags_.try_emplace(to);
  }

  // What a set writes may have the name of what another one reads.
  void join(const std::string& from, const std::string& to, Position at) {
    if (from != to) add(from, to, at);
  }

  void visit(const std::string& name) {
    auto& tag = tags_.at(name);
    if (tag.state != Tag::unseen) return;
    tag.state = Tag::in_hand;
    way_.push_back(name);
    for (const auto& edge : tag.makes) {
      if (tags_.at(edge.to).state == Tag::in_hand)
        tell(edge);
      else
        visit(edge.to);
    }
    way_.pop_back();
    tag.state = Tag::done;
  }

  void tell(const Edge& closing) {
    std::vector<std::string> loop(std::find(way_.begin(), way_.end(), closing.to), way_.end());
    loop.push_back(closing.to);
    root_.error(closing.at,
                "this closes a loop: " + printable(fmt::format("{}", fmt::join(loop, " -> ")), 600),
                "an image cannot be made from itself; remove one of these steps");
  }

  Section& root_;
  std::unordered_map<std::string, Tag> tags_;
  std::vector<std::string> order_;
  std::vector<std::string> way_;
};

}  // namespace

void check_rules(Section& root, const Draft& draft) {
  check_names(root, draft);
  check_targets(root, draft);
  check_sets(root, draft);
  check_bases(root, draft);
  check_images(root, draft);
  Loops(root, draft).report();
}

}  // namespace sluice::config
