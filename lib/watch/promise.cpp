#include "watch/promise.hpp"

#include <algorithm>
#include <limits>

namespace sluice::watch {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

double per_second(Milliseconds pace) {
  return 1000.0 / static_cast<double>(std::max<std::int64_t>(pace.count(), 1));
}

Milliseconds stretched(Milliseconds pace, double factor) {
  constexpr double most = 1e15;
  return Milliseconds(static_cast<std::int64_t>(std::min(static_cast<double>(pace.count()) * factor, most)));
}

}  // namespace

std::string_view to_string(HeldBackBy by) {
  if (by == HeldBackBy::budget) return "budget";
  return by == HeldBackBy::concurrency ? "concurrency" : "nothing";
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
  const double by_budget = supply.budget ? std::max(*supply.budget, 1e-9) : unlimited;
  const double rate = std::min(by_concurrency, by_budget);
  const double factor = std::max(1.0, wanted / rate);
  if (factor > 1)
    made.held_back_by = by_budget <= by_concurrency ? HeldBackBy::budget : HeldBackBy::concurrency;
  const auto [fastest, slowest] = std::minmax_element(paces.begin(), paces.end());
  made.from = stretched(*fastest, factor);
  made.to = stretched(*slowest, factor);
  made.per_hour = std::min(wanted, rate) * 3600;
  return made;
}

}  // namespace sluice::watch
