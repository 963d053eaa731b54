#pragma once
// What an upstream was seen to name, and the run that follows from it: inside one transaction.

#include "config/config.hpp"
#include "pipeline/run.hpp"
#include "registry/client.hpp"
#include "store/tables.hpp"

#include <optional>
#include <string>

namespace sluice::engine {

struct Recorded {
  std::int64_t observation = 0;
  std::optional<RunId> run;  // started now
  bool changed = false;      // the tag names another digest than before
  /// Nothing is left to do for this digest: polls that see it again need not ask the store.
  bool settled = false;
};

/// Records what the upstream tag names. A new digest is appended to the history and starts a run, which
/// supersedes older ones that have not begun promoting. No run starts for a digest that is already on the
/// stable tag, is in hand, or was rejected. When upstream goes back to a digest that a newer one of upstream
/// replaced on the stable tag, it is promoted again; what a person replaced waits until the tag moves. A
/// digest whose run failed gets another run when `retry_after` has passed since, so that an outage heals by
/// itself; the pause doubles with each run of it that fails in a row, to four hours at most. The first digest
/// of a member that was there when its set began, with `initial: none`, is only written down (learned_by
/// "baseline").
Recorded record(store::Tables& tables, const config::Pipeline& pipeline, const registry::Resolved& seen,
                const std::string& learned_by, std::optional<Time> last_look, Time at,
                Milliseconds retry_after);

/// What record() would return when it had nothing to do but to move last_seen; nullopt when it has more to
/// do.
std::optional<Recorded> nothing_new(store::Tables& tables, const config::Pipeline& pipeline,
                                    const registry::Resolved& seen, Time at, Milliseconds retry_after);

/// Two lists of checks have the same mark when they ask the same in the same order. Empty without checks.
std::string mark_of(const std::vector<config::Check>& checks);

/// Inserts a run and starts it; older runs of the pipeline that have not begun promoting are superseded.
RunId start_run(store::Tables& tables, const config::Pipeline& pipeline, const oci::Digest& digest,
                pipeline::Trigger trigger, Time at);

/// Puts a new run in the place of one that began with other checks than the pipeline has now.
RunId start_again(store::Tables& tables, const config::Pipeline& pipeline, const store::Run& run, Time at);

/// Inserts a run that begins with its promotion (trigger rollback or patch): its digest is in the target
/// repository already. Other runs of the pipeline go on; they wait for it and for the hold.
RunId start_promotion(store::Tables& tables, const config::Pipeline& pipeline, const oci::Digest& digest,
                      pipeline::Trigger trigger, Time at);

/// The newest rollback that was asked for and is not promoted yet.
std::optional<store::Run> open_rollback(const store::Tables& tables, const std::string& pipeline);

/// Appends to the history only (a look by a person); the row's id.
std::int64_t observe(store::Tables& tables, const config::Pipeline& pipeline, const registry::Resolved& seen,
                     const std::string& learned_by, std::optional<Time> last_look, Time at);

}  // namespace sluice::engine
