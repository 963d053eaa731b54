#include "pipeline/rebuild.hpp"

#include "core/random.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::pipeline;

namespace {
using Jobs = std::vector<NewJob>;
constexpr RebuildState last_state = RebuildState::superseded;
}  // namespace

TEST_CASE("a rebuild is released, dispatched and confirmed") {
  auto step = advance(RebuildState::planned, rebuild_event::Released{});
  CHECK(step.state == RebuildState::dispatching);
  CHECK(step.jobs == Jobs{{JobKind::dispatch}});
  step = advance(step.state, rebuild_event::Dispatched{});
  CHECK(step.state == RebuildState::dispatched);
  CHECK(step.jobs == Jobs{{JobKind::confirm}});
  step = advance(step.state, rebuild_event::Confirmed{"layers"});
  CHECK(step.state == RebuildState::confirmed);
  CHECK(step.jobs.empty());
  CHECK(step.log.back() == "confirmed by layers");
}

TEST_CASE("only an accepted rebuild can be overdue") {
  CHECK(advance(RebuildState::dispatched, rebuild_event::Overdue{"late"}).state == RebuildState::overdue);
  CHECK_FALSE(advance(RebuildState::planned, rebuild_event::Overdue{"late"}).changed);
  CHECK_FALSE(advance(RebuildState::dispatching, rebuild_event::Overdue{"late"}).changed);
}

TEST_CASE("a planned rebuild whose base was not rebuilt fails") {
  const auto step =
      advance(RebuildState::planned, rebuild_event::Failed{"its base team-base was not rebuilt"});
  CHECK(step.state == RebuildState::failed);
  CHECK(step.log.back() == "its base team-base was not rebuilt");
}

TEST_CASE("a request that was accepted is followed to its end, one that was not may be superseded") {
  CHECK(advance(RebuildState::planned, rebuild_event::Superseded{RunId(2)}).state ==
        RebuildState::superseded);
  CHECK(advance(RebuildState::dispatching, rebuild_event::Superseded{RunId(2)}).state ==
        RebuildState::superseded);
  CHECK_FALSE(advance(RebuildState::dispatched, rebuild_event::Superseded{RunId(2)}).changed);
}

TEST_CASE("a planned rebuild is superseded with its base, one that was released is not") {
  const auto step = advance(RebuildState::planned, rebuild_event::BaseSuperseded{"golden"});
  CHECK(step.state == RebuildState::superseded);
  CHECK(step.log.back() == "superseded with its base golden");
  CHECK_FALSE(advance(RebuildState::dispatching, rebuild_event::BaseSuperseded{"golden"}).changed);
  CHECK_FALSE(advance(RebuildState::dispatched, rebuild_event::BaseSuperseded{"golden"}).changed);
}

TEST_CASE("an image that sits on the new base already is confirmed before anybody was asked") {
  CHECK(advance(RebuildState::planned, rebuild_event::Confirmed{"layers"}).state == RebuildState::confirmed);
}

TEST_CASE("states of a rebuild are read back from their names, and are final when their status is") {
  for (int i = 0; i <= static_cast<int>(last_state); ++i) {
    const auto state = static_cast<RebuildState>(i);
    CHECK(rebuild_state_from(to_string(state)) == state);
    const auto status = status_of(state);
    CHECK(is_final(state) == (status != Status::queued && status != Status::running));
  }
  CHECK_FALSE(rebuild_state_from("lost"));
}

TEST_CASE("property: a rebuild never leaves a final state, and repeats are ignored") {
  SeededRandom random(1);
  for (int i = 0; i < 5000; ++i) {
    auto state = RebuildState::planned;
    for (int e = 0; e < 12; ++e) {
      const RebuildEvent events[] = {rebuild_event::Released{},         rebuild_event::Dispatched{},
                                     rebuild_event::Confirmed{"x"},     rebuild_event::Overdue{"x"},
                                     rebuild_event::Failed{"x"},        rebuild_event::Superseded{RunId(9)},
                                     rebuild_event::BaseSuperseded{"x"}};
      const auto& event = events[random.next() % std::size(events)];
      const auto step = advance(state, event);
      if (is_final(state)) REQUIRE_FALSE(step.changed);
      if (!step.changed) REQUIRE(step.state == state);
      if (step.changed) REQUIRE_FALSE(advance(step.state, event).changed);
      const bool works = step.state == RebuildState::dispatching || step.state == RebuildState::dispatched;
      if (step.changed) REQUIRE(step.jobs.size() == (works ? 1u : 0u));
      state = step.state;
    }
  }
}
