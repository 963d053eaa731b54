#include "registry/gates.hpp"

#include "core/text.hpp"
#include "net/fields.hpp"
#include "registry/answer.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace sluice::registry {

struct Gates::Gate {
  std::string registry;
  Budget budget;
  Breaker breaker;
  Signal changed;
  std::string error;  // of the last failure or refusal
  std::optional<Time> failing_since;
  std::optional<Time> limit_told;
  std::optional<Steady> asked_from;  // as it was told last
  std::optional<Time> asked_again;   // the same on the wall clock, while it is down
};

namespace {

// 501 and 505 tell of the request, not of the registry's health.
bool means_outage(int status) {
  return status == 408 || status == 499 || (status >= 500 && status != 501 && status != 505);
}

// So that all who wait do not come back at the same instant.
Milliseconds spread_out(Milliseconds wait, double unit) {
  return wait + Milliseconds(static_cast<Milliseconds::rep>(static_cast<double>(wait.count()) * 0.1 * unit));
}

// Without times: the same trouble is told in the same words, for whoever compares them. The wait is in
// retry_after.
Error refusal(const Gates::Gate& gate, Milliseconds wait, Steady now) {
  const std::string name = printable(gate.registry, 200);
  if (gate.breaker.wait(now).count() > 0)
    return {ErrorKind::unavailable, name + " is down and was not asked: " + gate.error, wait};
  if (gate.budget.pause(now).count() > 0)
    return {ErrorKind::rate_limited, name + " asked for a pause and was not asked: " + gate.error, wait};
  return {ErrorKind::rate_limited,
          name + " was not asked: its budget is used up (registries." + name + ".budget)", wait};
}

}  // namespace

std::shared_ptr<Gates::Gate> Gates::gate(const Endpoint& endpoint) {
  auto& gate = gates_[endpoint.base.authority()];
  if (!gate) {
    gate = std::make_shared<Gate>();
    gate->registry = endpoint.registry;
  }
  gate->budget.allow(endpoint.access.allowance, clock_.steady());
  return gate;
}

Task<> Gates::wait(const Endpoint& endpoint, Pace pace, bool is_pull, Milliseconds patience) {
  const auto gate = this->gate(endpoint);
  const auto until = clock_.steady() + patience;
  for (;;) {
    const auto seen = gate->changed.count();
    const auto now = clock_.steady();
    const auto down = gate->breaker.wait(now);
    const auto left = std::chrono::duration_cast<Milliseconds>(until - now);
    const auto wait = std::max(down, gate->budget.wait(pace, is_pull, now, left));
    if (wait.count() == 0) co_return;
    // A probe may end at any time.
    const bool probing = gate->breaker.state() == Breaker::State::half_open && down.count() > 0;
    if (now >= until || (!probing && now + wait > until))
      throw refusal(*gate, spread_out(wait, random_.unit()), now);
    co_await gate->changed.wait_past(seen, clock_, std::min(now + wait, until));
  }
}

std::optional<Steady> Gates::asked_from(const Gate& gate) const {
  const auto paused = gate.budget.asked_from(clock_.steady());
  const auto down = gate.breaker.asked_from();
  return paused && down ? std::max(paused, down) : paused ? paused : down;
}

std::optional<Steady> Gates::asked_from(const Endpoint& endpoint) const {
  const auto found = gates_.find(endpoint.base.authority());
  return found == gates_.end() ? std::nullopt : asked_from(*found->second);
}

void Gates::heard_of(const Endpoint& endpoint) {
  const auto found = gates_.find(endpoint.base.authority());
  if (found == gates_.end()) return;
  found->second->breaker.heard(clock_.steady());
  changed(*found->second);
}

Steady Gates::looks_from(const Endpoint& endpoint) const {
  const auto found = gates_.find(endpoint.base.authority());
  return found == gates_.end() ? Steady::min() : found->second->budget.looks_from(clock_.steady());
}

Milliseconds Gates::pause(const Endpoint& endpoint) const {
  const auto found = gates_.find(endpoint.base.authority());
  return found == gates_.end() ? Milliseconds(0) : found->second->budget.pause(clock_.steady());
}

// The instant on the wall clock is reckoned once, so that whoever asks twice is told the same.
void Gates::changed(Gate& gate) {
  gate.changed.notify();
  const auto from = asked_from(gate);
  if (from == gate.asked_from) return;
  gate.asked_from = from;
  gate.asked_again.reset();
  if (gate.breaker.state() == Breaker::State::open) gate.asked_again = at(*gate.breaker.asked_from());
  if (listener_) listener_();
}

Time Gates::at(Steady steady) const {
  return clock_.now() + std::chrono::duration_cast<std::chrono::microseconds>(steady - clock_.steady());
}

std::vector<RegistryStatus> Gates::statuses() const {
  const auto now = clock_.steady();
  std::vector<RegistryStatus> all;
  for (const auto& [authority, gate] : gates_) {
    RegistryStatus status;
    status.registry = gate->registry;
    status.state = gate->breaker.state();
    status.failures = gate->breaker.failures();
    status.failing_since = gate->failing_since;
    const auto pause = gate->budget.pause(now);
    if (pause.count() > 0) status.paused_until = at(now + pause);
    status.asked_again = gate->asked_again;
    if (status.failures > 0 || status.paused_until) status.error = gate->error;
    status.limit = gate->budget.limit();
    status.limit_told = gate->limit_told;
    status.allowance = gate->budget.allowance();
    status.left = gate->budget.left(now);
    status.looks_cost = gate->budget.looks_cost();
    status.looks_put_off = gate->budget.puts_off_looks(now);
    all.push_back(std::move(status));
  }
  std::sort(all.begin(), all.end(),
            [](const auto& left, const auto& right) { return left.registry < right.registry; });
  return all;
}

Gates::Passage::Passage(Gates& gates, const Endpoint& endpoint, bool is_pull)
    : gates_(gates), gate_(gates.gate(endpoint)), started_(gates.clock_.steady()) {
  gate_->budget.take(is_pull, started_);
  is_probe_ = gate_->breaker.take(started_);
  if (is_probe_) gates_.changed(*gate_);
}

Gates::Passage::~Passage() {
  if (told_ || !is_probe_) return;
  gate_->breaker.given_up(gates_.clock_.steady());
  gates_.changed(*gate_);
}

void Gates::Passage::answered(const net::Response& response, bool is_head) {
  const auto now = gates_.clock_.steady();
  if (const auto limit = rate_limit(response.headers())) {
    gate_->budget.told(*limit, is_head, now);
    gate_->limit_told = gates_.clock_.now();
  }
  const int status = response.status();
  const auto asked = net::retry_after(response.headers(), gates_.clock_.now(), max_retry_after);
  const std::string words = "it answered " + std::to_string(status);
  if (status == 429 || (status == 503 && asked))
    refused(asked, words);
  else if (means_outage(status))
    broke(words);
  else
    sent_elsewhere();
}

void Gates::Passage::sent_elsewhere() {
  gate_->budget.accepted(started_);
  is_there();
}

void Gates::Passage::failed(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::rate_limited:
      return refused(error.retry_after(), printable(error.what()));
    case ErrorKind::unavailable:
    case ErrorKind::timeout:
      return broke(printable(error.what()));
    default:
      return;
  }
}

Error Gates::Passage::with_pause(Error error) const {
  const auto pause = gate_->budget.pause(gates_.clock_.steady());
  if (pause.count() == 0) return error;
  return {error.kind(), error.what(), std::max(pause, error.retry_after().value_or(Milliseconds(0)))};
}

void Gates::Passage::refused(std::optional<Milliseconds> retry_after, const std::string& why) {
  const auto now = gates_.clock_.steady();
  gate_->error = why;
  const bool paused = gate_->budget.refused(retry_after, started_, now, gates_.random_.unit());
  is_there();
  if (!paused) return;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(gate_->budget.pause(now)).count();
  spdlog::warn("{} wants fewer requests ({}): none for {} s", printable(gate_->registry, 200), why, seconds);
}

void Gates::Passage::broke(const std::string& why) {
  told_ = true;
  const auto now = gates_.clock_.steady();
  if (gate_->breaker.failures() == 0) gate_->failing_since = gates_.clock_.now();
  gate_->error = why;
  const bool opened = gate_->breaker.failed(is_probe_, now, gates_.random_.unit());
  gates_.changed(*gate_);
  if (!opened) return;
  spdlog::warn("{} is down ({} failures in a row, the last one: {}): it is asked again from time to time",
               printable(gate_->registry, 200), gate_->breaker.failures(), why);
}

void Gates::Passage::is_there() {
  told_ = true;
  gate_->failing_since.reset();
  const bool closed = gate_->breaker.succeeded();
  gates_.changed(*gate_);
  if (closed) spdlog::info("{} answers again", printable(gate_->registry, 200));
}

}  // namespace sluice::registry
