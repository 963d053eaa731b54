#include "engine/rebuilds.hpp"

#include "engine/transition.hpp"

#include <algorithm>

namespace sluice::engine {
namespace {

// The newest image that another dependent was confirmed with.
std::optional<OwedRebuild> on_built(store::Tables& tables, const config::Config& config,
                                    const oci::Reference& from) {
  const auto maker = std::ranges::find(config.dependents, from, &config::Dependent::image);
  if (maker == config.dependents.end()) return std::nullopt;
  const auto built =
      tables.rebuilds.in_state(maker->name, std::string(to_string(pipeline::RebuildState::confirmed)));
  if (built.empty() || !built.back().digest) return std::nullopt;
  const auto run = tables.runs.find(built.back().run);
  OwedRebuild owed{.promotion_run = built.back().promotion_run,
                   .pipeline = run ? run->pipeline : std::string(),
                   .trigger = {},
                   .base = from};
  owed.base.digest = built.back().digest;
  return owed;
}

// On the newest of what it is built from.
std::optional<OwedRebuild> on_present_base(store::Tables& tables, const config::Config& config,
                                           const config::Dependent& dependent) {
  std::optional<OwedRebuild> newest;
  for (const auto& from : dependent.from) {
    auto found = on_built(tables, config, from);
    if (const auto promotion =
            tables.promotions.latest(from.repository.text(), from.tag.value_or("latest"))) {
      found = OwedRebuild{
          .promotion_run = promotion->run, .pipeline = promotion->pipeline, .trigger = {}, .base = from};
      found->base.digest = promotion->digest;
    }
    if (found && (!newest || newest->promotion_run < found->promotion_run)) newest = std::move(found);
  }
  return newest;
}

}  // namespace

RunId insert_rebuild(store::Tables& tables, const config::Dependent& dependent, const OwedRebuild& owed,
                     const std::string& instance, Time at) {
  store::Run run;
  run.kind = kind_rebuild;
  run.task = dependent.name;
  run.pipeline = owed.pipeline;
  run.platform = dependent.platform.text();
  run.state = to_string(pipeline::RebuildState::planned);
  run.status = to_string(pipeline::status_of(pipeline::RebuildState::planned));
  run.trigger = owed.trigger;
  run.source = owed.base.text();
  run.parent = owed.promotion_run;
  run.created = at;
  store::Rebuild rebuild;
  rebuild.run = tables.runs.insert(run);
  rebuild.promotion_run = owed.promotion_run;
  rebuild.dependent = dependent.name;
  rebuild.image = dependent.image.text();
  rebuild.wave = owed.wave;
  rebuild.state = run.state;
  rebuild.base = owed.base.text();
  rebuild.idempotency_key = instance + "-" + rebuild.run.text();
  tables.rebuilds.insert(rebuild);
  return rebuild.run;
}

std::optional<RunId> rebuild_for_commit(store::Tables& tables, const config::Config& config,
                                        const config::Dependent& dependent, const std::string& instance,
                                        Time at) {
  // Requests to one dependent go out one after the other, so the second one has not gone out yet.
  const auto waiting =
      tables.rebuilds.in_state(dependent.name, std::string(to_string(pipeline::RebuildState::dispatching)));
  if (waiting.size() > 1) return std::nullopt;
  auto owed = on_present_base(tables, config, dependent);
  if (!owed) return std::nullopt;
  owed->trigger = to_string(pipeline::Trigger::commit);
  owed->wave = store::no_wave;
  const auto run = insert_rebuild(tables, dependent, *owed, instance, at);
  apply(tables, run, pipeline::rebuild_event::Released{}, at);
  return run;
}

}  // namespace sluice::engine
