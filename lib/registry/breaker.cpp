#include "registry/breaker.hpp"

#include "core/retry.hpp"

#include <algorithm>

namespace sluice::registry {
namespace {

// The most is what jobs wait at most between attempts: the attempts of a job outlast the same outages as
// without.
constexpr Backoff outage_backoff{std::chrono::seconds(1), std::chrono::minutes(5)};

}  // namespace

Milliseconds Breaker::wait(Steady now) const {
  if (state_ == State::closed) return Milliseconds(0);
  return std::max(std::chrono::ceil<Milliseconds>(until_ - now), Milliseconds(0));
}

std::optional<Steady> Breaker::asked_from() const {
  return state_ == State::closed ? std::nullopt : std::optional(until_);
}

bool Breaker::take(Steady now) {
  if (state_ == State::closed) return false;
  state_ = State::half_open;
  until_ = now + probe_time;
  probed_ = now;
  heard_ = false;
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
    open(now + outage_backoff.wait(++openings_, unit));
    return true;
  }
  // Others that were out when it opened say nothing new.
  if (!was_probe) return false;
  open(now + outage_backoff.wait(++openings_, unit));
  if (heard_) heard(now);
  return false;
}

void Breaker::given_up(Steady now) {
  if (state_ == State::half_open) open(std::max(now, probed_ + between_probes));
}

// What is heard while a probe is out may be younger than what the probe finds.
void Breaker::heard(Steady now) {
  heard_ = state_ != State::closed;
  if (state_ != State::open) return;
  openings_ = 0;
  until_ = std::min(until_, std::max(now, probed_ + between_probes));
}

void Breaker::open(Steady until) {
  state_ = State::open;
  until_ = until;
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
