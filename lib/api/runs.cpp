// Runs: the list, one in full, its log, cancelling it.

#include "api/dto.hpp"
#include "api/input.hpp"
#include "api/output.hpp"
#include "api/resources.hpp"
#include "core/text.hpp"
#include "pipeline/run.hpp"

#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace sluice::api {
namespace {

using nlohmann::json;

[[noreturn]] void no_such_run(const std::string& id) {
  throw Error(ErrorKind::not_found, "there is no run '" + printable(id, 40) + "'");
}

// A run with all that belongs to it, read in one snapshot.
struct Full {
  store::Run run;
  std::vector<store::StepRow> steps;
  std::optional<store::Promotion> promotion;
  std::optional<store::Observation> observation;
  std::optional<store::Detection> detection;  // of the observation
  std::optional<store::Rebuild> rebuild;      // when the run is itself a rebuild
  struct Triggered {
    store::Rebuild rebuild;
    std::optional<store::Run> run;
  };
  std::vector<Triggered> triggered;
};

// The observation that told of the run's digest: what the tag named when the run was made.
std::optional<store::Observation> origin(store::Tables& tables, const store::Run& run) {
  auto seen = tables.observations.at(run.pipeline, run.created);
  if (!seen || !run.digest || seen->digest != *run.digest) return std::nullopt;
  return seen;
}

std::optional<Full> read_full(store::Tables& tables, RunId id) {
  auto run = tables.runs.find(id);
  if (!run) return std::nullopt;
  Full full{.run = std::move(*run),
            .steps = {},
            .promotion = {},
            .observation = {},
            .detection = {},
            .rebuild = {},
            .triggered = {}};
  full.steps = tables.log.steps(id);
  full.rebuild = tables.rebuilds.find(id);
  if (full.rebuild) return full;
  full.promotion = tables.promotions.of_run(id);
  full.observation = origin(tables, full.run);
  if (full.observation) full.detection = tables.freshness.of_observation(full.observation->id);
  for (auto& rebuild : tables.rebuilds.of_promotion(id)) {
    auto own = tables.runs.find(rebuild.run);
    full.triggered.push_back({std::move(rebuild), std::move(own)});
  }
  return full;
}

json full_json(const Full& full) {
  auto value = dto::run(full.run);
  value["steps"] = json::array();
  for (const auto& step : full.steps)
    value["steps"].push_back(dto::step(step));
  value["observation"] = full.observation ? dto::observation(*full.observation) : json(nullptr);
  if (full.observation)
    value["observation"]["detection"] = full.detection ? dto::detection(*full.detection) : json(nullptr);
  value["promotion"] = full.promotion ? dto::promotion(*full.promotion) : json(nullptr);
  value["rebuild"] = full.rebuild ? dto::rebuild(*full.rebuild) : json(nullptr);
  value["rebuilds"] = json::array();
  for (const auto& triggered : full.triggered) {
    auto rebuild = dto::rebuild(triggered.rebuild);
    rebuild["status"] = triggered.run ? json(triggered.run->status) : json(nullptr);
    rebuild["outcome"] =
        triggered.run && !triggered.run->outcome.empty() ? json(triggered.run->outcome) : json(nullptr);
    value["rebuilds"].push_back(std::move(rebuild));
  }
  return value;
}

struct LogPage {
  bool found = false;
  bool final = false;
  std::vector<store::LogLine> lines;
};

LogPage read_page(store::Tables& tables, RunId id, std::int64_t after, int limit) {
  LogPage page;
  const auto run = tables.runs.find(id);
  if (!run) return page;
  page.found = true;
  page.lines = tables.log.read(id, after, limit);
  // Only the last page of a finished run ends the reading.
  page.final = run->ended.has_value() && page.lines.size() < static_cast<std::size_t>(limit);
  return page;
}

}  // namespace

Task<net::ServerResponse> list_runs(Call call) {
  Query query(call.request);
  store::RunFilter filter;
  filter.status = query.status("status");
  filter.task = query.text("task");
  filter.pipeline = query.text("pipeline");
  filter.parent = query.run("parent");
  filter.limit = query.limit(50);
  query.done();
  auto work = [filter](store::Tables& tables) { return tables.runs.list(filter); };
  const auto runs = co_await call.context.store.read(std::move(work));
  auto list = json::array();
  for (const auto& run : runs)
    list.push_back(dto::run(run));
  co_return json_response(list);
}

Task<net::ServerResponse> get_run(Call call) {
  Query(call.request).done();
  const auto id = read_run_id(call.arguments.at(0));
  auto work = [id](store::Tables& tables) { return read_full(tables, id); };
  const auto full = co_await call.context.store.read(std::move(work));
  if (!full) no_such_run(id.text());
  co_return json_response(full_json(*full));
}

Task<net::ServerResponse> get_run_log(Call call) {
  auto& context = call.context;
  const auto id = read_run_id(call.arguments.at(0));
  Query query(call.request);
  const auto after = query.number("after");
  const int limit = query.limit(500);
  const auto until = context.clock.steady() + query.wait();
  query.done();
  LogPage page;
  while (true) {
    const auto seen = context.engine.changes();
    auto work = [id, after, limit](store::Tables& tables) { return read_page(tables, id, after, limit); };
    page = co_await context.store.read(std::move(work));
    if (!page.found) no_such_run(id.text());
    if (page.final || !page.lines.empty()) break;
    const bool changed = co_await wait_for_change(context, seen, until);
    if (!changed) break;
  }
  auto lines = json::array();
  for (const auto& line : page.lines)
    lines.push_back(dto::log_line(line));
  const auto next = page.lines.empty() ? after : page.lines.back().id;
  co_return json_response({{"lines", std::move(lines)}, {"next", next}, {"final", page.final}});
}

Task<net::ServerResponse> post_cancel(Call call) {
  auto& context = call.context;
  read_body(call.request.body, {});
  const auto id = read_run_id(call.arguments.at(0));
  auto work = [id](store::Tables& tables) { return tables.runs.find(id); };
  auto run = co_await context.store.read(std::move(work));
  if (!run) no_such_run(id.text());
  const bool cancelled = co_await context.engine.cancel(id, std::move(call.who));
  if (!cancelled) {
    auto again = [id](store::Tables& tables) { return tables.runs.find(id); };
    run = co_await context.store.read(std::move(again));
    throw Error(ErrorKind::conflict, "run " + id.text() + " cannot be cancelled any more: it is " +
                                         (run ? run->state : std::string("gone")));
  }
  co_return json_response({{"run", id.text()}, {"cancelled", true}});
}

}  // namespace sluice::api
