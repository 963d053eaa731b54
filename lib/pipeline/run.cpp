#include "pipeline/run.hpp"

#include "core/text.hpp"
#include "pipeline/names.hpp"

namespace sluice::pipeline {
namespace {

constexpr Names<State, 14> run_states{{
    {State::observed, "observed"},
    {State::staging, "staging"},
    {State::staged, "staged"},
    {State::checking, "checking"},
    {State::ready, "ready"},
    {State::waiting, "waiting"},
    {State::promoting, "promoting"},
    {State::promoted, "promoted"},
    {State::rebuilding, "rebuilding"},
    {State::succeeded, "succeeded"},
    {State::rejected, "rejected"},
    {State::superseded, "superseded"},
    {State::failed, "failed"},
    {State::cancelled, "cancelled"},
}};

constexpr Names<Trigger, 7> triggers{{
    {Trigger::image_update, "Image Update"},
    {Trigger::webhook, "Webhook"},
    {Trigger::manual, "Manual"},
    {Trigger::commit, "Commit"},
    {Trigger::schedule, "Schedule"},
    {Trigger::rollback, "Rollback"},
    {Trigger::patch, "Patch"},
}};

constexpr Names<Status, 8> statuses{{
    {Status::queued, "Queued"},
    {Status::running, "Running"},
    {Status::waiting, "Waiting"},
    {Status::succeeded, "Succeeded"},
    {Status::rejected, "Rejected"},
    {Status::failed, "Failed"},
    {Status::superseded, "Superseded"},
    {Status::cancelled, "Cancelled"},
}};

}  // namespace

std::string_view to_string(State state) {
  return name_of(run_states, state);
}
std::string_view to_string(Trigger trigger) {
  return name_of(triggers, trigger);
}
std::string_view to_string(Status status) {
  return name_of(statuses, status);
}

std::optional<State> state_from(std::string_view text) {
  return value_of(run_states, text);
}
std::optional<Trigger> trigger_from(std::string_view text) {
  return value_of(triggers, text);
}

std::optional<Status> status_from(std::string_view text) {
  for (const auto& [status, name] : statuses)
    if (same_without_case(name, text)) return status;
  return std::nullopt;
}

Status status_of(State state) {
  switch (state) {
    case State::observed:
      return Status::queued;
    case State::staging:
    case State::staged:
    case State::checking:
    case State::ready:
    case State::promoting:
    case State::promoted:
    case State::rebuilding:
      return Status::running;
    case State::waiting:
      return Status::waiting;
    case State::succeeded:
      return Status::succeeded;
    case State::rejected:
      return Status::rejected;
    case State::superseded:
      return Status::superseded;
    case State::failed:
      return Status::failed;
    case State::cancelled:
      return Status::cancelled;
  }
  return Status::failed;
}

bool is_final(State state) {
  switch (state) {
    case State::succeeded:
    case State::rejected:
    case State::superseded:
    case State::failed:
    case State::cancelled:
      return true;
    default:
      return false;
  }
}

}  // namespace sluice::pipeline
