#include "core/retry.hpp"

#include <algorithm>
#include <cmath>

namespace sluice {

Milliseconds Backoff::wait(int attempt, double unit, std::optional<Milliseconds> retry_after,
                           Milliseconds cap) const {
  if (retry_after && retry_after->count() > 0) return std::min(*retry_after, cap);
  const double doubled = static_cast<double>(first.count()) * std::pow(2.0, std::clamp(attempt - 1, 0, 40));
  const double full = std::min(doubled, static_cast<double>(most.count()));
  return Milliseconds(static_cast<Milliseconds::rep>(full * (0.5 + unit / 2)));
}

}  // namespace sluice
