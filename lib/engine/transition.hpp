#pragma once
// Where the pure state machine meets the store: one event, applied inside the caller's transaction.

#include "config/config.hpp"
#include "pipeline/advance.hpp"
#include "pipeline/rebuild.hpp"
#include "store/tables.hpp"

#include <string>
#include <vector>

namespace sluice::engine {

/// Names of the two kinds of runs in the store.
inline constexpr const char* kind_pipeline = "pipeline";
inline constexpr const char* kind_rebuild = "rebuild";

pipeline::Run from_row(const store::Run& row);

/// Applies an event to a pipeline run: new state, new jobs and log lines are written; waiting runs of the
/// pipeline are looked at again when the gate may have opened. False when the event did not apply.
bool apply(store::Tables& tables, RunId run, const pipeline::Event& event, Time at);

/// The same for a rebuild run. Releases the next wave or ends the promotion run when this was the last one.
bool apply(store::Tables& tables, RunId rebuild, const pipeline::RebuildEvent& event, Time at);

/// A rebuild that a newer one makes needless.
struct Outdone {
  RunId rebuild;
  RunId by;
};

/// Ends these rebuilds as superseded. Each promotion that owed some of them is looked at once, after all: it
/// may have thousands.
void supersede(store::Tables& tables, const std::vector<Outdone>& rebuilds, Time at);

/// Lets the rebuilds of the first unfinished wave of a promotion go; ends the promotion run when none is
/// left.
void release_wave(store::Tables& tables, RunId promotion_run, Time at);

/// Re-evaluates the waiting runs of a pipeline, or of the members of a set (hold set or lifted, another
/// promotion ended).
void gate_changed(store::Tables& tables, const std::string& pipeline, Time at);

/// How a hold because of drift, and the audit, begin to say that somebody else moved this stable tag
/// ("host/path:tag").
std::string drift_of(const std::string& stable);

/// Whether a run or a promotion with this trigger is a person's decision about an image (rollback, patch).
bool is_decision(const std::string& trigger);

/// The run of the pipeline that is promoting now; there is one at most.
std::optional<store::Run> promoting_run(const store::Tables& tables, const std::string& pipeline);

}  // namespace sluice::engine
