// Looks that were promised to webhooks.

#include "engine/poller.hpp"

#include <algorithm>
#include <utility>

namespace sluice::engine {
namespace {

// Between two looks at one upstream that webhooks cause.
constexpr auto between_hurried = std::chrono::seconds(1);

}  // namespace

std::optional<std::string> Poller::watch_for(const std::string& pipeline) const {
  if (list_.contains(pipeline)) return pipeline;
  if (const auto key = config::split_key(pipeline)) {
    std::string set(key->set);
    if (list_.contains(set)) return set;
  }
  return std::nullopt;
}

void Poller::owe(const std::string& pipeline, std::int64_t receipt) {
  const auto id = list_.of(pipeline);
  if (!id) return;  // a reload came in between
  auto& owed = owed_[pipeline];
  owed = std::max(owed, receipt);
  auto at = world_.clock.steady();
  if (const auto last = hurried_.find(pipeline); last != hurried_.end())
    at = std::max(at, last->second + between_hurried);
  scheduler_.hurry(std::to_string(*id), at);
  wake_.notify();
}

void Poller::hurry_members(const std::string& set) {
  const auto now = world_.clock.steady();
  for (const auto& key : list_.members(set))
    scheduler_.hurry(std::to_string(*list_.of(key)), now);
  wake_.notify();
}

Poller::Owed Poller::take_owed(Id id) {
  Owed taken;
  const auto* look = owed_.empty() ? nullptr : list_.find(id);
  if (!look) return taken;
  for (const auto& one : look->subscribers) {
    const auto found = owed_.find(*one.name);
    if (found == owed_.end()) continue;
    taken.emplace_back(*found);
    owed_.erase(found);
    hurried_[*one.name] = world_.clock.steady();
  }
  return taken;
}

// A look that failed stays owed: the scheduler tries again. What is not written off is looked at once more
// after a restart, which harms nothing.
Task<> Poller::settle_owed(Owed owed, bool answered) {
  // A reload may have come in between.
  std::erase_if(owed, [&](const auto& each) { return !list_.contains(each.first); });
  if (!answered) {
    for (const auto& [pipeline, receipt] : owed) {
      auto& again = owed_[pipeline];
      again = std::max(again, receipt);
    }
    co_return;
  }
  if (owed.empty()) co_return;
  auto change = [owed](store::Tables& tables) {
    for (const auto& [pipeline, receipt] : owed)
      tables.webhooks.looked(pipeline, receipt);
  };
  co_await world_.store.write(std::move(change));
}

Task<> Poller::take_up_owed() {
  auto query = [](store::Tables& tables) { return tables.webhooks.owed(); };
  const auto looks = co_await world_.store.read(std::move(query));
  std::vector<store::OwedLook> gone;
  for (const auto& look : looks) {
    if (list_.contains(look.pipeline))
      owe(look.pipeline, look.receipt);
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
