#pragma once
// What is known of a registry's health and limits, for whoever shows it.

#include "core/clock.hpp"
#include "registry/breaker.hpp"
#include "registry/budget.hpp"

#include <optional>
#include <string>

namespace sluice::registry {

/// How a registry fares, as far as this process has asked it.
struct RegistryStatus {
  std::string registry;  // as written, "docker.io"
  Breaker::State state = Breaker::State::closed;
  int failures = 0;   // in a row
  std::string error;  // why it failed last, or why it asked for a pause; empty when all is well
  std::optional<Time> failing_since;  // the first of these failures
  std::optional<Time> paused_until;   // it asked to be left alone
  std::optional<Time> asked_again;    // open: from when on a request is let through
  std::optional<RateLimit> limit;     // as it told last
  std::optional<Time> limit_told;
  std::optional<Allowance> allowance;  // as configured
  double left = 0;                     // of the allowance
  bool looks_cost = false;             // looks were seen to count against the limit
  bool looks_put_off = false;
};

}  // namespace sluice::registry
