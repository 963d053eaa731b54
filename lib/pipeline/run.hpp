#pragma once
// One trip of one digest through one pipeline: values only.

#include <string>
#include <string_view>
#include <optional>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/run_id.hpp"
#include "oci/digest.hpp"

namespace sluice::pipeline {

enum class State {
  observed, staging, staged, checking, ready, waiting, promoting, promoted, rebuilding,
  succeeded, rejected, superseded, failed, cancelled,
};
enum class Trigger { image_update, webhook, manual, commit, schedule, rollback, patch };
enum class Status { queued, running, waiting, succeeded, rejected, failed, superseded, cancelled };

std::string_view to_string(State state);      // "observed"
std::string_view to_string(Trigger trigger);  // "Image Update"
std::string_view to_string(Status status);    // "Running"
std::optional<State> state_from(std::string_view text);
std::optional<Trigger> trigger_from(std::string_view text);
std::optional<Status> status_from(std::string_view text);  // without case
Status status_of(State state);
bool is_final(State state);

/// So begins Run::waiting_for of a run that a hold keeps from promoting; why it is held follows.
inline constexpr std::string_view behind_hold = "hold: ";

struct Run {
  RunId id;
  std::string pipeline;
  oci::Digest digest;
  Trigger trigger = Trigger::image_update;
  State state = State::observed;
  int checks_total = 0;
  int checks_passed = 0;
  std::string waiting_for = {};  // shown while waiting: "hold: reason", "promotion of ca1a"
  std::string outcome = {};      // shown when final: why it was rejected, failed, superseded
  std::optional<Time> started = {};
  std::optional<Time> ended = {};
  bool operator==(const Run&) const = default;
};

}  // namespace sluice::pipeline
