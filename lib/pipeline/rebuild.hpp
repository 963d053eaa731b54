#pragma once
// The state machine of one rebuild of one dependent: pure.

#include <string>
#include <string_view>
#include <optional>
#include <variant>
#include <vector>

#include "pipeline/advance.hpp"

namespace sluice::pipeline {

enum class RebuildState { planned, dispatching, dispatched, confirmed, overdue, failed, superseded };
std::string_view to_string(RebuildState state);
std::optional<RebuildState> rebuild_state_from(std::string_view text);
bool is_final(RebuildState state);
Status status_of(RebuildState state);  // planned Queued, dispatching/dispatched Running, confirmed Succeeded, overdue/failed Failed

namespace rebuild_event {
struct Released {};                                 // its wave goes
struct Dispatched {};                               // the target accepted the request
struct Confirmed { std::string how; };              // the registry shows an image on the new base
struct Overdue { std::string message; };            // not confirmed within its deadline
struct Failed { std::string message; };             // permanent, or retries used up
struct Superseded { RunId by; };                    // a newer promotion owes the same dependent a rebuild
struct BaseSuperseded { std::string base; };        // the dependent that it is built on was superseded in this promotion
}  // namespace rebuild_event
using RebuildEvent = std::variant<rebuild_event::Released, rebuild_event::Dispatched, rebuild_event::Confirmed,
                                  rebuild_event::Overdue, rebuild_event::Failed, rebuild_event::Superseded,
                                  rebuild_event::BaseSuperseded>;

struct RebuildStep {
  RebuildState state;
  std::vector<NewJob> jobs;
  std::vector<std::string> log;
  bool changed = false;
};
/// Superseded applies to `planned` and `dispatching`: a request that was accepted is always followed to its end. BaseSuperseded
/// applies to `planned` only. Confirmed applies in every state that is not final: an image that sits on the new base is confirmed,
/// whoever had it built.
RebuildStep advance(RebuildState state, const RebuildEvent& event);

}  // namespace sluice::pipeline
