// Pipelines: history, and what a person may ask of one.

#include "api/dto.hpp"
#include "api/input.hpp"
#include "api/output.hpp"
#include "api/resources.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace sluice::api {
namespace {

using nlohmann::json;

struct History {
  struct Seen {
    store::Observation observation;
    std::optional<store::Run> run;
    std::optional<store::Promotion> promotion;
    std::optional<store::Detection> detection;
  };
  std::vector<Seen> seen;
  std::vector<store::Promotion> promotions;
  std::vector<store::AuditEntry> events;
  bool empty() const { return seen.empty() && promotions.empty() && events.empty(); }
};

// What became of an observed digest: the run that it started, else the newest one of the digest.
History::Seen follow(store::Tables& tables, store::Observation observation) {
  History::Seen seen{.observation = std::move(observation), .run = {}, .promotion = {}, .detection = {}};
  seen.detection = tables.freshness.of_observation(seen.observation.id);
  const auto& pipeline = seen.observation.pipeline;
  if (seen.observation.run) seen.run = tables.runs.find(*seen.observation.run);
  if (!seen.run) seen.run = tables.runs.latest_of(pipeline, seen.observation.digest);
  if (seen.run) seen.promotion = tables.promotions.of_run(seen.run->id);
  if (!seen.promotion) seen.promotion = tables.promotions.of_digest(pipeline, seen.observation.digest);
  return seen;
}

// What was seen and promoted at that time is one row each; what a person did before is told as far as the
// limit goes.
History read_history_at(store::Tables& tables, const std::string& name, Time at, int limit) {
  History history;
  if (auto seen = tables.observations.at(name, at)) history.seen.push_back(follow(tables, std::move(*seen)));
  if (auto promotion = tables.promotions.at(name, at)) history.promotions.push_back(std::move(*promotion));
  history.events = tables.audit.list_until(name, at, limit);
  return history;
}

History read_history(store::Tables& tables, const std::string& name, std::optional<Time> at, int limit) {
  if (at) return read_history_at(tables, name, *at, limit);
  History history;
  for (auto& row : tables.observations.history(name, limit))
    history.seen.push_back(follow(tables, std::move(row)));
  history.promotions = tables.promotions.history(name, limit);
  history.events = tables.audit.list(name, limit);
  return history;
}

json became_json(const History::Seen& seen) {
  if (!seen.run && !seen.promotion) return nullptr;
  const auto text = [](const std::string& value) { return value.empty() ? json(nullptr) : json(value); };
  return {{"run", seen.run ? json(seen.run->id.text()) : json(nullptr)},
          {"status", seen.run ? json(seen.run->status) : json(nullptr)},
          {"outcome", seen.run ? text(seen.run->outcome) : json(nullptr)},
          {"waiting_for", seen.run ? text(seen.run->waiting_for) : json(nullptr)},
          {"promotion", seen.promotion ? dto::promotion(*seen.promotion) : json(nullptr)}};
}

// Unchanged answers reach the store only now and then; the engine knows of the last one.
void freshen(store::Observation& newest, const std::map<std::string, engine::WatchStatus>& watches) {
  const auto watch = watches.find(newest.pipeline);
  if (watch == watches.end() || !watch->second.last_look || watch->second.digest != newest.digest) return;
  newest.last_seen = std::max(newest.last_seen, *watch->second.last_look);
}

json history_json(const std::string& name, const std::optional<config::Pipeline>& pipeline,
                  const History& history) {
  json value{{"pipeline", name},
             {"observations", json::array()},
             {"promotions", json::array()},
             {"events", json::array()}};
  value["upstream"] = pipeline ? json(pipeline->upstream.text()) : json(nullptr);
  value["target"] = pipeline ? json(pipeline->target.text() + ":" + pipeline->stable_tag) : json(nullptr);
  for (const auto& seen : history.seen) {
    auto observation = dto::observation(seen.observation);
    observation["detection"] = seen.detection ? dto::detection(*seen.detection) : json(nullptr);
    observation["became"] = became_json(seen);
    value["observations"].push_back(std::move(observation));
  }
  for (const auto& row : history.promotions)
    value["promotions"].push_back(dto::promotion(row));
  for (const auto& row : history.events)
    value["events"].push_back(dto::audit(row));
  return value;
}

}  // namespace

Task<net::ServerResponse> get_history(Call call) {
  auto& context = call.context;
  const auto name = call.arguments.at(0);
  Query query(call.request);
  const auto at = query.time("at");
  const int limit = query.limit(50);
  query.done();
  // Named, not a temporary within the co_await expression: g++ 12 destroys what those captured twice.
  auto work = [name, at, limit](store::Tables& tables) { return read_history(tables, name, at, limit); };
  auto history = co_await context.store.read(std::move(work));
  const auto config = context.engine.config();
  auto pipeline = config->watched(name);
  if (const auto* set = config->pipeline(name); !pipeline && set) pipeline = *set;
  // A tag that a set could watch is known once it was watched.
  if (config::split_key(name) && history.empty() && !context.engine.watches().contains(name))
    pipeline.reset();
  // The history of a pipeline stays when it is taken out of the configuration.
  if (!pipeline && history.empty())
    throw Error(ErrorKind::not_found, "no pipeline is called '" + printable(name, 80) + "', now or earlier");
  if (!at && !history.seen.empty()) freshen(history.seen.front().observation, context.engine.watches());
  co_return json_response(history_json(name, pipeline, history));
}

Task<net::ServerResponse> post_run(Call call) {
  read_body(call.request.body, {});
  const auto run =
      co_await call.context.engine.start_run(std::move(call.arguments.at(0)), std::move(call.who));
  co_return json_response({{"run", run.text()}}, 202);
}

Task<net::ServerResponse> post_hold(Call call) {
  auto& context = call.context;
  const auto name = call.arguments.at(0);
  const auto values = read_body(call.request.body, {"reason"});
  auto reason = values[0].value_or("");
  if (reason.find_first_not_of(" \t\r\n") == std::string::npos)
    throw Error(ErrorKind::invalid, "'reason' is missing: whoever finds the hold later must know why");
  const bool changed = co_await context.engine.hold(name, std::move(reason), std::move(call.who));
  auto work = [name](store::Tables& tables) {
    const auto hold = tables.holds.active(name);
    return hold ? std::optional(engine::held(tables, *hold, name)) : std::nullopt;
  };
  const auto hold = co_await context.store.read(std::move(work));
  const auto now = context.clock.now();
  co_return json_response(
      {{"pipeline", name}, {"changed", changed}, {"hold", hold ? dto::hold(*hold, now) : json(nullptr)}});
}

Task<net::ServerResponse> post_resume(Call call) {
  const auto name = call.arguments.at(0);
  read_body(call.request.body, {});
  const bool changed = co_await call.context.engine.resume(name, std::move(call.who));
  co_return json_response({{"pipeline", name}, {"changed", changed}});
}

Task<net::ServerResponse> post_rollback(Call call) {
  const auto name = call.arguments.at(0);
  const auto values = read_body(call.request.body, {"to"});
  auto to = values[0].value_or("");
  const auto result = co_await call.context.engine.rollback(name, std::move(to), std::move(call.who));
  co_return json_response({{"pipeline", name},
                           {"changed", result.changed},
                           {"run", result.run.number() > 0 ? json(result.run.text()) : json(nullptr)},
                           {"digest", result.digest.text()}},
                          result.changed ? 202 : 200);
}

}  // namespace sluice::api
