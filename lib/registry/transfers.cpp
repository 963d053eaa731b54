#include "registry/transfers.hpp"

#include <utility>

namespace sluice::registry {

/// Stands in the queue until it is destroyed.
class Transfers::Waiter {
 public:
  Waiter(Transfers& transfers, Ends ends) : transfers_(transfers), ticket_(transfers.tickets_++) {
    transfers_.waiting_.emplace(ticket_, std::move(ends));
  }
  ~Waiter() {
    const bool was_first = transfers_.waiting_.begin()->first == ticket_;
    transfers_.waiting_.erase(ticket_);
    if (was_first && !transfers_.waiting_.empty()) transfers_.changed_.notify();
  }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  bool has_room() const { return transfers_.has_room(transfers_.waiting_.at(ticket_), ticket_); }

 private:
  Transfers& transfers_;
  std::uint64_t ticket_;
};

Transfers::Place::Place(Transfers& transfers, Ends ends) : transfers_(transfers), ends_(std::move(ends)) {
  for (const auto& [registry, most] : ends_)
    ++transfers_.taken_[registry];
}

Transfers::Place::~Place() {
  for (const auto& [registry, most] : ends_) {
    const auto taken = transfers_.taken_.find(registry);
    if (--taken->second == 0) transfers_.taken_.erase(taken);
  }
  if (!transfers_.waiting_.empty()) transfers_.changed_.notify();
}

// The first of the queue has a claim on a place at each of its ends: otherwise it could wait for ever for two
// registries that are never free at the same instant. Others wait for no claim, so that a slow registry holds
// up one place at most of another one.
bool Transfers::has_room(const Ends& ends, std::uint64_t ticket) const {
  const bool after_another = !waiting_.empty() && waiting_.begin()->first != ticket;
  for (const auto& [registry, most] : ends) {
    const bool claimed = after_another && waiting_.begin()->second.contains(registry);
    if (at(registry) + (claimed ? 1 : 0) >= most) return false;
  }
  return true;
}

Task<> Transfers::wait(Ends ends, Clock& clock) {
  const Waiter waiter(*this, std::move(ends));
  for (;;) {
    const auto seen = changed_.count();
    if (waiter.has_room()) co_return;
    co_await changed_.wait_past(seen, clock, clock.steady() + std::chrono::hours(1));
  }
}

std::size_t Transfers::at(const std::string& registry) const {
  const auto taken = taken_.find(registry);
  return taken == taken_.end() ? 0 : taken->second;
}

}  // namespace sluice::registry
