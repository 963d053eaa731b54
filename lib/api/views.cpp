// Pipelines as /status and /pipelines show them: one of one tag, a set as a whole, its members.

#include "api/dto.hpp"
#include "api/input.hpp"
#include "api/resources.hpp"
#include "engine/transition.hpp"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

namespace sluice::api {
namespace {

using nlohmann::json;

std::optional<store::Run> last_pipeline_run(store::Tables& tables, const std::string& name) {
  store::RunFilter filter;
  filter.task = name;
  filter.pipeline = name;
  filter.limit = 20;  // a dependent may have the same name
  for (auto& run : tables.runs.list(filter))
    if (run.kind == engine::kind_pipeline) return std::move(run);
  return std::nullopt;
}

std::optional<engine::Held> held(store::Tables& tables, std::optional<store::Hold> hold,
                                 const std::string& name) {
  if (!hold) return std::nullopt;
  return engine::held(tables, std::move(*hold), name);
}

PipelineView view_of_one(store::Tables& tables, const config::Pipeline& pipeline) {
  PipelineView view{.pipeline = pipeline, .stable = {}, .last_run = {}, .hold = {}, .set = {}, .members = {}};
  view.stable = tables.promotions.latest(pipeline.target.text(), pipeline.stable_tag);
  view.last_run = last_pipeline_run(tables, pipeline.name);
  view.hold = held(tables, tables.holds.in_force(pipeline.name), pipeline.name);
  return view;
}

PipelineView view_of_set(store::Tables& tables, const config::Pipeline& set,
                         const std::vector<std::string>& members) {
  PipelineView view{
      .pipeline = set, .stable = {}, .last_run = {}, .hold = {}, .set = SetView(), .members = {}};
  view.hold = held(tables, tables.holds.active(set.name), set.name);
  view.set->withdrawn = tables.members.count(set.name, "withdrawn");
  for (auto& hold : tables.holds.of_members(set.name))
    view.set->holds.push_back({.hold = std::move(hold)});
  for (const auto& run : tables.runs.open_of_members(set.name))
    if (run.kind == engine::kind_pipeline) ++view.set->open_runs[run.status];
  for (const auto& key : members)
    view.members.push_back(view_of_one(tables, set.member(std::string(config::split_key(key)->tag))));
  return view;
}

json set_json(const PipelineView& view, const engine::Overview& overview, const Context& context) {
  const auto found = overview.sets.find(view.pipeline.name);
  const auto counts = found == overview.sets.end() ? engine::SetCounts() : found->second;
  const auto overlong =
      std::count_if(view.set->holds.begin(), view.set->holds.end(),
                    [now = context.clock.now()](const auto& one) { return one.is_overlong(now); });
  json value{{"members", counts.members},
             {"looked_at", counts.looked_at},
             {"failing", counts.failing},
             {"withdrawn", view.set->withdrawn},
             {"held", view.set->holds.size()},
             {"held_overlong", overlong},
             {"open_runs", view.set->open_runs},
             {"matched", nullptr},
             {"note", nullptr}};
  const auto& sets = context.engine.sets();
  if (const auto status = sets.find(view.pipeline.name); status != sets.end()) {
    value["matched"] = status->second.matched;
    if (!status->second.note.empty()) value["note"] = status->second.note;
  }
  return value;
}

json pipeline_json(const PipelineView& view, const engine::Overview& overview, const Context& context) {
  auto value = dto::pipeline(view.pipeline);
  value["stable"] = view.stable ? dto::promotion(*view.stable) : json(nullptr);
  value["last_run"] = view.last_run ? dto::run(*view.last_run) : json(nullptr);
  value["hold"] = view.hold ? dto::hold(*view.hold, context.clock.now()) : json(nullptr);
  const auto& watches = context.engine.watches();
  const auto watch = watches.find(view.pipeline.name);
  value["watch"] = watch == watches.end() ? json(nullptr) : dto::watch(watch->second);
  if (!view.set)
    value["freshness"] = dto::freshness(context.engine.freshness(), view.pipeline, context.clock.now());
  value["set"] = view.set ? set_json(view, overview, context) : json(nullptr);
  if (!view.members.empty()) value["members"] = pipelines_json(view.members, overview, context);
  return value;
}

}  // namespace

std::map<std::string, std::vector<std::string>> keys_of_members(const engine::Engine& engine,
                                                                std::size_t most) {
  std::map<std::string, std::vector<std::string>> keys;
  for (const auto& pipeline : engine.config()->pipelines) {
    if (!pipeline.is_set()) continue;
    auto& own = keys[pipeline.name];
    // The watches of a set's members lie side by side.
    const auto prefix = config::member_key(pipeline.name, "");
    const auto& watches = engine.watches();
    for (auto it = watches.lower_bound(prefix);
         it != watches.end() && it->first.starts_with(prefix) && own.size() < most; ++it)
      own.push_back(it->first);
  }
  return keys;
}

std::vector<PipelineView> view_pipelines(store::Tables& tables, const config::Config& config,
                                         const std::map<std::string, std::vector<std::string>>& members) {
  std::vector<PipelineView> views;
  views.reserve(config.pipelines.size());
  for (const auto& pipeline : config.pipelines) {
    const auto shown = members.find(pipeline.name);
    views.push_back(!pipeline.is_set()
                        ? view_of_one(tables, pipeline)
                        : view_of_set(tables, pipeline,
                                      shown == members.end() ? std::vector<std::string>() : shown->second));
  }
  return views;
}

nlohmann::json pipelines_json(const std::vector<PipelineView>& views, const engine::Overview& overview,
                              const Context& context) {
  auto list = json::array();
  for (const auto& view : views)
    list.push_back(pipeline_json(view, overview, context));
  return list;
}

}  // namespace sluice::api
