#pragma once
// Wakes coroutines that wait for something to change. Event-loop thread only.

#include <cstdint>
#include <memory>

#include "core/clock.hpp"

namespace sluice {

class Signal {
 public:
  Signal();
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  /// Wakes every waiter, and makes the next wait_past(old value, ...) return at once.
  void notify();
  /// How often notify() was called.
  std::uint64_t count() const { return count_; }
  /// Returns when count() > seen or `until` passed by `clock`, whichever is first.
  Task<> wait_past(std::uint64_t seen, Clock& clock, Steady until);

 private:
  struct Waiters;
  std::unique_ptr<Waiters> waiters_;
  std::uint64_t count_ = 0;
};

}  // namespace sluice
