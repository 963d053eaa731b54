// What holds for every sequence of events, seeded: the state machine is driven by drawn events, sensible and
// absurd.

#include "core/random.hpp"
#include "unit/pipeline/support.hpp"

#include <set>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::pipeline;
using namespace sluice::pipeline::test;

namespace {

constexpr int runs_drawn = 4000;
constexpr int events_per_run = 60;

int below(Random& random, int limit) {
  return static_cast<int>(random.next() % static_cast<std::uint64_t>(limit));
}

Event draw_event(Random& random) {
  switch (below(random, 16)) {
    case 0:
      return event::Started{};
    case 1:
      return event::Staged{"s"};
    case 2:
    case 3:
    case 4:
      return event::CheckPassed{below(random, 4)};
    case 5:
      return event::CheckFailed{below(random, 4), "c", "bad"};
    case 6:
      return event::GateChanged{};
    case 7:
      return event::Promoted{};
    case 8:
      return event::Drifted{"moved"};
    case 9:
      return event::Planned{below(random, 3)};
    case 10:
      return event::RebuildsEnded{below(random, 3), below(random, 2)};
    case 11:
      return event::JobFailed{ErrorKind::internal, "broken"};
    case 12:
      return event::Superseded{RunId(1 + below(random, 3))};
    case 13:
      return event::Held{"held"};
    case 14:
      return event::Outdated{"the tag moved on"};
    default:
      return event::Cancelled{"asked"};
  }
}

Gate draw_gate(Random& random) {
  Gate gate;
  if (below(random, 3) == 0) gate.hold_reason = "held";
  if (below(random, 3) == 0) gate.promoting = RunId(1 + below(random, 3));
  return gate;
}

Run draw_run(Random& random) {
  const auto triggers = {Trigger::image_update, Trigger::webhook, Trigger::manual, Trigger::rollback,
                         Trigger::patch};
  return run_with(below(random, 4), *(triggers.begin() + below(random, static_cast<int>(triggers.size()))));
}

// Drives drawn runs; `look(before, event, gate, step)` sees each step.
template <class Look>
void drive(std::uint64_t seed, Look look) {
  SeededRandom random(seed);
  for (int i = 0; i < runs_drawn; ++i) {
    auto run = draw_run(random);
    for (int e = 0; e < events_per_run; ++e) {
      const auto event = draw_event(random);
      const auto gate = draw_gate(random);
      auto step = advance(run, event, gate, noon + std::chrono::seconds(e));
      look(run, event, gate, step);
      run = step.run;
    }
  }
}

bool decided_by_person(const Run& run) {
  return run.trigger == Trigger::rollback || run.trigger == Trigger::patch;
}

// The jobs that may be asked for on entering a state.
bool job_belongs(State state, JobKind kind) {
  switch (state) {
    case State::staging:
      return kind == JobKind::stage;
    case State::checking:
      return kind == JobKind::check;
    case State::promoting:
      return kind == JobKind::promote;
    case State::promoted:
      return kind == JobKind::plan;
    default:
      return false;
  }
}

}  // namespace

TEST_CASE("property: a final run never changes again") {
  drive(1, [](const Run& before, const Event&, const Gate&, const Step& step) {
    if (!is_final(before.state)) return;
    REQUIRE_FALSE(step.changed);
    REQUIRE(step.run == before);
  });
}

TEST_CASE("property: an event that does not apply changes nothing at all") {
  drive(2, [](const Run& before, const Event&, const Gate&, const Step& step) {
    if (step.changed) {
      REQUIRE_FALSE(step.log.empty());
      return;
    }
    REQUIRE(step.run == before);
    REQUIRE(step.jobs.empty());
    REQUIRE(step.log.empty());
    REQUIRE_FALSE(step.hold);
  });
}

TEST_CASE("property: promoting begins only through an open gate") {
  drive(3, [](const Run& before, const Event&, const Gate& gate, const Step& step) {
    if (before.state == State::promoting || step.run.state != State::promoting) return;
    REQUIRE((!gate.promoting || *gate.promoting == before.id));
    REQUIRE((!gate.hold_reason || decided_by_person(before)));
  });
}

TEST_CASE("property: promoting begins only when every check passed, except on a person's decision") {
  drive(4, [](const Run&, const Event&, const Gate&, const Step& step) {
    if (step.run.state != State::promoting || decided_by_person(step.run)) return;
    REQUIRE(step.run.checks_passed == step.run.checks_total);
  });
}

TEST_CASE("property: a run is never stuck: each state has a job, waits for others, or is final") {
  drive(5, [](const Run& before, const Event&, const Gate&, const Step& step) {
    const auto state = step.run.state;
    REQUIRE(state != State::staged);
    REQUIRE(state != State::ready);
    if (state == before.state && state != State::checking) return;
    const bool works = job_belongs(state, step.jobs.empty() ? JobKind::confirm : step.jobs.front().kind);
    const bool waits = state == State::waiting || state == State::rebuilding || state == State::observed;
    REQUIRE((works || waits || is_final(state) || !step.changed));
    if (state == State::waiting) REQUIRE_FALSE(step.run.waiting_for.empty());
    if (state != State::waiting) REQUIRE(step.run.waiting_for.empty());
  });
}

TEST_CASE("property: a step asks for at most one job, and it belongs to the new state") {
  drive(6, [](const Run&, const Event&, const Gate&, const Step& step) {
    REQUIRE(step.jobs.size() <= 1);
    for (const auto& job : step.jobs)
      REQUIRE(job_belongs(step.run.state, job.kind));
  });
}

TEST_CASE("property: checks are asked for in order, each once") {
  SeededRandom random(7);
  for (int i = 0; i < runs_drawn; ++i) {
    auto run = draw_run(random);
    int next = 0;
    for (int e = 0; e < events_per_run; ++e) {
      auto step = advance(run, draw_event(random), draw_gate(random), noon);
      for (const auto& job : step.jobs)
        if (job.kind == JobKind::check) REQUIRE(job.index == next++);
      run = step.run;
    }
    REQUIRE(next <= run.checks_total);
  }
}

TEST_CASE("property: from promoting on nothing supersedes or cancels a run from outside") {
  drive(8, [](const Run& before, const Event& event, const Gate&, const Step& step) {
    const bool from_outside =
        std::holds_alternative<event::Superseded>(event) || std::holds_alternative<event::Cancelled>(event);
    if (before.state >= State::promoting && from_outside) REQUIRE_FALSE(step.changed);
  });
}

TEST_CASE("property: the same event again is ignored, so a repeated job does no harm") {
  drive(9, [](const Run&, const Event& event, const Gate& gate, const Step& step) {
    if (!step.changed) return;
    const auto again = advance(step.run, event, gate, noon);
    REQUIRE_FALSE(again.changed);
  });
}

TEST_CASE("property: a started run has a start, a final one an end and an outcome, an open one neither") {
  drive(10, [](const Run&, const Event&, const Gate&, const Step& step) {
    const auto& run = step.run;
    if (run.state != State::observed && !is_final(run.state)) REQUIRE(run.started);
    REQUIRE(run.ended.has_value() == is_final(run.state));
    REQUIRE(run.outcome.empty() != is_final(run.state));
  });
}

TEST_CASE("property: only drift of an ordinary promotion holds the pipeline") {
  drive(11, [](const Run& before, const Event& event, const Gate&, const Step& step) {
    const bool drift = std::holds_alternative<event::Drifted>(event) && before.state == State::promoting;
    REQUIRE(step.hold == (drift && !decided_by_person(before)));
  });
}

TEST_CASE("property: drawn events reach every state that a run can rest in") {
  std::set<State> reached;
  drive(12, [&](const Run&, const Event&, const Gate&, const Step& step) { reached.insert(step.run.state); });
  CHECK(reached.size() == 12);  // all 14 but staged and ready
}
