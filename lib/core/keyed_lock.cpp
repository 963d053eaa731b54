#include "core/keyed_lock.hpp"

namespace sluice {

KeyedLock::Place::Place(KeyedLock& lock, std::string key) : lock_(lock), key_(std::move(key)) {
  lock_.held_.emplace(key_, std::make_shared<Signal>());
}

KeyedLock::Place::~Place() {
  const auto place = lock_.held_.extract(key_);
  if (place) place.mapped()->notify();
}

Task<> KeyedLock::wait(std::string key, Clock& clock) {
  for (;;) {
    const auto found = held_.find(key);
    if (found == held_.end()) co_return;
    const auto signal = found->second;
    co_await signal->wait_past(0, clock, clock.steady() + std::chrono::hours(1));
  }
}

}  // namespace sluice
