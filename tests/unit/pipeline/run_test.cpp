#include "pipeline/run.hpp"

#include <vector>

#include <catch2/catch.hpp>

using namespace sluice::pipeline;

TEST_CASE("every state, trigger and status is read back from its name") {
  for (int i = 0; i <= static_cast<int>(State::cancelled); ++i) {
    const auto state = static_cast<State>(i);
    CHECK_FALSE(to_string(state).empty());
    CHECK(state_from(to_string(state)) == state);
  }
  for (int i = 0; i <= static_cast<int>(Trigger::patch); ++i) {
    const auto trigger = static_cast<Trigger>(i);
    CHECK_FALSE(to_string(trigger).empty());
    CHECK(trigger_from(to_string(trigger)) == trigger);
  }
  for (int i = 0; i <= static_cast<int>(Status::cancelled); ++i) {
    const auto status = static_cast<Status>(i);
    CHECK_FALSE(to_string(status).empty());
    CHECK(status_from(to_string(status)) == status);
  }
}

TEST_CASE("triggers are named as in the table of runs") {
  CHECK(to_string(Trigger::image_update) == "Image Update");
  CHECK(to_string(Trigger::rollback) == "Rollback");
}

TEST_CASE("a status is read without regard to case, a stranger is no status") {
  CHECK(status_from("succeeded") == Status::succeeded);
  CHECK(status_from("RUNNING") == Status::running);
  CHECK_FALSE(status_from("done"));
  CHECK_FALSE(status_from(""));
  CHECK_FALSE(state_from("Observed"));
}

TEST_CASE("a state is final exactly when its status is") {
  for (int i = 0; i <= static_cast<int>(State::cancelled); ++i) {
    const auto state = static_cast<State>(i);
    const auto status = status_of(state);
    const bool open = status == Status::queued || status == Status::running || status == Status::waiting;
    CHECK(is_final(state) != open);
  }
}
