// Looks that were promised to webhooks.

#include "engine/poller.hpp"

#include <algorithm>
#include <utility>

namespace sluice::engine {
namespace {

// Between two looks at one upstream that webhooks cause.
constexpr auto between_hurried = std::chrono::seconds(1);
// Promises that were kept are written off together, and behind what they were made for.
constexpr auto between_kept = std::chrono::seconds(1);

}  // namespace

std::optional<std::string> Poller::watch_for(const std::string& pipeline) const {
  if (list_.contains(pipeline)) return pipeline;
  if (const auto key = config::split_key(pipeline)) {
    std::string set(key->set);
    if (list_.contains(set)) return set;
  }
  return std::nullopt;
}

bool Poller::is_owed(const std::string& pipeline) const {
  const auto found = owed_.find(pipeline);
  return found != owed_.end() && !found->second.again;
}

void Poller::owe(const std::string& pipeline, std::int64_t receipt, Time received) {
  const auto id = list_.of(pipeline);
  if (!id) return;  // a reload came in between
  remember_owed(pipeline, {.receipt = receipt, .since = received});
  freshness_.delivered(pipeline, received);
  registry_.heard_of(list_.find(*id)->repository->registry);
  auto at = world_.clock.steady();
  if (const auto last = hurried_.find(pipeline); last != hurried_.end())
    at = std::max(at, last->second + between_hurried);
  scheduler_.hurry(std::to_string(*id), at);
  wake_.notify();
}

void Poller::remember_owed(const std::string& pipeline, Owed owed) {
  const auto [found, added] = owed_.try_emplace(pipeline, owed);
  if (added) return;
  found->second.receipt = std::max(found->second.receipt, owed.receipt);
  found->second.since = std::min(found->second.since, owed.since);
  found->second.again = found->second.again && owed.again;
}

// The look that these were taken for is no more: by those that have come in its place.
void Poller::hurry_owed(const Promises& owed) {
  for (const auto& [pipeline, promise] : owed)
    if (const auto id = list_.of(pipeline)) scheduler_.hurry(std::to_string(*id), world_.clock.steady());
  wake_.notify();
}

Poller::Promises Poller::take_owed(Id id) {
  Promises taken;
  const auto* look = owed_.empty() ? nullptr : list_.find(id);
  if (!look) return taken;
  for (const auto& one : look->subscribers) {
    const auto found = owed_.find(*one.name);
    if (found == owed_.end()) continue;
    taken.insert(*found);
    owed_.erase(found);
    hurried_[*one.name] = world_.clock.steady();
  }
  return taken;
}

void Poller::note_kept(const Kept& kept) {
  for (const auto& [pipeline, receipt] : kept) {
    auto& newest = kept_[pipeline];
    newest = std::max(newest, receipt);
  }
  if (kept_.empty() || kept_due_ != Steady::max()) return;
  kept_due_ = world_.clock.steady() + between_kept;
  if (kept_due_ < waits_until_) wake_.notify();
}

// What is not written off is looked at once more after a restart, which harms nothing.
Task<> Poller::write_kept() {
  const auto kept = std::exchange(kept_, {});
  if (kept.empty()) co_return;
  std::vector<std::pair<std::string, watch::HookRecord>> hooks;
  for (const auto& [pipeline, receipt] : kept)
    if (const auto unsaved = freshness_.take_unsaved(pipeline)) hooks.emplace_back(pipeline, *unsaved);
  auto change = [kept, hooks](store::Tables& tables) {
    for (const auto& [pipeline, receipt] : kept)
      tables.webhooks.looked(pipeline, receipt);
    for (const auto& [pipeline, record] : hooks)
      Freshness::save(tables, pipeline, record);
  };
  try {
    co_await world_.store.write(std::move(change));
  } catch (...) {
    note_kept(kept);
    for (const auto& [pipeline, record] : hooks)
      freshness_.keep_unsaved(pipeline);
    throw;
  }
}

Task<> Poller::take_up_owed() {
  auto query = [](store::Tables& tables) { return tables.webhooks.owed(); };
  const auto looks = co_await world_.store.read(std::move(query));
  std::vector<store::OwedLook> gone;
  for (const auto& look : looks) {
    if (list_.contains(look.pipeline))
      owe(look.pipeline, look.receipt, look.since);
    else
      gone.push_back(look);
  }
  if (gone.empty()) co_return;
  auto change = [gone](store::Tables& tables) {
    for (const auto& look : gone)
      tables.webhooks.looked(look.pipeline, look.receipt);
  };
  co_await world_.store.write(std::move(change));
}

}  // namespace sluice::engine
