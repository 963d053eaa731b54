#include "checks/check.hpp"
#include "engine/tool_logins.hpp"
#include "engine/transition.hpp"
#include "engine/work.hpp"

#include <utility>

namespace sluice::engine {

Task<Done> check(Work work) {
  const auto pipeline = pipeline_of(work);
  const auto index = work.job.index;
  if (index < 0 || static_cast<std::size_t>(index) >= pipeline.checks.size())
    throw Error(ErrorKind::conflict, "the checks of this pipeline were changed while the run was going");
  const auto name = pipeline.checks[static_cast<std::size_t>(index)].name;
  const auto part = pipeline.checks[static_cast<std::size_t>(index)].part;
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
