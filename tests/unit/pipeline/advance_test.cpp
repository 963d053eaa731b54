#include "pipeline/advance.hpp"

#include "unit/pipeline/support.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::pipeline;
using namespace sluice::pipeline::test;

namespace {
using Jobs = std::vector<NewJob>;
}

TEST_CASE("a run without checks goes stage, promote, plan and ends when nothing depends on it") {
  auto step = advance(run_with(0), event::Started{}, {}, noon);
  CHECK(step.run.state == State::staging);
  CHECK(step.run.started == noon);
  CHECK(step.jobs == Jobs{{JobKind::stage}});
  step = advance(step.run, event::Staged{"3 layers"}, {}, noon);
  CHECK(step.run.state == State::promoting);
  CHECK(step.jobs == Jobs{{JobKind::promote}});
  step = advance(step.run, event::Promoted{}, {}, noon);
  CHECK(step.run.state == State::promoted);
  CHECK(step.jobs == Jobs{{JobKind::plan}});
  step = advance(step.run, event::Planned{0}, {}, noon + std::chrono::seconds(9));
  CHECK(step.run.state == State::succeeded);
  CHECK(step.run.ended == noon + std::chrono::seconds(9));
  CHECK(step.run.started == noon);
}

TEST_CASE("checks run one after the other, then comes the promotion") {
  auto step = advance(run_in(State::staging, 2), event::Staged{}, {}, noon);
  CHECK(step.run.state == State::checking);
  CHECK(step.jobs == Jobs{{JobKind::check, 0}});
  step = advance(step.run, event::CheckPassed{0}, {}, noon);
  CHECK(step.run.state == State::checking);
  CHECK(step.jobs == Jobs{{JobKind::check, 1}});
  step = advance(step.run, event::CheckPassed{1}, {}, noon);
  CHECK(step.run.state == State::promoting);
  CHECK(step.jobs == Jobs{{JobKind::promote}});
}

TEST_CASE("a check that passes twice is counted once") {
  auto run = run_in(State::checking, 3);
  run.checks_passed = 1;
  const auto step = advance(run, event::CheckPassed{0}, {}, noon);
  CHECK_FALSE(step.changed);
  CHECK(step.run == run);
  CHECK(step.jobs.empty());
  CHECK(step.log.empty());
}

TEST_CASE("a failed check rejects the run and says which and why") {
  const auto step =
      advance(run_in(State::checking, 1), event::CheckFailed{0, "node-starts", "exit code 1"}, {}, noon);
  CHECK(step.run.state == State::rejected);
  CHECK(step.run.outcome == "check node-starts failed: exit code 1");
  CHECK(step.run.ended == noon);
  CHECK(step.jobs.empty());
}

TEST_CASE("under a hold a run waits after its checks and goes on when the hold is lifted") {
  auto step = advance(run_in(State::staging), event::Staged{}, held("release freeze"), noon);
  CHECK(step.run.state == State::waiting);
  CHECK(step.run.waiting_for == "hold: release freeze");
  CHECK(step.jobs.empty());
  step = advance(step.run, event::GateChanged{}, {}, noon);
  CHECK(step.run.state == State::promoting);
  CHECK(step.run.waiting_for.empty());
  CHECK(step.jobs == Jobs{{JobKind::promote}});
}

TEST_CASE("a run waits for another promotion of its target") {
  const auto step = advance(run_in(State::staging), event::Staged{}, busy(RunId(7)), noon);
  CHECK(step.run.state == State::waiting);
  CHECK(step.run.waiting_for == "promotion of " + RunId(7).text());
}

TEST_CASE("a run does not wait for its own promotion") {
  CHECK(advance(run_in(State::staging), event::Staged{}, busy(RunId(1)), noon).run.state == State::promoting);
}

TEST_CASE("a changed gate that is still closed renews the reason, the same reason changes nothing") {
  const auto waiting = advance(run_in(State::staging), event::Staged{}, held("a"), noon).run;
  CHECK_FALSE(advance(waiting, event::GateChanged{}, held("a"), noon).changed);
  const auto step = advance(waiting, event::GateChanged{}, held("b"), noon);
  CHECK(step.changed);
  CHECK(step.run.waiting_for == "hold: b");
}

TEST_CASE("F5: drift holds the pipeline and the run waits") {
  const auto step = advance(run_in(State::promoting), event::Drifted{"node:9 was moved"}, {}, noon);
  CHECK(step.run.state == State::waiting);
  CHECK(step.run.waiting_for == "hold: node:9 was moved");
  CHECK(step.hold);
  CHECK(step.jobs.empty());
  CHECK_FALSE(advance(step.run, event::GateChanged{}, held("node:9 was moved"), noon).changed);
}

TEST_CASE("a promotion that finds a hold waits behind it, unless a person decided on the image") {
  const auto step = advance(run_in(State::promoting), event::Held{"audit week"}, held("audit week"), noon);
  CHECK(step.run.state == State::waiting);
  CHECK(step.run.waiting_for == "hold: audit week");
  CHECK_FALSE(step.hold);
  CHECK_FALSE(advance(run_in(State::promoting, 0, Trigger::rollback), event::Held{"x"}, {}, noon).changed);
  CHECK_FALSE(advance(run_in(State::promoted), event::Held{"x"}, {}, noon).changed);
}

TEST_CASE("a person's decision that finds itself outdated ends as cancelled") {
  const auto step =
      advance(run_in(State::promoting, 0, Trigger::patch), event::Outdated{"the tag moved on"}, {}, noon);
  CHECK(step.run.state == State::cancelled);
  CHECK(step.run.outcome == "the tag moved on");
  CHECK_FALSE(advance(run_in(State::promoting), event::Outdated{"x"}, {}, noon).changed);
  CHECK_FALSE(advance(run_in(State::promoted, 0, Trigger::patch), event::Outdated{"x"}, {}, noon).changed);
}

TEST_CASE("a rollback starts at promoting, and ignores holds") {
  const auto step = advance(run_with(3, Trigger::rollback), event::Started{}, held("bad release"), noon);
  CHECK(step.run.state == State::promoting);
  CHECK(step.run.started == noon);
  CHECK(step.jobs == Jobs{{JobKind::promote}});
}

TEST_CASE("a patch starts at promoting, and ignores holds") {
  CHECK(advance(run_with(3, Trigger::patch), event::Started{}, held("drift"), noon).run.state ==
        State::promoting);
}

TEST_CASE("a rollback waits for another promotion and is not superseded meanwhile") {
  auto step = advance(run_with(0, Trigger::rollback), event::Started{}, busy(RunId(7)), noon);
  CHECK(step.run.state == State::waiting);
  CHECK_FALSE(advance(step.run, event::Superseded{RunId(9)}, {}, noon).changed);
  step = advance(step.run, event::GateChanged{}, held("x"), noon);
  CHECK(step.run.state == State::promoting);
}

TEST_CASE("drift ends a rollback, which would otherwise meet it again for ever") {
  const auto step =
      advance(run_in(State::promoting, 0, Trigger::rollback), event::Drifted{"moved"}, {}, noon);
  CHECK(step.run.state == State::failed);
  CHECK(step.run.outcome == "moved");
}

TEST_CASE("a newer digest supersedes a run that has not begun promoting") {
  for (const auto state : {State::observed, State::staging, State::checking, State::waiting}) {
    const auto step = advance(run_in(state, 1), event::Superseded{RunId(9)}, {}, noon);
    CHECK(step.run.state == State::superseded);
    CHECK(step.run.outcome == "superseded by " + RunId(9).text());
    CHECK(step.run.ended == noon);
  }
  for (const auto state : {State::promoting, State::promoted, State::rebuilding})
    CHECK_FALSE(advance(run_in(state, 1), event::Superseded{RunId(9)}, {}, noon).changed);
}

TEST_CASE("a run is not superseded by itself") {
  CHECK_FALSE(advance(run_in(State::staging), event::Superseded{RunId(1)}, {}, noon).changed);
}

TEST_CASE("a job that failed for good ends the run with its message") {
  const auto step =
      advance(run_in(State::staging), event::JobFailed{ErrorKind::denied, "403 from staging"}, {}, noon);
  CHECK(step.run.state == State::failed);
  CHECK(step.run.outcome == "403 from staging");
  CHECK(step.run.ended == noon);
}

TEST_CASE("a job that failed after the promotion says that the promotion stands") {
  const auto step =
      advance(run_in(State::promoted), event::JobFailed{ErrorKind::internal, "no plan"}, {}, noon);
  CHECK(step.run.state == State::failed);
  CHECK(step.run.outcome == "no plan (the promotion stands)");
}

TEST_CASE("cancelling ends a run, but not once it has begun to promote") {
  CHECK(advance(run_in(State::staging), event::Cancelled{"pipeline removed"}, {}, noon).run.outcome ==
        "pipeline removed");
  CHECK(advance(run_in(State::waiting), event::Cancelled{}, {}, noon).run.state == State::cancelled);
  for (const auto state : {State::promoting, State::promoted, State::rebuilding})
    CHECK_FALSE(advance(run_in(state), event::Cancelled{"x"}, {}, noon).changed);
}

TEST_CASE("a run succeeds when every dependent is confirmed") {
  auto step = advance(run_in(State::promoted), event::Planned{2}, {}, noon);
  CHECK(step.run.state == State::rebuilding);
  CHECK(step.jobs.empty());
  step = advance(step.run, event::RebuildsEnded{2, 0}, {}, noon);
  CHECK(step.run.state == State::succeeded);
  CHECK(step.run.outcome == "promoted, 2 dependents rebuilt");
}

TEST_CASE("dependents that were not rebuilt fail the run with their number") {
  const auto step = advance(run_in(State::rebuilding), event::RebuildsEnded{1, 2}, {}, noon);
  CHECK(step.run.state == State::failed);
  CHECK(step.run.outcome == "2 of 3 dependents were not rebuilt");
}

TEST_CASE("kinds of jobs are read back from their names") {
  for (int i = 0; i <= static_cast<int>(JobKind::confirm); ++i) {
    const auto kind = static_cast<JobKind>(i);
    CHECK(job_kind_from(to_string(kind)) == kind);
  }
  CHECK_FALSE(job_kind_from("scan"));
}
