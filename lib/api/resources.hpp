#pragma once
// The actions behind the table of routes; each file holds those of one resource.

#include "api/call.hpp"

namespace sluice::api {

// status.cpp
Task<net::ServerResponse> get_health(Call call);
Task<net::ServerResponse> get_ready(Call call);
Task<net::ServerResponse> get_status(Call call);
Task<net::ServerResponse> get_changes(Call call);
Task<net::ServerResponse> post_backup(Call call);

// metrics.cpp
Task<net::ServerResponse> get_metrics(Call call);

// runs.cpp
Task<net::ServerResponse> list_runs(Call call);
Task<net::ServerResponse> get_run(Call call);
Task<net::ServerResponse> get_run_log(Call call);
Task<net::ServerResponse> post_cancel(Call call);

// pipelines.cpp
Task<net::ServerResponse> list_pipelines(Call call);
Task<net::ServerResponse> get_history(Call call);
Task<net::ServerResponse> post_run(Call call);
Task<net::ServerResponse> post_hold(Call call);
Task<net::ServerResponse> post_resume(Call call);
Task<net::ServerResponse> post_rollback(Call call);

/// One pipeline as /status and /pipelines show it: what is configured, and how it stands. Read in one
/// snapshot.
struct PipelineView {
  config::Pipeline pipeline;
  std::optional<store::Promotion> stable;
  std::optional<store::Run> last_run;
  std::optional<store::Hold> hold;
};
std::vector<PipelineView> view_pipelines(store::Tables& tables, const config::Config& config);

}  // namespace sluice::api
