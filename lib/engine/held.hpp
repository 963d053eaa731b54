#pragma once
// A hold as people are told of it: for how long it has been, and what waits behind it.

#include "store/tables.hpp"

#include <chrono>
#include <string>

namespace sluice::engine {

/// A hold that is older may have been forgotten, and people are told so.
inline constexpr auto overlong_hold = std::chrono::days(30);

struct Held {
  store::Hold hold;
  int images_waiting = 0;  // for it to end, to be promoted

  std::chrono::microseconds age(Time now) const;  // never negative
  bool is_overlong(Time now) const { return age(now) > overlong_hold; }
};

/// `name`: what is held, which is the pipeline or set of the hold, or a member of that set.
Held held(store::Tables& tables, store::Hold hold, const std::string& name);

}  // namespace sluice::engine
