#include "registry/breaker.hpp"

#include "core/retry.hpp"

#include <algorithm>

namespace sluice::registry {
namespace {

// The most is what jobs wait at most between attempts: the attempts of a job outlast the same outages as
// without.
constexpr Backoff outage_backoff{std::chrono::seconds(2), std::chrono::minutes(5)};

}  // namespace

Milliseconds Breaker::wait(Steady now) const {
  if (state_ == State::closed) return Milliseconds(0);
  return std::max(std::chrono::ceil<Milliseconds>(until_ - now), Milliseconds(0));
}

bool Breaker::take(Steady now) {
  if (state_ == State::closed) return false;
  state_ = State::half_open;
  until_ = now + probe_time;
  return true;
}

bool Breaker::succeeded() {
  const bool changed = state_ != State::closed;
  *this = Breaker();
  return changed;
}

bool Breaker::failed(bool was_probe, Steady now, double unit) {
  ++failures_;
  if (state_ == State::closed) {
    if (failures_ < threshold) return false;
    open(now, unit);
    return true;
  }
  // Others that were out when it opened say nothing new.
  if (was_probe) open(now, unit);
  return false;
}

void Breaker::given_up() {
  if (state_ != State::half_open) return;
  state_ = State::open;
  until_ = Steady{};
}

void Breaker::open(Steady now, double unit) {
  state_ = State::open;
  until_ = now + outage_backoff.wait(++openings_, unit);
}

std::string_view to_string(Breaker::State state) {
  switch (state) {
    case Breaker::State::closed:
      return "closed";
    case Breaker::State::open:
      return "open";
    case Breaker::State::half_open:
      return "half_open";
  }
  return "closed";
}

}  // namespace sluice::registry
