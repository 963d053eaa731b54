#include "engine/transition.hpp"

#include "oci/reference.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace sluice::engine {
namespace {

using pipeline::State;

void write_back(store::Run& row, const pipeline::Run& run) {
  row.state = to_string(run.state);
  row.status = to_string(status_of(run.state));
  row.checks_passed = run.checks_passed;
  row.waiting_for = run.waiting_for;
  row.outcome = run.outcome;
  row.started = run.started;
  row.ended = run.ended;
}

pipeline::Gate gate_of(store::Tables& tables, const store::Run& row) {
  pipeline::Gate gate;
  if (auto hold = tables.holds.in_force(row.pipeline)) gate.hold_reason = hold->reason;
  if (const auto other = promoting_run(tables, row.pipeline); other && other->id != row.id)
    gate.promoting = other->id;
  return gate;
}

// Leaving `promoting` opens the gate for the next one.
bool frees_gate(State before, State after) {
  return before == State::promoting && after != State::promoting;
}

void set_drift_hold(store::Tables& tables, const store::Run& row, std::string reason, Time at) {
  // waiting_for says what it waits for, the hold only why.
  if (reason.starts_with(pipeline::behind_hold)) reason.erase(0, pipeline::behind_hold.size());
  if (tables.holds.set({.pipeline = row.pipeline, .reason = reason, .by = "sluice", .since = at}))
    tables.audit.append(
        {.at = at, .who = "sluice", .action = "hold", .pipeline = row.pipeline, .detail = reason});
}

bool is_final(const store::Rebuild& rebuild) {
  const auto state = pipeline::rebuild_state_from(rebuild.state);
  return !state || pipeline::is_final(*state);
}

bool is_in(const store::Rebuild& rebuild, pipeline::RebuildState state) {
  return rebuild.state == to_string(state);
}

std::string without_digest(oci::Reference reference) {
  reference.digest.reset();
  return reference.text();
}

// Applies an event to this rebuild alone, not to those that wait for it. False when it did not apply.
bool step_to(store::Tables& tables, store::Rebuild& rebuild, const pipeline::RebuildEvent& event, Time at) {
  auto row = tables.runs.find(rebuild.run);
  const auto state = pipeline::rebuild_state_from(rebuild.state);
  if (!row || !state) return false;
  const auto step = advance(*state, event);
  if (!step.changed) return false;
  rebuild.state = to_string(step.state);
  if (step.state == pipeline::RebuildState::dispatched && !rebuild.dispatched) rebuild.dispatched = at;
  if (step.state == pipeline::RebuildState::confirmed) rebuild.confirmed = at;
  tables.rebuilds.update(rebuild);
  row->state = rebuild.state;
  row->status = to_string(pipeline::status_of(step.state));
  if (!row->started && step.state != pipeline::RebuildState::planned) row->started = at;
  const bool final = pipeline::is_final(step.state);
  if (final) row->ended = at;
  if (final && !step.log.empty()) row->outcome = step.log.back();
  tables.runs.update(*row);
  for (const auto& line : step.log)
    tables.log.append(rebuild.run, at, "run", line);
  for (const auto& job : step.jobs)
    tables.jobs.enqueue(rebuild.run, std::string(to_string(job.kind)), job.index, at, at);
  if (final) tables.jobs.drop(rebuild.run);
  return true;
}

// Lets a planned rebuild go, or ends it as its own base ended. `parent`: the rebuild that makes its base, if
// that is another dependent's image.
void release(store::Tables& tables, store::Rebuild& rebuild, const store::Rebuild* parent, Time at) {
  namespace event = pipeline::rebuild_event;
  using pipeline::RebuildState;
  if (parent && is_in(*parent, RebuildState::superseded)) {
    step_to(tables, rebuild, event::BaseSuperseded{parent->dependent}, at);
    return;
  }
  if (parent && !is_in(*parent, RebuildState::confirmed)) {
    step_to(tables, rebuild, event::Failed{"its base " + parent->dependent + " was not rebuilt"}, at);
    return;
  }
  if (parent && parent->digest) {
    auto base = oci::Reference::parse(rebuild.base);
    base.digest = parent->digest;
    rebuild.base = base.text();
  }
  step_to(tables, rebuild, event::Released{}, at);
}

void end_rebuilds(store::Tables& tables, RunId promotion_run, const std::vector<store::Rebuild>& all,
                  Time at) {
  pipeline::event::RebuildsEnded ended;
  for (const auto& rebuild : all) {
    const bool good = is_in(rebuild, pipeline::RebuildState::confirmed) ||
                      is_in(rebuild, pipeline::RebuildState::superseded);
    ++(good ? ended.confirmed : ended.failed);
  }
  apply(tables, promotion_run, ended, at);
}

}  // namespace

void release_wave(store::Tables& tables, RunId promotion_run, Time at) {
  using pipeline::RebuildState;
  const auto first =
      tables.rebuilds.first_wave_in(promotion_run, {std::string(to_string(RebuildState::planned)),
                                                    std::string(to_string(RebuildState::dispatching)),
                                                    std::string(to_string(RebuildState::dispatched))});
  // With many dependents, most ends of a rebuild only leave fewer of its wave.
  if (first && !first->planned) return;
  auto all = tables.rebuilds.of_promotion(promotion_run);
  std::erase_if(all, [](const auto& rebuild) { return rebuild.wave == store::no_wave; });
  // `all` is ordered by wave. One whose bases were not rebuilt ends here and now, and so may the next one.
  std::map<std::string, const store::Rebuild*> makers;  // by image, of the waves before
  for (auto wave = all.begin(); wave != all.end();) {
    const auto next =
        std::find_if(wave, all.end(), [&](const auto& rebuild) { return rebuild.wave != wave->wave; });
    for (auto rebuild = wave; rebuild != next; ++rebuild) {
      if (!is_in(*rebuild, RebuildState::planned)) continue;
      const auto maker = makers.find(without_digest(oci::Reference::parse(rebuild->base)));
      release(tables, *rebuild, maker == makers.end() ? nullptr : maker->second, at);
    }
    if (!std::all_of(wave, next, is_final)) return;
    for (; wave != next; ++wave)
      makers.emplace(without_digest(oci::Reference::parse(wave->image)), &*wave);
  }
  end_rebuilds(tables, promotion_run, all, at);
}

pipeline::Run from_row(const store::Run& row) {
  return {.id = row.id,
          .pipeline = row.pipeline,
          .digest = row.digest.value(),
          .trigger = pipeline::trigger_from(row.trigger).value_or(pipeline::Trigger::image_update),
          .state = pipeline::state_from(row.state).value_or(State::failed),
          .checks_total = row.checks_total,
          .checks_passed = row.checks_passed,
          .waiting_for = row.waiting_for,
          .outcome = row.outcome,
          .started = row.started,
          .ended = row.ended};
}

std::string drift_of(const std::string& stable) {
  return stable + " was moved by somebody else to ";
}

bool is_decision(const std::string& trigger) {
  return trigger == to_string(pipeline::Trigger::rollback) || trigger == to_string(pipeline::Trigger::patch);
}

std::optional<store::Run> promoting_run(const store::Tables& tables, const std::string& pipeline) {
  for (auto& run : tables.runs.open(pipeline))
    if (run.kind == kind_pipeline && run.state == to_string(State::promoting)) return std::move(run);
  return std::nullopt;
}

bool apply(store::Tables& tables, RunId id, const pipeline::Event& event, Time at) {
  auto row = tables.runs.find(id);
  if (!row || row->kind != kind_pipeline) return false;
  const auto before = from_row(*row);
  const auto step = advance(before, event, gate_of(tables, *row), at);
  if (!step.changed) return false;
  write_back(*row, step.run);
  tables.runs.update(*row);
  for (const auto& line : step.log)
    tables.log.append(id, at, "run", line);
  for (const auto& job : step.jobs)
    tables.jobs.enqueue(id, std::string(to_string(job.kind)), job.index, at, at);
  if (pipeline::is_final(step.run.state)) tables.jobs.drop(id);
  if (step.hold) set_drift_hold(tables, *row, step.run.waiting_for, at);
  if (frees_gate(before.state, step.run.state)) gate_changed(tables, row->pipeline, at);
  return true;
}

bool apply(store::Tables& tables, RunId id, const pipeline::RebuildEvent& event, Time at) {
  auto rebuild = tables.rebuilds.find(id);
  if (!rebuild || !step_to(tables, *rebuild, event, at)) return false;
  if (is_final(*rebuild) && rebuild->wave != store::no_wave) release_wave(tables, rebuild->promotion_run, at);
  return true;
}

void supersede(store::Tables& tables, const std::vector<Outdone>& rebuilds, Time at) {
  std::set<RunId> promotions;
  for (const auto& [id, by] : rebuilds) {
    auto rebuild = tables.rebuilds.find(id);
    if (!rebuild || !step_to(tables, *rebuild, pipeline::rebuild_event::Superseded{by}, at)) continue;
    if (rebuild->wave != store::no_wave) promotions.insert(rebuild->promotion_run);
  }
  for (const auto promotion : promotions)
    release_wave(tables, promotion, at);
}

void gate_changed(store::Tables& tables, const std::string& name, Time at) {
  auto runs = tables.runs.open(name);
  // A hold of a set is one of all its members.
  if (!config::split_key(name))
    for (auto& run : tables.runs.open_of_members(name))
      runs.push_back(std::move(run));
  for (const auto& open : runs)
    if (open.kind == kind_pipeline && open.state == to_string(State::waiting))
      apply(tables, open.id, pipeline::event::GateChanged{}, at);
}

}  // namespace sluice::engine
