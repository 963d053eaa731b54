#include "engine/held.hpp"

#include "pipeline/run.hpp"

#include <algorithm>
#include <utility>

namespace sluice::engine {

std::chrono::microseconds Held::age(Time now) const {
  return std::max<std::chrono::microseconds>(now - hold.since, {});
}

Held held(store::Tables& tables, store::Hold hold, const std::string& name) {
  const auto waiting = tables.runs.count_waiting(name, std::string(pipeline::behind_hold));
  return {.hold = std::move(hold), .images_waiting = waiting};
}

}  // namespace sluice::engine
