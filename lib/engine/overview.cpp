#include "engine/overview.hpp"

#include <algorithm>
#include <utility>

namespace sluice::engine {
namespace {

// Looks leave a tenth to copies.
double left_for_looks(std::int64_t count, Milliseconds period) {
  return 0.9 * static_cast<double>(count) / std::chrono::duration<double>(period).count();
}

// Of the budget that was set for all requests.
std::optional<double> looks_of_budget(const config::Registry& registry) {
  if (!registry.budget || !registry.budget->counts_all) return std::nullopt;
  return left_for_looks(registry.budget->count, registry.budget->period);
}

// Of the limit that the registry told, where looks count against it.
std::optional<double> looks_of_limit(const std::vector<registry::RegistryStatus>& registries,
                                     const std::string& host) {
  for (const auto& status : registries) {
    if (status.registry != host || !status.looks_cost || status.limit->window.count() == 0) continue;
    return left_for_looks(std::max(status.limit->limit, status.limit->remaining), status.limit->window);
  }
  return std::nullopt;
}

void count_member(SetCounts& set, const WatchStatus& status) {
  ++set.members;
  set.looked_at += status.last_look ? 1 : 0;
  set.failing += status.error.empty() ? 0 : 1;
}

}  // namespace

void Tally::add(const std::string& name, const WatchStatus& status) {
  const auto key = config::split_key(name);
  const auto* pipeline = config_->pipeline(key ? key->set : name);
  if (!pipeline) return;
  if (key) count_member(sets_[pipeline->name], status);
  auto& upstream = upstreams_[pipeline->upstream.repository.registry];
  upstream.paces.push_back(pace(name, pipeline->poll));
  if (!status.error.empty()) ++upstream.told.failing;
  const auto* memory = freshness_.of(name);
  const auto known_at = memory ? memory->known_at : status.last_look;
  if (known_at)
    upstream.told.oldest = std::min(upstream.told.oldest.value_or(*known_at), *known_at);
  else
    ++upstream.told.unknown;
}

Milliseconds Tally::pace(const std::string& name, const config::Poll& poll) {
  if (!poll.cron) return freshness_.pace(name, poll);
  const auto [found, added] = crons_.try_emplace(poll.cron->text() + " " + poll.zone->name());
  if (added) found->second = freshness_.pace(name, poll);
  return found->second;
}

Overview Tally::take(const std::vector<registry::RegistryStatus>& registries) {
  Overview overview;
  for (auto& [host, upstream] : upstreams_) {
    const auto settings = config_->registry(host);
    const auto looks = freshness_.looks().find(host);
    auto& told = upstream.told;
    told.host = host;
    told.at_once = static_cast<std::size_t>(settings.concurrency);
    told.promise = watch::promise(
        upstream.paces, {.at_once = told.at_once,
                         .look_takes = looks == freshness_.looks().end() ? std::nullopt : looks->second.takes,
                         .budget = looks_of_budget(settings),
                         .limit = looks_of_limit(registries, host)});
    overview.upstreams.push_back(std::move(told));
  }
  overview.sets = std::move(sets_);
  return overview;
}

}  // namespace sluice::engine
