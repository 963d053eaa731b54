#pragma once
// One coroutine at a time per key. Event-loop thread only.

#include "core/signal.hpp"

#include <map>
#include <memory>
#include <string>

namespace sluice {

/// Use: `co_await lock.wait(key, clock); const KeyedLock::Place place(lock, key);` with nothing awaited in
/// between.
class KeyedLock {
 public:
  /// Holds the place of one key; gives it back when destroyed.
  class Place {
   public:
    Place(KeyedLock& lock, std::string key);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    KeyedLock& lock_;
    std::string key_;
  };
  /// Returns true when nobody holds the key (any more), false when somebody still does at `until`. Throws
  /// Error(cancelled) when the caller is cancelled.
  Task<bool> wait(std::string key, Clock& clock, Steady until = Steady::max());
  /// Whether a wait for who holds the key now was in vain.
  bool is_stuck(const std::string& key) const;

 private:
  struct Holder {
    Signal gone;
    bool waited_for_in_vain = false;
  };
  std::map<std::string, std::shared_ptr<Holder>> held_;
};

}  // namespace sluice
