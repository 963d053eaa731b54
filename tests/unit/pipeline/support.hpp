#pragma once
// Runs and events for the tests of this room.

#include "pipeline/advance.hpp"

namespace sluice::pipeline::test {

inline const Time noon = Time(std::chrono::hours(12));

inline Run run_with(int checks, Trigger trigger = Trigger::image_update) {
  Run run{.id = RunId(1),
          .pipeline = "node",
          .digest = oci::Digest::parse("sha256:" + std::string(64, 'a')).value()};
  run.trigger = trigger;
  run.checks_total = checks;
  return run;
}

inline Run run_in(State state, int checks = 0, Trigger trigger = Trigger::image_update) {
  auto run = run_with(checks, trigger);
  run.state = state;
  if (state > State::checking) run.checks_passed = checks;
  return run;
}

inline Gate held(std::string reason) {
  return {.hold_reason = std::move(reason), .promoting = std::nullopt};
}
inline Gate busy(RunId other) {
  return {.hold_reason = std::nullopt, .promoting = other};
}

}  // namespace sluice::pipeline::test
