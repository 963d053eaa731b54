#include "pipeline/rebuild.hpp"

#include "pipeline/names.hpp"

namespace sluice::pipeline {
namespace {

constexpr Names<RebuildState, 7> rebuild_states{{
    {RebuildState::planned, "planned"},
    {RebuildState::dispatching, "dispatching"},
    {RebuildState::dispatched, "dispatched"},
    {RebuildState::confirmed, "confirmed"},
    {RebuildState::overdue, "overdue"},
    {RebuildState::failed, "failed"},
    {RebuildState::superseded, "superseded"},
}};

RebuildStep to(RebuildState state, std::string line) {
  return {.state = state, .jobs = {}, .log = {std::move(line)}, .changed = true};
}

// The answer to each event in a state that is not final; nullopt where it does not apply.
struct Answer {
  RebuildState state;

  std::optional<RebuildStep> operator()(const rebuild_event::Released&) const {
    if (state != RebuildState::planned) return std::nullopt;
    auto step = to(RebuildState::dispatching, "asking for the rebuild");
    step.jobs.push_back({.kind = JobKind::dispatch});
    return step;
  }
  std::optional<RebuildStep> operator()(const rebuild_event::Dispatched&) const {
    if (state != RebuildState::dispatching) return std::nullopt;
    auto step = to(RebuildState::dispatched, "the rebuild was accepted, waiting for the image");
    step.jobs.push_back({.kind = JobKind::confirm});
    return step;
  }
  // The registry is the truth: an image that sits on the new base is confirmed, whoever built it and when.
  std::optional<RebuildStep> operator()(const rebuild_event::Confirmed& event) const {
    return to(RebuildState::confirmed, "confirmed by " + event.how);
  }
  std::optional<RebuildStep> operator()(const rebuild_event::Overdue& event) const {
    if (state != RebuildState::dispatched) return std::nullopt;
    return to(RebuildState::overdue, event.message);
  }
  std::optional<RebuildStep> operator()(const rebuild_event::Failed& event) const {
    return to(RebuildState::failed, event.message);
  }
  std::optional<RebuildStep> operator()(const rebuild_event::Superseded& event) const {
    if (state == RebuildState::dispatched) return std::nullopt;
    return to(RebuildState::superseded, "superseded by " + event.by.text());
  }
  std::optional<RebuildStep> operator()(const rebuild_event::BaseSuperseded& event) const {
    if (state != RebuildState::planned) return std::nullopt;
    return to(RebuildState::superseded, "superseded with its base " + event.base);
  }
};

}  // namespace

std::string_view to_string(RebuildState state) {
  return name_of(rebuild_states, state);
}
std::optional<RebuildState> rebuild_state_from(std::string_view text) {
  return value_of(rebuild_states, text);
}

bool is_final(RebuildState state) {
  switch (state) {
    case RebuildState::planned:
    case RebuildState::dispatching:
    case RebuildState::dispatched:
      return false;
    default:
      return true;
  }
}

Status status_of(RebuildState state) {
  switch (state) {
    case RebuildState::planned:
      return Status::queued;
    case RebuildState::dispatching:
    case RebuildState::dispatched:
      return Status::running;
    case RebuildState::confirmed:
      return Status::succeeded;
    case RebuildState::overdue:
    case RebuildState::failed:
      return Status::failed;
    case RebuildState::superseded:
      return Status::superseded;
  }
  return Status::failed;
}

RebuildStep advance(RebuildState state, const RebuildEvent& event) {
  if (!is_final(state))
    if (auto step = std::visit(Answer{state}, event)) return std::move(*step);
  return {.state = state, .jobs = {}, .log = {}, .changed = false};
}

}  // namespace sluice::pipeline
