#include "watch/watched.hpp"

#include "core/retry.hpp"

#include <algorithm>

namespace sluice::watch {
namespace {

constexpr Milliseconds first_within{2000};
constexpr Milliseconds longest_retry_after = std::chrono::minutes(15);
constexpr Milliseconds longest_backoff = std::chrono::minutes(5);
constexpr Milliseconds longest_return = std::chrono::minutes(1);

Steady::duration scaled(Steady::duration duration, double factor) {
  using Fraction = std::chrono::duration<double, Steady::period>;
  return std::chrono::duration_cast<Steady::duration>(Fraction(duration) * factor);
}

}  // namespace

Next after(Steady now, Milliseconds pace) {
  return {now + scaled(pace, 0.9), scaled(pace, 0.2)};
}

Steady drawn(const Next& next, Random& random) {
  return next.at + scaled(next.spread, random.unit());
}

void Watched::look_again(Steady at) {
  again = true;
  again_at = std::min(again_at, at);
}

void Watched::begin_look(bool as_probe) {
  out = true;
  out_of = watch.registry;
  probe = as_probe;
  again = false;
  again_at = Steady::max();
}

Steady Watched::succeeded(Steady now, const std::optional<Next>& next, Random& random) {
  failures = 0;
  failed = false;
  hurried = again;
  if (again) return std::max(now, again_at);
  return drawn(next.value_or(after(now, watch.every)), random);
}

Steady Watched::not_answered(Steady now, std::optional<Milliseconds> retry_after, Random& random) {
  failed = true;
  hurried = hurried || again;
  if (again) return std::max(now, again_at);
  if (retry_after) return now + std::clamp(*retry_after, Milliseconds(0), longest_retry_after);
  const Backoff backoff{.most = std::clamp(watch.every, Milliseconds(1), longest_backoff / 8) * 8};
  return now + backoff.wait(++failures, random.unit());
}

Steady Watched::returned(Steady now, Random& random) {
  failures = 0;
  failed = false;
  return drawn({now, hurried ? Milliseconds(0) : std::min(watch.every / 2, longest_return)}, random);
}

Steady Watched::begun(Steady now, Random& random) const {
  return drawn({now, std::min(watch.every, first_within)}, random);
}

}  // namespace sluice::watch
