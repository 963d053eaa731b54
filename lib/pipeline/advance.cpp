#include "pipeline/advance.hpp"

#include "pipeline/names.hpp"

#include <fmt/format.h>

namespace sluice::pipeline {
namespace {

constexpr Names<JobKind, 6> job_kinds{{
    {JobKind::stage, "stage"},
    {JobKind::check, "check"},
    {JobKind::promote, "promote"},
    {JobKind::plan, "plan"},
    {JobKind::dispatch, "dispatch"},
    {JobKind::confirm, "confirm"},
}};

// A person named this very image: no staging, no checks, no hold between.
bool starts_at_promoting(Trigger trigger) {
  return trigger == Trigger::rollback || trigger == Trigger::patch;
}

bool promotion_stands(State state) {
  return state == State::promoted || state == State::rebuilding;
}

// From promoting on tags may have been written; the states are declared in their order.
bool begun_promoting(State state) {
  return state >= State::promoting;
}

// Why the run cannot promote now, in the words of Run::waiting_for; nullopt when it can.
std::optional<std::string> closed(const Run& run, const Gate& gate) {
  if (gate.hold_reason && !starts_at_promoting(run.trigger))
    return std::string(behind_hold) + *gate.hold_reason;
  if (gate.promoting && *gate.promoting != run.id) return "promotion of " + gate.promoting->text();
  return std::nullopt;
}

// One step under construction: each handler moves it on, or leaves it as it is when the event does not apply.
class Stepper {
 public:
  Stepper(Run run, const Gate& gate, Time at)
      : gate_(gate), at_(at), step_{std::move(run), {}, {}, false, false} {}

  Step take() { return std::move(step_); }

  void operator()(const event::Started&) {
    if (run().state != State::observed) return;
    run().started = at_;
    if (starts_at_promoting(run().trigger)) return promote_or_wait();
    enter(State::staging, "staging " + run().digest.shortened());
    job(JobKind::stage);
  }

  void operator()(const event::Staged& event) {
    if (run().state != State::staging) return;
    enter(State::staged, event.summary.empty() ? "staged" : "staged: " + event.summary);
    next_check();
  }

  void operator()(const event::CheckPassed& event) {
    if (run().state != State::checking || event.index != run().checks_passed) return;
    ++run().checks_passed;
    enter(State::checking, fmt::format("check {} of {} passed", run().checks_passed, run().checks_total));
    next_check();
  }

  void operator()(const event::CheckFailed& event) {
    if (run().state != State::checking || event.index != run().checks_passed) return;
    end(State::rejected, fmt::format("check {} failed: {}", event.name, event.summary));
  }

  void operator()(const event::GateChanged&) {
    if (run().state == State::waiting || run().state == State::ready) promote_or_wait();
  }

  void operator()(const event::Promoted&) {
    if (run().state != State::promoting) return;
    enter(State::promoted, "promoted " + run().digest.shortened());
    job(JobKind::plan);
  }

  void operator()(const event::Drifted& event) {
    if (run().state != State::promoting) return;
    // A run that ignores holds would go straight back to promoting and meet the same drift for ever.
    if (starts_at_promoting(run().trigger)) return end(State::failed, event.message);
    wait(std::string(behind_hold) + event.message);
    step_.hold = true;
  }

  void operator()(const event::Held& event) {
    if (run().state == State::promoting && !starts_at_promoting(run().trigger))
      wait(std::string(behind_hold) + event.reason);
  }

  void operator()(const event::Outdated& event) {
    if (run().state == State::promoting && starts_at_promoting(run().trigger))
      end(State::cancelled, event.reason);
  }

  void operator()(const event::Planned& event) {
    if (run().state != State::promoted) return;
    if (event.rebuilds <= 0) return end(State::succeeded, "promoted, no dependents");
    enter(State::rebuilding, event.rebuilds == 1 ? "rebuilding 1 dependent"
                                                 : fmt::format("rebuilding {} dependents", event.rebuilds));
  }

  void operator()(const event::RebuildsEnded& event) {
    if (run().state != State::rebuilding) return;
    const int all = event.confirmed + event.failed;
    if (event.failed > 0)
      return end(State::failed, event.failed == 1 && all == 1
                                    ? "the dependent was not rebuilt"
                                    : fmt::format("{} of {} dependents were not rebuilt", event.failed, all));
    end(State::succeeded,
        all == 1 ? "promoted, 1 dependent rebuilt" : fmt::format("promoted, {} dependents rebuilt", all));
  }

  void operator()(const event::JobFailed& event) { end(State::failed, event.message + what_stands()); }

  void operator()(const event::Superseded& event) {
    if (begun_promoting(run().state) || starts_at_promoting(run().trigger) || event.by == run().id) return;
    end(State::superseded, "superseded by " + event.by.text());
  }

  void operator()(const event::Cancelled& event) {
    if (begun_promoting(run().state)) return;
    end(State::cancelled, event.reason.empty() ? "cancelled" : event.reason);
  }

 private:
  Run& run() { return step_.run; }

  void enter(State state, std::string line) {
    run().state = state;
    run().waiting_for.clear();
    step_.log.push_back(std::move(line));
    step_.changed = true;
  }

  void end(State state, std::string why) {
    run().outcome = why;
    run().ended = at_;
    enter(state, fmt::format("{}: {}", to_string(state), why));
  }

  void job(JobKind kind, int index = 0) { step_.jobs.push_back({.kind = kind, .index = index}); }

  void next_check() {
    if (run().checks_passed < run().checks_total) {
      run().state = State::checking;
      job(JobKind::check, run().checks_passed);
      return;
    }
    run().state = State::ready;
    promote_or_wait();
  }

  void promote_or_wait() {
    if (auto reason = closed(run(), gate_)) return wait(std::move(*reason));
    enter(State::promoting, "promoting " + run().digest.shortened());
    job(JobKind::promote);
  }

  void wait(std::string reason) {
    if (run().state == State::waiting && run().waiting_for == reason) return;
    enter(State::waiting, "waiting, " + reason);
    run().waiting_for = std::move(reason);
  }

  const char* what_stands() const {
    return promotion_stands(step_.run.state) ? " (the promotion stands)" : "";
  }

  const Gate& gate_;
  Time at_;
  Step step_;
};

}  // namespace

std::string_view to_string(JobKind kind) {
  return name_of(job_kinds, kind);
}
std::optional<JobKind> job_kind_from(std::string_view text) {
  return value_of(job_kinds, text);
}

Step advance(Run run, const Event& event, const Gate& gate, Time at) {
  const bool final = is_final(run.state);
  Stepper stepper(std::move(run), gate, at);
  if (!final) std::visit(stepper, event);
  return stepper.take();
}

}  // namespace sluice::pipeline
