#include "core/keyed_lock.hpp"

#include <algorithm>

namespace sluice {

KeyedLock::Place::Place(KeyedLock& lock, std::string key) : lock_(lock), key_(std::move(key)) {
  lock_.held_.emplace(key_, std::make_shared<Holder>());
}

KeyedLock::Place::~Place() {
  const auto place = lock_.held_.extract(key_);
  if (place) place.mapped()->gone.notify();
}

Task<bool> KeyedLock::wait(std::string key, Clock& clock, Steady until) {
  for (;;) {
    const auto found = held_.find(key);
    if (found == held_.end()) co_return true;
    const auto holder = found->second;
    if (clock.steady() >= until) {
      holder->waited_for_in_vain = true;
      co_return false;
    }
    co_await holder->gone.wait_past(0, clock, std::min(until, clock.steady() + std::chrono::hours(1)));
  }
}

bool KeyedLock::is_stuck(const std::string& key) const {
  const auto found = held_.find(key);
  return found != held_.end() && found->second->waited_for_in_vain;
}

}  // namespace sluice
