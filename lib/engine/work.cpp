#include "engine/work.hpp"

#include "engine/transition.hpp"

namespace sluice::engine {

config::Pipeline pipeline_of(const Work& work) {
  if (auto pipeline = work.config->watched(work.run.pipeline)) return std::move(*pipeline);
  throw Error(ErrorKind::not_found, "the configuration has no pipeline '" + work.run.pipeline + "' any more");
}

std::string step_name(const store::Job& job, const store::Run& run, const config::Config& config) {
  if (job.kind != to_string(pipeline::JobKind::check)) return job.kind;
  const auto pipeline = config.watched(run.pipeline);
  const auto index = static_cast<std::size_t>(job.index);
  if (!pipeline || index >= pipeline->checks.size()) return "check " + std::to_string(job.index + 1);
  return "check " + pipeline->checks[index].name;
}

void record_failure(store::Tables& tables, const store::Run& run, const Error& error, Time at) {
  if (run.kind == kind_rebuild)
    apply(tables, run.id, pipeline::rebuild_event::Failed{error.what()}, at);
  else
    apply(tables, run.id, pipeline::event::JobFailed{error.kind(), error.what()}, at);
}

}  // namespace sluice::engine
