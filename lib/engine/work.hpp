#pragma once
// What one job does in the world. Each kind has its own file work_<kind>.cpp; the job loop wraps lease,
// retry, time and log around it.

#include "config/config.hpp"
#include "core/error.hpp"
#include "engine/engine.hpp"
#include "registry/client.hpp"
#include "store/tables.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::engine {

/// What a job works with. Copies are cheap; references live as long as the engine.
struct Work {
  World world;
  registry::Client& registry;
  std::shared_ptr<const config::Config> config;
  store::Job job;
  store::Run run;
  std::function<void(std::string_view)> log;
};

/// How a job ended.
struct Done {
  /// Applied in the transaction that removes the job: state changes and new jobs. May be empty.
  std::function<void(store::Tables&, Time)> record;
  /// One line for `sluice show`.
  std::string detail;
  bool good = true;
  /// Not ready yet (a confirmation): asked again after this, without counting as a failure. `record` is not
  /// used then.
  std::optional<Milliseconds> again;
};

/// Throws Error: transient kinds are retried with backoff, others end the run as failed.
Task<Done> stage(Work work);
Task<Done> check(Work work);
Task<Done> promote(Work work);
Task<Done> plan(Work work);
Task<Done> dispatch(Work work);
Task<Done> confirm(Work work);

/// The pipeline of the run as configured now. Throws not_found when it is gone.
config::Pipeline pipeline_of(const Work& work);
/// Name of the step in `sluice show`: "stage", "check node-starts", "promote", ...
std::string step_name(const store::Job& job, const store::Run& run, const config::Config& config);
/// What follows when a job failed for good.
void record_failure(store::Tables& tables, const store::Run& run, const Error& error, Time at);

}  // namespace sluice::engine
