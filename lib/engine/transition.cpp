#include "engine/transition.hpp"

#include "oci/reference.hpp"

#include <algorithm>

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

// The rebuild through whose image `rebuild` is reached, if its base is another dependent.
const store::Rebuild* parent_of(const store::Rebuild& rebuild, const std::vector<store::Rebuild>& all) {
  auto base = oci::Reference::parse(rebuild.base);
  base.digest.reset();
  for (const auto& other : all)
    if (other.wave < rebuild.wave && oci::Reference::parse(other.image) == base) return &other;
  return nullptr;
}

bool is_final(const store::Rebuild& rebuild) {
  const auto state = pipeline::rebuild_state_from(rebuild.state);
  return !state || pipeline::is_final(*state);
}

// Lets a planned rebuild go, or ends it when its own base was not rebuilt.
void release(store::Tables& tables, store::Rebuild rebuild, const store::Rebuild* parent, Time at) {
  namespace event = pipeline::rebuild_event;
  if (parent && parent->state != to_string(pipeline::RebuildState::confirmed)) {
    apply(tables, rebuild.run, event::Failed{"its base " + parent->dependent + " was not rebuilt"}, at);
    return;
  }
  if (parent && parent->digest) {
    auto base = oci::Reference::parse(rebuild.base);
    base.digest = parent->digest;
    rebuild.base = base.text();
    tables.rebuilds.update(rebuild);
  }
  apply(tables, rebuild.run, event::Released{}, at);
}

}  // namespace

void release_wave(store::Tables& tables, RunId promotion_run, Time at) {
  using pipeline::RebuildState;
  const auto wave =
      tables.rebuilds.first_wave_in(promotion_run, {std::string(to_string(RebuildState::planned)),
                                                    std::string(to_string(RebuildState::dispatching)),
                                                    std::string(to_string(RebuildState::dispatched))});
  // With many dependents, most ends of a rebuild only leave fewer of its wave.
  if (wave && !wave->planned) return;
  auto all = tables.rebuilds.of_promotion(promotion_run);
  std::erase_if(all, [](const auto& rebuild) { return rebuild.wave == store::no_wave; });
  const auto open = std::find_if(all.begin(), all.end(), [](const auto& r) { return !is_final(r); });
  if (open == all.end()) {
    pipeline::event::RebuildsEnded ended;
    for (const auto& rebuild : all) {
      const bool good = rebuild.state == to_string(pipeline::RebuildState::confirmed) ||
                        rebuild.state == to_string(pipeline::RebuildState::superseded);
      ++(good ? ended.confirmed : ended.failed);
    }
    apply(tables, promotion_run, ended, at);
    return;
  }
  // `all` is ordered by wave, so the first open one tells which wave is in hand.
  for (const auto& rebuild : all)
    if (rebuild.wave == open->wave && rebuild.state == to_string(pipeline::RebuildState::planned)) {
      const auto now = tables.rebuilds.find(rebuild.run);
      if (now && now->state == rebuild.state) release(tables, *now, parent_of(*now, all), at);
    }
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
  auto row = tables.runs.find(id);
  auto rebuild = tables.rebuilds.find(id);
  if (!row || !rebuild) return false;
  const auto state = pipeline::rebuild_state_from(rebuild->state);
  if (!state) return false;
  const auto step = advance(*state, event);
  if (!step.changed) return false;
  rebuild->state = to_string(step.state);
  if (step.state == pipeline::RebuildState::dispatched && !rebuild->dispatched) rebuild->dispatched = at;
  if (step.state == pipeline::RebuildState::confirmed) rebuild->confirmed = at;
  tables.rebuilds.update(*rebuild);
  row->state = rebuild->state;
  row->status = to_string(pipeline::status_of(step.state));
  if (!row->started && step.state != pipeline::RebuildState::planned) row->started = at;
  const bool final = pipeline::is_final(step.state);
  if (final) row->ended = at;
  if (final && !step.log.empty()) row->outcome = step.log.back();
  tables.runs.update(*row);
  for (const auto& line : step.log)
    tables.log.append(id, at, "run", line);
  for (const auto& job : step.jobs)
    tables.jobs.enqueue(id, std::string(to_string(job.kind)), job.index, at, at);
  if (final) {
    tables.jobs.drop(id);
    if (rebuild->wave != store::no_wave) release_wave(tables, rebuild->promotion_run, at);
  }
  return true;
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
