#pragma once
// The state machine of a run: pure. No I/O, no clock, no randomness; time comes with the event.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "pipeline/run.hpp"

namespace sluice::pipeline {

/// What the world told us. `Gate` facts (hold, other promotion) come with the events that need them.
namespace event {
struct Started {};                                     // the run was created
struct Staged { std::string summary; };                // stage job done
struct CheckPassed { int index = 0; };                 // check job `index` done (they run one after the other)
struct CheckFailed { int index = 0; std::string name; std::string summary; };  // the image is not good
struct GateChanged {};                                 // a hold was lifted or set, another promotion of the target ended
struct Promoted {};                                    // both tags written and recorded
struct Drifted { std::string message; };               // somebody else moved the stable tag
struct Held { std::string reason; };                   // the promotion found a hold before it wrote the stable tag
struct Outdated { std::string reason; };               // the same of a later decision or state that makes it pointless
struct Planned { int rebuilds = 0; };                  // dependents known; 0 ends the run
struct RebuildsEnded { int confirmed = 0; int failed = 0; };  // every rebuild of this promotion is final
struct JobFailed { ErrorKind kind = ErrorKind::internal; std::string message; };  // permanent, or retries used up
struct Superseded { RunId by; };                       // a newer digest of the same tag was observed
struct Cancelled { std::string reason; };              // a person or a removed pipeline
}  // namespace event

using Event = std::variant<event::Started, event::Staged, event::CheckPassed, event::CheckFailed, event::GateChanged,
                           event::Promoted, event::Drifted, event::Held, event::Outdated, event::Planned, event::RebuildsEnded,
                           event::JobFailed, event::Superseded, event::Cancelled>;

/// Facts about the pipeline at the time of the event, read in the same transaction.
struct Gate {
  std::optional<std::string> hold_reason;        // set while the pipeline is held
  std::optional<RunId> promoting;                // another run that is promoting to the same target now
};

enum class JobKind { stage, check, promote, plan, dispatch, confirm };
std::string_view to_string(JobKind kind);
std::optional<JobKind> job_kind_from(std::string_view text);

struct NewJob {
  JobKind kind;
  int index = 0;  // check index
  bool operator==(const NewJob&) const = default;
};

struct Step {
  Run run;
  std::vector<NewJob> jobs;
  std::vector<std::string> log;   // lines for the run log
  bool changed = false;           // false: the event does not apply in this state and was ignored
  bool hold = false;              // the pipeline must be held now (drift)
};

/// Order: observed -> staging -> staged -> checking -> ready -> promoting -> promoted -> rebuilding -> succeeded.
/// A run with trigger rollback or patch (a person's decision about an image) starts at promoting, ignores holds and is not superseded;
/// drift ends it as failed. A final run ignores every event. Superseded and Cancelled are ignored from promoting on:
/// tags may have been written and dependents be owed, so that is followed to its end, unless the promotion itself finds that its
/// stable tag is not written (Drifted, Held, Outdated). `promoting` is entered only when the gate is open; otherwise `waiting`. staged and ready are passed within one step; a run never rests there.
Step advance(Run run, const Event& event, const Gate& gate, Time at);

}  // namespace sluice::pipeline
