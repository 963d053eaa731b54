// What the daemon says about itself.

#include "api/dto.hpp"
#include "api/input.hpp"
#include "api/output.hpp"
#include "api/resources.hpp"
#include "engine/transition.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <nlohmann/json.hpp>

namespace sluice::api {
namespace {

using nlohmann::json;

// The engine's loops come round at least every few seconds; one that did not for so long hangs.
constexpr auto stale_heartbeat = std::chrono::seconds(60);

struct Snapshot {
  std::vector<PipelineView> pipelines;
  std::vector<std::optional<store::Run>> dependents;  // last run of each, in the order of the configuration
  int jobs = 0;
};

using Keys = std::map<std::string, std::vector<std::string>>;

Snapshot take(store::Tables& tables, const config::Config& config, const Keys& members) {
  Snapshot snapshot;
  snapshot.pipelines = view_pipelines(tables, config, members);
  for (const auto& dependent : config.dependents) {
    store::RunFilter filter;
    filter.task = dependent.name;
    filter.limit = 1;
    auto runs = tables.runs.list(filter);
    snapshot.dependents.push_back(runs.empty() ? std::nullopt : std::optional(std::move(runs.front())));
  }
  snapshot.jobs = tables.jobs.count();
  return snapshot;
}

json heartbeats(const Context& context) {
  auto ages = json::array();
  for (const auto& [name, beat] : context.engine.heartbeats()) {
    const auto age = std::chrono::duration_cast<Milliseconds>(context.clock.steady() - beat);
    ages.push_back({{"name", name}, {"age_ms", age.count()}});
  }
  return ages;
}

json registries_json(const Context& context) {
  auto list = json::array();
  for (const auto& status : context.engine.registries())
    list.push_back(dto::registry(status));
  return list;
}

json upstreams_json(const Context& context, const engine::Overview& overview) {
  auto list = json::array();
  for (const auto& upstream : overview.upstreams)
    list.push_back(dto::upstream(upstream, context.engine.freshness(), context.clock.now()));
  return list;
}

json hooks_json(const Context& context) {
  auto list = json::array();
  for (const auto& [name, status] : context.engine.hooks())
    list.push_back(dto::hook(name, status));
  return list;
}

// `?members=1` shows the members of sets, at most most_rows of each.
Keys asked_members(const Call& call) {
  Query query(call.request);
  const bool asked = query.number("members") != 0;
  query.done();
  return asked ? keys_of_members(call.context.engine, most_rows) : Keys{};
}

}  // namespace

Task<net::ServerResponse> get_health(Call) {
  co_return json_response({{"status", "ok"}});
}

Task<net::ServerResponse> get_ready(Call call) {
  auto reasons = json::array();
  if (call.context.is_shut) reasons.push_back("the daemon is stopping");
  for (const auto& [name, beat] : call.context.engine.heartbeats())
    if (call.context.clock.steady() - beat > stale_heartbeat)
      reasons.push_back("the " + name + " loop does not come round");
  try {
    co_await call.context.store.write([](store::Tables&) {});
    co_await call.context.store.read([](store::Tables&) {});
  } catch (...) {
    reasons.push_back(current_error().what());
  }
  if (const auto trouble = call.context.store.trouble(); !trouble.empty()) reasons.push_back(trouble);
  const bool ready = reasons.empty();
  co_return json_response({{"ready", ready}, {"reasons", reasons}}, ready ? 200 : 503);
}

Task<net::ServerResponse> get_status(Call call) {
  auto& context = call.context;
  const auto members = asked_members(call);
  const auto config = context.engine.config();
  auto work = [config, members](store::Tables& tables) { return take(tables, *config, members); };
  const auto snapshot = co_await context.store.read(std::move(work));
  const auto overview = co_await context.engine.overview();
  auto dependents = json::array();
  for (std::size_t i = 0; i < config->dependents.size(); ++i) {
    auto value = dto::dependent(config->dependents[i]);
    const auto& last = snapshot.dependents[i];
    value["last_run"] = last ? dto::run(*last) : json(nullptr);
    dependents.push_back(std::move(value));
  }
  json value{{"version", context.options.version},
             {"started", dto::time(context.options.started)},
             {"instance", context.store.instance()},
             {"pid", context.options.pid},
             {"config", config->file.string()},
             {"stopping", context.is_shut},
             {"open_jobs", snapshot.jobs},
             {"heartbeats", heartbeats(context)},
             {"pipelines", pipelines_json(snapshot.pipelines, overview, context)},
             {"upstreams", upstreams_json(context, overview)},
             {"dependents", std::move(dependents)},
             {"registries", registries_json(context)},
             {"webhooks", hooks_json(context)}};
  co_return json_response(value);
}

Task<net::ServerResponse> list_pipelines(Call call) {
  const auto members = asked_members(call);
  const auto config = call.context.engine.config();
  auto work = [config, members](store::Tables& tables) { return view_pipelines(tables, *config, members); };
  const auto views = co_await call.context.store.read(std::move(work));
  const auto overview = co_await call.context.engine.overview();
  co_return json_response(pipelines_json(views, overview, call.context));
}

Task<net::ServerResponse> get_changes(Call call) {
  auto& context = call.context;
  Query query(call.request);
  const auto after = static_cast<std::uint64_t>(query.number("after"));
  const auto until = context.clock.steady() + query.wait();
  query.done();
  // A caller that counted further than we did counted at an earlier daemon: for it, everything changed.
  while (context.engine.changes() == after && co_await wait_for_change(context, after, until)) {
  }
  co_return json_response({{"changes", context.engine.changes()}});
}

Task<net::ServerResponse> post_backup(Call call) {
  const auto values = read_body(call.request.body, {"path"});
  if (!values[0] || values[0]->empty())
    throw Error(ErrorKind::invalid, "'path' is missing: where the copy goes");
  const std::filesystem::path path = *values[0];
  if (!path.is_absolute())
    throw Error(ErrorKind::invalid, "'path' must be absolute, the daemon has its own directory");
  co_await call.context.store.backup(path);
  co_return json_response({{"path", path.string()}});
}

}  // namespace sluice::api
