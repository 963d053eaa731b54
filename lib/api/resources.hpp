#pragma once
// The actions behind the table of routes; each file holds those of one resource.

#include "api/call.hpp"
#include "engine/held.hpp"
#include "engine/overview.hpp"

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

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

/// How the members of a set stand, as far as the store knows.
struct SetView {
  int withdrawn = 0;
  std::vector<engine::Held> holds;       // of single ones
  std::map<std::string, int> open_runs;  // by status
};

/// One pipeline as /status and /pipelines show it: what is configured, and how it stands. Read in one
/// snapshot.
struct PipelineView {
  config::Pipeline pipeline;
  std::optional<store::Promotion> stable;
  std::optional<store::Run> last_run;
  std::optional<engine::Held> hold;
  std::optional<SetView> set;
  std::vector<PipelineView> members;  // of a set, where they are asked for
};
/// `members`: keys by set, for those whose members are shown.
std::vector<PipelineView> view_pipelines(store::Tables& tables, const config::Config& config,
                                         const std::map<std::string, std::vector<std::string>>& members);
/// The keys of the members of all sets, at most so many of each.
std::map<std::string, std::vector<std::string>> keys_of_members(const engine::Engine& engine,
                                                                std::size_t most);
nlohmann::json pipelines_json(const std::vector<PipelineView>& views, const engine::Overview& overview,
                              const Context& context);

}  // namespace sluice::api
