// Which dependents a promotion owes a rebuild.

#include "dependents/graph.hpp"
#include "engine/rebuilds.hpp"
#include "engine/transition.hpp"
#include "engine/work.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace sluice::engine {
namespace {

std::vector<dependents::Node> nodes_of(const config::Config& config) {
  std::vector<dependents::Node> nodes;
  for (const auto& dependent : config.dependents)
    nodes.push_back({.name = dependent.name, .image = dependent.image, .from = dependent.from});
  return nodes;
}

// Whether the request may be with the target now.
bool is_on_its_way(store::Tables& tables, RunId rebuild) {
  const auto jobs = tables.jobs.of_run(rebuild);
  return std::ranges::any_of(jobs, [](const store::Job& job) { return job.leased_until.has_value(); });
}

// A rebuild that is owed by an older promotion, or for a commit, is not worth asking for any more when the
// target has not taken it so far: while it is away, each dependent has one request that waits for it.
std::vector<Outdone> outdone_by(store::Tables& tables, const std::string& dependent, RunId by) {
  std::vector<Outdone> found;
  for (const auto state : {pipeline::RebuildState::planned, pipeline::RebuildState::dispatching})
    for (const auto& older : tables.rebuilds.in_state(dependent, std::string(to_string(state))))
      if (older.run < by && !is_on_its_way(tables, older.run))
        found.push_back({.rebuild = older.run, .by = by});
  return found;
}

RunId owe(store::Tables& tables, const config::Dependent& dependent, const dependents::Planned& planned,
          const store::Promotion& promotion, const std::string& instance, Time at) {
  OwedRebuild owed{.promotion_run = promotion.run,
                   .pipeline = promotion.pipeline,
                   .trigger = promotion.trigger,
                   .base = planned.base,
                   .wave = planned.wave};
  // The base of a later wave is known by digest only when its own rebuild is confirmed.
  if (planned.wave == 0) owed.base.digest = promotion.digest;
  return insert_rebuild(tables, dependent, owed, instance, at);
}

void record_plan(store::Tables& tables, const config::Config& config,
                 const std::vector<dependents::Planned>& planned, const store::Promotion& promotion,
                 const std::string& instance, Time at) {
  std::vector<Outdone> outdone;
  for (const auto& each : planned) {
    const auto* dependent = config.dependent(each.name);
    if (!dependent) continue;
    const auto run = owe(tables, *dependent, each, promotion, instance, at);
    const auto older = outdone_by(tables, dependent->name, run);
    outdone.insert(outdone.end(), older.begin(), older.end());
  }
  supersede(tables, outdone, at);
  apply(tables, promotion.run, pipeline::event::Planned{static_cast<int>(planned.size())}, at);
  if (!planned.empty()) release_wave(tables, promotion.run, at);
}

}  // namespace

Task<Done> plan(Work work) {
  auto query = [id = work.run.id](store::Tables& tables) { return tables.promotions.of_run(id); };
  const auto promotion = co_await work.world.store.read(std::move(query));
  if (!promotion)
    throw Error(ErrorKind::internal, "run " + work.run.id.text() + " has no promotion to plan for");
  auto stable = oci::Reference{.repository = oci::Repository::parse(promotion->target),
                               .tag = promotion->stable_tag,
                               .digest = std::nullopt};
  const auto planned = dependents::plan(nodes_of(*work.config), stable);
  Done done;
  done.detail = planned.size() == 1 ? "1 dependent" : fmt::format("{} dependents", planned.size());
  done.record = [config = work.config, planned, promotion = *promotion,
                 instance = work.world.store.instance()](store::Tables& tables, Time at) {
    record_plan(tables, *config, planned, promotion, instance, at);
  };
  co_return done;
}

}  // namespace sluice::engine
