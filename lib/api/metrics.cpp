// What the daemon counts, for Prometheus. The number of time series is bounded by the configuration: none has
// a label for a tag or a digest, and pipelines are named only while they are held.

#include "api/exposition.hpp"
#include "api/input.hpp"
#include "api/resources.hpp"
#include "engine/freshness.hpp"
#include "engine/held.hpp"
#include "engine/overview.hpp"

#include <algorithm>

namespace sluice::api {
namespace {

constexpr std::size_t most_series = 1000;  // of one metric

struct Counted {
  std::vector<store::RunCount> runs;
  int jobs = 0;
  std::vector<engine::Held> holds;  // those that are in force for longest
};

Counted count_up(store::Tables& tables) {
  Counted counted{.runs = tables.runs.counts(), .jobs = tables.jobs.count(), .holds = {}};
  auto holds = tables.holds.all();
  std::stable_sort(holds.begin(), holds.end(),
                   [](const auto& left, const auto& right) { return left.since < right.since; });
  holds.resize(std::min(holds.size(), most_series));
  for (auto& hold : holds) {
    const auto name = hold.pipeline;
    counted.holds.push_back(engine::held(tables, std::move(hold), name));
  }
  return counted;
}

double seconds_of(auto duration) {
  return std::chrono::duration<double>(duration).count();
}

template <class Number>
double real(Number number) {
  return static_cast<double>(number);
}

void write_daemon(Exposition& out, const Context& context) {
  out.gauge("sluice_build_info", "1, with the version of the program.");
  out.sample(1, {{"version", context.options.version}});
  out.gauge("sluice_start_time_seconds", "When the daemon started, in seconds since 1970.");
  out.sample(seconds_of(context.options.started.time_since_epoch()));
  out.gauge("sluice_heartbeat_age_seconds", "Since a loop of the engine last came round.");
  for (const auto& [name, beat] : context.engine.heartbeats())
    out.sample(seconds_of(context.clock.steady() - beat), {{"loop", name}});
}

void write_store(Exposition& out, const store::Store& store) {
  out.gauge("sluice_database_bytes", "Size of the database.");
  out.sample(real(store.database_bytes()));
  out.gauge("sluice_wal_bytes", "Size of its write-ahead log.");
  out.sample(real(store.log_bytes()));
  out.counter("sluice_commits_total", "Transactions that were made durable.");
  out.sample(real(store.commits()));
}

void write_runs(Exposition& out, const Counted& counted) {
  out.gauge("sluice_runs", "Runs in the database by status.");
  for (const auto& row : counted.runs)
    out.sample(real(row.now), {{"status", row.status}});
  out.counter("sluice_runs_total", "Runs that came into a status since the database was made.");
  for (const auto& row : counted.runs)
    out.sample(real(row.ever), {{"status", row.status}});
  out.gauge("sluice_jobs_queued", "Jobs that are not done, those in hand included.");
  out.sample(counted.jobs);
}

void write_holds(Exposition& out, const std::vector<engine::Held>& holds, Time now) {
  out.gauge("sluice_hold_seconds", "Since the hold of a pipeline began.");
  for (const auto& held : holds)
    out.sample(seconds_of(held.age(now)), {{"pipeline", held.hold.pipeline}});
  out.gauge("sluice_hold_images_waiting", "Images that wait for the hold of a pipeline to end.");
  for (const auto& held : holds)
    out.sample(held.images_waiting, {{"pipeline", held.hold.pipeline}});
}

void write_polls(Exposition& out, const engine::Freshness& freshness) {
  out.counter("sluice_polls_total", "Looks at upstreams by registry and result.");
  for (const auto& [registry, looks] : freshness.looks()) {
    out.sample(real(looks.changed), {{"registry", registry}, {"result", "changed"}});
    out.sample(real(looks.unchanged), {{"registry", registry}, {"result", "unchanged"}});
    out.sample(real(looks.failed), {{"registry", registry}, {"result", "failed"}});
  }
}

// `value` gives nullopt where there is nothing to say of a registry.
template <class Value>
void per_registry(Exposition& out, const std::vector<engine::RegistryFreshness>& registries, Value value) {
  for (std::size_t i = 0; i < std::min(registries.size(), most_series); ++i)
    if (const std::optional<double> number = value(registries[i]))
      out.sample(*number, {{"registry", registries[i].host}});
}

void write_registries(Exposition& out, const std::vector<engine::RegistryFreshness>& registries, Time now) {
  out.gauge("sluice_watches", "Upstream tags that are watched.");
  per_registry(out, registries, [](const auto& one) { return real(one.promise.watches); });
  out.gauge("sluice_watches_failing", "Those whose last look failed.");
  per_registry(out, registries, [](const auto& one) { return real(one.failing); });
  out.gauge("sluice_watches_unknown", "Those that were never answered.");
  per_registry(out, registries, [](const auto& one) { return real(one.unknown); });
  out.gauge("sluice_staleness_seconds", "How old the oldest knowledge of a watch is.");
  per_registry(out, registries, [&](const auto& one) -> std::optional<double> {
    if (!one.oldest) return std::nullopt;
    return std::max(0.0, seconds_of(now - *one.oldest));
  });
  out.gauge("sluice_look_interval_seconds", "From a look to the next, of the least watched tag.");
  per_registry(out, registries, [](const auto& one) { return seconds_of(one.promise.to); });
}

void write_webhooks(Exposition& out, const engine::Engine& engine) {
  out.counter("sluice_webhooks_total", "Deliveries of webhooks by what became of them.");
  for (const auto& [name, status] : engine.hooks()) {
    const auto sample = [&out, name = name, sender = status.sender](const std::string& outcome,
                                                                    std::uint64_t count) {
      out.sample(real(count), {{"webhook", name}, {"sender", sender}, {"outcome", outcome}});
    };
    sample("accepted", status.accepted);
    sample("duplicate", status.duplicates);
    sample("ignored", status.ignored);
    for (const auto& [reason, count] : status.refused)
      sample("refused: " + reason, count);
  }
  out.counter("sluice_webhooks_missed_total",
              "Changes that a poll found although webhooks used to tell of them.");
  out.sample(real(engine.freshness().missed()));
}

void write_delays(Exposition& out, const engine::Freshness& freshness) {
  out.histogram(
      "sluice_detection_delay_seconds",
      "From a change of an upstream tag until it was seen, by what tells its time; nothing: the longest "
      "that it can have been.");
  for (const auto& [by, histogram] : freshness.delays())
    out.sample(histogram, {{"known_by", std::string(to_string(by))}});
}

}  // namespace

Task<net::ServerResponse> get_metrics(Call call) {
  auto& context = call.context;
  Query(call.request).done();
  const auto counted = co_await context.store.read(count_up);
  const auto& freshness = context.engine.freshness();
  const auto overview = co_await context.engine.overview();
  Exposition out;
  write_daemon(out, context);
  write_store(out, context.store);
  write_runs(out, counted);
  write_holds(out, counted.holds, context.clock.now());
  write_polls(out, freshness);
  write_registries(out, overview.upstreams, context.clock.now());
  write_webhooks(out, context.engine);
  write_delays(out, freshness);
  net::ServerResponse response;
  response.headers.set("Content-Type", std::string(Exposition::content_type));
  response.headers.set("Cache-Control", "no-store");
  response.body = out.take();
  co_return response;
}

}  // namespace sluice::api
