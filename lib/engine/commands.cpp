// What people ask of the engine. Each command is one transaction, safe to repeat, and leaves a line in the
// audit.

#include "core/text.hpp"
#include "engine/engine.hpp"
#include "engine/recorder.hpp"
#include "engine/state.hpp"
#include "engine/transition.hpp"

#include <algorithm>
#include <utility>

namespace sluice::engine {
namespace {

constexpr int promotions_searched = 1000;

void audit(store::Tables& tables, Time at, const std::string& who, const std::string& action,
           const std::string& pipeline, const std::string& detail) {
  tables.audit.append(
      {.id = 0, .at = at, .who = who, .action = action, .pipeline = pipeline, .detail = detail});
}

bool set_hold(store::Tables& tables, const std::string& pipeline, const std::string& reason,
              const std::string& who, Time at) {
  if (!tables.holds.set({.pipeline = pipeline, .reason = reason, .by = who, .since = at})) return false;
  audit(tables, at, who, "hold", pipeline, reason);
  gate_changed(tables, pipeline, at);
  return true;
}

Error never_promoted(const config::Pipeline& pipeline, const std::string& to) {
  return {ErrorKind::not_found, "'" + printable(to, 100) + "' was never promoted by " + pipeline.name +
                                    "; `sluice history " + pipeline.name + "` shows what was"};
}

// The promotion that `to` (a run id or a digest) names.
store::Promotion named_promotion(const store::Tables& tables, const config::Pipeline& pipeline,
                                 const std::string& to) {
  std::optional<store::Promotion> found;
  if (const auto digest = oci::Digest::parse(to))
    found = tables.promotions.of_digest(pipeline.name, *digest);
  else if (const auto run = RunId::parse(to))
    found = tables.promotions.of_run(*run);
  if (!found || found->pipeline != pipeline.name) throw never_promoted(pipeline, to);
  return *found;
}

// The newest promotion of another digest than the present one.
store::Promotion earlier_promotion(const store::Tables& tables, const config::Pipeline& pipeline,
                                   const oci::Digest& present) {
  for (const auto& promotion : tables.promotions.history(pipeline.name, promotions_searched))
    if (promotion.digest != present && promotion.target == pipeline.target.text()) return promotion;
  throw Error(ErrorKind::not_found, pipeline.name + ": there is no earlier promotion to go back to");
}

bool is_rolled_back(const store::Tables& tables, const std::string& pipeline,
                    const store::Promotion& present) {
  return present.trigger == to_string(pipeline::Trigger::rollback) &&
         tables.holds.active(pipeline).has_value();
}

// Whether somebody is known to have moved the stable tag since, to what is not promoted so far.
bool is_moved_since(const store::Tables& tables, const config::Pipeline& pipeline,
                    const store::Promotion& present) {
  const auto hold = tables.holds.active(pipeline.name);
  const auto drift = drift_of(pipeline.target.text() + ":" + pipeline.stable_tag);
  return hold && hold->since > present.at && hold->reason.starts_with(drift);
}

// Without a goal, "the one before" would swing back and forth; a rollback in force is its own answer. Before
// what somebody else put there comes what was promoted last.
store::Promotion goal_of(const store::Tables& tables, const config::Pipeline& pipeline, const std::string& to,
                         const store::Promotion& present) {
  if (!to.empty()) return named_promotion(tables, pipeline, to);
  if (is_rolled_back(tables, pipeline.name, present) || is_moved_since(tables, pipeline, present))
    return present;
  return earlier_promotion(tables, pipeline, present.digest);
}

// The latest word counts. One that is promoting finds out itself.
void cancel_waiting_rollbacks(store::Tables& tables, const std::string& pipeline, Time at) {
  for (const auto& run : tables.runs.open(pipeline))
    if (run.trigger == to_string(pipeline::Trigger::rollback) &&
        run.state == to_string(pipeline::State::waiting))
      apply(tables, run.id, pipeline::event::Cancelled{"another rollback was asked for"}, at);
}

// Whether the goal is what was promoted last: then the tag itself tells whether there is anything to do.
bool is_promoted_last(const store::Tables& tables, const config::Pipeline& pipeline, const std::string& to) {
  const auto present = tables.promotions.latest(pipeline.target.text(), pipeline.stable_tag);
  if (!present || (to.empty() && open_rollback(tables, pipeline.name))) return false;
  return goal_of(tables, pipeline, to, *present).digest == present->digest;
}

// What the stable tag names; nullopt also when its registry does not tell now.
Task<std::optional<oci::Digest>> look_at_stable_tag(registry::Client& registry, config::Pipeline pipeline) {
  try {
    const auto found = co_await registry.find_at_target(pipeline.target, pipeline.stable_tag);
    if (found) co_return found->digest;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
  }
  co_return std::nullopt;
}

// `on_tag`: what the stable tag is seen to name, when that was looked at.
Engine::Rollback roll_back(store::Tables& tables, const config::Pipeline& pipeline, const std::string& to,
                           const std::optional<oci::Digest>& on_tag, const std::string& who, Time at) {
  const auto present = tables.promotions.latest(pipeline.target.text(), pipeline.stable_tag);
  if (!present) throw Error(ErrorKind::not_found, pipeline.name + ": nothing was promoted so far");
  const auto open = open_rollback(tables, pipeline.name);
  if (open && to.empty()) return {.run = open->id, .changed = false, .digest = open->digest.value()};
  const auto goal = goal_of(tables, pipeline, to, *present);
  if (open && open->digest == goal.digest) return {.run = open->id, .changed = false, .digest = goal.digest};
  const auto reason = "rollback to " + goal.digest.text() + " (" + goal.unique_tag + ")";
  const bool newly_held = set_hold(tables, pipeline.name, reason, who, at);
  cancel_waiting_rollbacks(tables, pipeline.name, at);
  // What is being promoted may write the tag yet, and somebody may have moved it; then the goal is promoted
  // again, after that.
  const bool is_there = present->digest == goal.digest && on_tag == goal.digest;
  if (is_there && !promoting_run(tables, pipeline.name))
    return {.run = present->run, .changed = newly_held, .digest = goal.digest};
  audit(tables, at, who, "rollback", pipeline.name, reason);
  const auto run = start_promotion(tables, pipeline, goal.digest, pipeline::Trigger::rollback, at);
  return {.run = run, .changed = true, .digest = goal.digest};
}

}  // namespace

Task<RunId> Engine::start_run(std::string name, std::string who) {
  auto pipeline = co_await state_->pipeline(name);
  const auto seen = co_await state_->poller.look_now(name);
  // The look may have taken long enough for a reload.
  if (auto now = state_->config->watched(name)) pipeline = std::move(*now);
  const auto at = state_->world.clock.now();
  auto change = [pipeline, seen, who, at](store::Tables& tables) {
    const auto observation = observe(tables, pipeline, seen, "manual", std::nullopt, at);
    const auto id = engine::start_run(tables, pipeline, seen.digest, pipeline::Trigger::manual, at);
    tables.observations.set_run(observation, id);
    audit(tables, at, who, "run", pipeline.name, id.text());
    return id;
  };
  const auto run = co_await state_->world.store.write(std::move(change));
  state_->poller.unsettle(name);
  state_->wake();
  co_return run;
}

Task<bool> Engine::hold(std::string name, std::string reason, std::string who) {
  const auto pipeline = co_await state_->pipeline_or_set(name);
  const auto at = state_->world.clock.now();
  auto change = [pipeline, reason, who, at](store::Tables& tables) {
    return set_hold(tables, pipeline, reason, who, at);
  };
  const bool changed = co_await state_->world.store.write(std::move(change));
  state_->wake();
  co_return changed;
}

Task<bool> Engine::resume(std::string name, std::string who) {
  const auto pipeline = co_await state_->pipeline_or_set(name);
  const auto at = state_->world.clock.now();
  auto change = [pipeline, who, at](store::Tables& tables) {
    const auto held = tables.holds.in_force(pipeline);
    if (held && held->pipeline != pipeline)
      throw Error(ErrorKind::conflict, pipeline + " is held with its whole set: resume " + held->pipeline);
    if (!held || !tables.holds.lift(pipeline)) return false;
    audit(tables, at, who, "resume", pipeline, "was held: " + held->reason);
    gate_changed(tables, pipeline, at);
    return true;
  };
  const bool changed = co_await state_->world.store.write(std::move(change));
  state_->poller.unsettle(name);
  state_->wake();
  co_return changed;
}

Task<Engine::Rollback> Engine::rollback(std::string name, std::string to, std::string who) {
  const auto pipeline = co_await state_->pipeline(name);
  auto query = [pipeline, to](store::Tables& tables) { return is_promoted_last(tables, pipeline, to); };
  const bool is_last = co_await state_->world.store.read(std::move(query));
  std::optional<oci::Digest> on_tag;
  if (is_last) on_tag = co_await look_at_stable_tag(state_->registry, pipeline);
  const auto at = state_->world.clock.now();
  auto change = [pipeline, to, on_tag, who, at](store::Tables& tables) {
    return roll_back(tables, pipeline, to, on_tag, who, at);
  };
  const auto result = co_await state_->world.store.write(std::move(change));
  state_->poller.unsettle(name);
  state_->wake();
  co_return result;
}

Task<bool> Engine::cancel(RunId run, std::string who) {
  const auto at = state_->world.clock.now();
  auto change = [run, who, at](store::Tables& tables) {
    const auto row = tables.runs.find(run);
    if (!row) throw Error(ErrorKind::not_found, "there is no run " + run.text());
    if (!apply(tables, run, pipeline::event::Cancelled{"cancelled by " + who}, at)) return false;
    audit(tables, at, who, "cancel", row->pipeline, run.text());
    return true;
  };
  const bool changed = co_await state_->world.store.write(std::move(change));
  if (changed) state_->jobs.cancel(run);
  state_->wake();
  co_return changed;
}

}  // namespace sluice::engine
