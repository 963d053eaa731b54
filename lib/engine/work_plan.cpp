// Which dependents a promotion owes a rebuild.

#include "dependents/graph.hpp"
#include "engine/transition.hpp"
#include "engine/work.hpp"

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

store::Run run_of(const config::Dependent& dependent, const store::Promotion& promotion,
                  const std::string& base, Time at) {
  store::Run run;
  run.kind = kind_rebuild;
  run.task = dependent.name;
  run.pipeline = promotion.pipeline;
  run.platform = dependent.platform.text();
  run.state = to_string(pipeline::RebuildState::planned);
  run.status = to_string(pipeline::status_of(pipeline::RebuildState::planned));
  run.trigger = promotion.trigger;
  run.source = base;
  run.parent = promotion.run;
  run.created = at;
  return run;
}

// A rebuild that an older promotion owes and that was not asked for yet is not worth asking for any more.
void supersede_planned(store::Tables& tables, const std::string& dependent, RunId by, Time at) {
  for (const auto& older :
       tables.rebuilds.in_state(dependent, std::string(to_string(pipeline::RebuildState::planned))))
    if (older.run < by) apply(tables, older.run, pipeline::rebuild_event::Superseded{by}, at);
}

void insert_rebuild(store::Tables& tables, const config::Config& config, const dependents::Planned& planned,
                    const store::Promotion& promotion, const std::string& instance, Time at) {
  const auto* dependent = config.dependent(planned.name);
  if (!dependent) return;
  auto base = planned.base;
  // The base of a later wave is known by digest only when its own rebuild is confirmed.
  if (planned.wave == 0) base.digest = promotion.digest;
  const auto run = tables.runs.insert(run_of(*dependent, promotion, base.text(), at));
  store::Rebuild rebuild;
  rebuild.run = run;
  rebuild.promotion_run = promotion.run;
  rebuild.dependent = dependent->name;
  rebuild.image = dependent->image.text();
  rebuild.wave = planned.wave;
  rebuild.state = to_string(pipeline::RebuildState::planned);
  rebuild.base = base.text();
  rebuild.idempotency_key = instance + "-" + run.text();
  tables.rebuilds.insert(rebuild);
  supersede_planned(tables, dependent->name, run, at);
}

void record_plan(store::Tables& tables, const config::Config& config,
                 const std::vector<dependents::Planned>& planned, const store::Promotion& promotion,
                 const std::string& instance, Time at) {
  for (const auto& each : planned)
    insert_rebuild(tables, config, each, promotion, instance, at);
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
