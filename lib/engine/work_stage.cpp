#include "engine/transition.hpp"
#include "engine/work.hpp"

#include <utility>

#include <fmt/format.h>

namespace sluice::engine {
namespace {

std::string summary_of(const registry::CopyProgress& moved) {
  return fmt::format("{} manifests; {} blobs copied, {} mounted, {} there already; {} bytes moved",
                     moved.manifests_copied, moved.blobs_copied, moved.blobs_mounted, moved.blobs_present,
                     moved.bytes_moved);
}

}  // namespace

Task<Done> stage(Work work) {
  const auto pipeline = pipeline_of(work);
  const auto digest = work.run.digest.value();
  const auto source = pipeline.upstream.repository;
  const auto staging = pipeline.staging;
  work.log(source.text() + "@" + digest.text() + " -> " + staging.text());
  // A tag keeps the image from the clean-up of untagged manifests that many registries do.
  std::optional<std::string> tag = pipeline.unique_tag_for(work.run.id.text());
  const auto moved = co_await work.registry.copy(source, digest, staging, std::move(tag));
  auto summary = summary_of(moved);
  work.log(summary);
  Done done;
  done.detail = summary;
  done.record = [id = work.run.id, summary](store::Tables& tables, Time at) {
    apply(tables, id, pipeline::event::Staged{summary}, at);
  };
  co_return done;
}

}  // namespace sluice::engine
