#include "engine/transition.hpp"
#include "engine/work.hpp"
#include "watch/freshness.hpp"

#include <utility>

#include <fmt/format.h>

namespace sluice::engine {
namespace {

std::string summary_of(const registry::CopyProgress& moved) {
  auto text = fmt::format("{} manifests; {} blobs copied, {} mounted, {} there already; {} bytes moved",
                          moved.manifests_copied, moved.blobs_copied, moved.blobs_mounted,
                          moved.blobs_present, moved.bytes_moved);
  if (moved.referrers > 0) text += fmt::format("; {} of the manifests are referrers", moved.referrers);
  if (const auto count = moved.layers_left_out.size(); count > 0)
    text += fmt::format("; {} foreign layers left out", count);
  return text;
}

// Where nothing better tells when the upstream changed, the image itself may say when it was made: read from
// our own copy, since upstream registries count what is pulled. That is for people only, so nothing fails by
// it.
Task<std::optional<store::Detection>> dated(Work work, oci::Repository staging, oci::Digest digest,
                                            oci::Platform platform) {
  std::optional<Error> failure;
  try {
    auto query = [run = work.run.id](store::Tables& tables) { return tables.freshness.of_run(run); };
    auto row = co_await work.world.store.read(std::move(query));
    if (!row || row->changed) co_return std::nullopt;
    auto text = digest.text();
    const auto config =
        co_await work.registry.image_config(std::move(staging), std::move(text), std::move(platform));
    const auto known = watch::with_created({.seen = row->seen, .not_before = row->not_before, .changed = {}},
                                           parse_time(config.created));
    if (!known.changed) co_return std::nullopt;
    row->changed = known.changed;
    row->known_by = std::string(to_string(known.by));
    co_return row;
  } catch (...) {
    failure = current_error();
  }
  if (failure->kind() == ErrorKind::cancelled) throw *failure;
  co_return std::nullopt;
}

}  // namespace

Task<Done> stage(Work work) {
  const auto pipeline = pipeline_of(work);
  const auto digest = work.run.digest.value();
  const auto source = pipeline.upstream.repository;
  const auto staging = pipeline.staging;
  if (!pipeline.can_be_staged())
    throw Error(ErrorKind::invalid,
                "no repository can be called " + staging.text() +
                    ": names of repositories are in lower case, and tags need not be; take "
                    "{tag} out of 'staging'");
  work.log(source.text() + "@" + digest.text() + " -> " + staging.text());
  // A tag keeps the image from the clean-up of untagged manifests that many registries do.
  std::optional<std::string> tag = pipeline.unique_tag_for(work.run.id.text());
  registry::CopyOptions options;
  options.referrers = pipeline.referrers;
  options.foreign_layers = work.config->foreign_layers;
  const auto moved = co_await work.registry.copy(source, digest, staging, std::move(tag), std::move(options));
  auto summary = summary_of(moved);
  work.log(summary);
  const auto detection = co_await dated(work, staging, digest, pipeline.platform);
  Done done;
  done.detail = summary;
  done.record = [id = work.run.id, summary, detection](store::Tables& tables, Time at) {
    if (detection) tables.freshness.put(*detection);
    apply(tables, id, pipeline::event::Staged{summary}, at);
  };
  co_return done;
}

}  // namespace sluice::engine
