#include "checks/check.hpp"
#include "engine/recorder.hpp"
#include "engine/tool_logins.hpp"
#include "engine/transition.hpp"
#include "engine/work.hpp"

#include <utility>

namespace sluice::engine {

namespace {

// A run counts the checks that it passed, which says nothing when they are others now.
Done begun_again(const Work& work, config::Pipeline pipeline) {
  Done done;
  done.good = false;
  done.detail = "the checks of " + pipeline.name + " were changed meanwhile: begun again";
  done.record = [run = work.run, pipeline = std::move(pipeline)](store::Tables& tables, Time at) {
    start_again(tables, pipeline, run, at);
  };
  return done;
}

}  // namespace

Task<Done> check(Work work) {
  const auto pipeline = pipeline_of(work);
  if (work.run.checks != mark_of(pipeline.checks)) co_return begun_again(work, pipeline);
  const auto index = work.job.index;
  const auto name = pipeline.checks.at(static_cast<std::size_t>(index)).name;
  const auto part = pipeline.checks.at(static_cast<std::size_t>(index)).part;
  const auto& kind = dynamic_cast<const checks::Check&>(*part);
  auto config = work.config;
  if (kind.needs_logins()) {
    std::vector<oci::Repository> wanted{pipeline.staging};
    config = co_await with_logins(work, std::move(wanted));
  }
  checks::Context context{
      .clock = work.world.clock,
      .launcher = work.world.launcher,
      .image = {.repository = pipeline.staging, .tag = std::nullopt, .digest = work.run.digest},
      .platform = pipeline.platform,
      .config = std::move(config),
      .pipeline = pipeline.name,
      .run = work.run.id.text(),
      .log = work.log};
  const auto outcome = co_await kind.run(std::move(context));
  Done done;
  done.good = outcome.passed;
  done.detail = outcome.summary;
  done.record = [id = work.run.id, index, name, outcome](store::Tables& tables, Time at) {
    if (outcome.passed)
      apply(tables, id, pipeline::event::CheckPassed{index}, at);
    else
      apply(tables, id, pipeline::event::CheckFailed{index, name, outcome.summary}, at);
  };
  co_return done;
}

}  // namespace sluice::engine
