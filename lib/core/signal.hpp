#pragma once
// Wakes coroutines that wait for something to change. Event-loop thread only.

#include "core/clock.hpp"

#include <cstdint>
#include <memory>

namespace sluice {

class Signal {
 public:
  Signal();
  /// Wakes every waiter.
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  /// Wakes every waiter, and makes the next wait_past(old value, ...) return at once.
  void notify();
  /// How often notify() was called.
  std::uint64_t count() const;
  /// Returns when count() > seen or `until` passed by `clock`, whichever is first. Throws Error(cancelled)
  /// when the calling coroutine is cancelled meanwhile. Any number of coroutines may wait at the same time.
  Task<> wait_past(std::uint64_t seen, Clock& clock, Steady until);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sluice
