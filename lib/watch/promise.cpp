#include "watch/promise.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace sluice::watch {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

double per_second(Milliseconds pace) {
  return 1000.0 / static_cast<double>(std::max<std::int64_t>(pace.count(), 1));
}

double allowed(const std::optional<double>& per_second) {
  return per_second ? std::max(*per_second, 1e-9) : unlimited;
}

Milliseconds stretched(Milliseconds pace, double factor) {
  constexpr double most = 1e15;
  return Milliseconds(static_cast<std::int64_t>(std::min(static_cast<double>(pace.count()) * factor, most)));
}

}  // namespace

std::string_view to_string(HeldBackBy by) {
  switch (by) {
    case HeldBackBy::concurrency:
      return "concurrency";
    case HeldBackBy::budget:
      return "budget";
    case HeldBackBy::limit:
      return "limit";
    case HeldBackBy::nothing:
      break;
  }
  return "nothing";
}

Promise promise(std::span<const Milliseconds> paces, const Supply& supply) {
  Promise made{.watches = paces.size()};
  if (paces.empty()) return made;
  double wanted = 0;
  for (const auto pace : paces)
    wanted += per_second(pace);
  const bool timed = supply.look_takes && supply.look_takes->count() > 0;
  const auto at_once = static_cast<double>(std::max<std::size_t>(supply.at_once, 1));
  const double by_concurrency = timed ? at_once * per_second(*supply.look_takes) : unlimited;
  // Of equal ones the first is named: what a person can change least.
  const auto [rate, by] =
      std::min({std::pair(allowed(supply.limit), HeldBackBy::limit),
                std::pair(allowed(supply.budget), HeldBackBy::budget),
                std::pair(by_concurrency, HeldBackBy::concurrency)},
               [](const auto& left, const auto& right) { return left.first < right.first; });
  const double factor = std::max(1.0, wanted / rate);
  if (factor > 1) made.held_back_by = by;
  const auto [fastest, slowest] = std::minmax_element(paces.begin(), paces.end());
  made.from = stretched(*fastest, factor);
  made.to = stretched(*slowest, factor);
  made.per_hour = std::min(wanted, rate) * 3600;
  return made;
}

}  // namespace sluice::watch
