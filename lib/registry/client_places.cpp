// The client's operations between any two places.

#include "core/error.hpp"
#include "registry/client_state.hpp"
#include "registry/copy.hpp"
#include "registry/ends.hpp"
#include "registry/referring.hpp"
#include "registry/root.hpp"
#include "registry/verified_body.hpp"

namespace sluice::registry {
namespace {

/// Layouts and archives name what they hold: as the source does, where nothing else is said.
std::optional<std::string> target_tag(const Place& from, const Place& to) {
  if (to.tag || to.kind == PlaceKind::registry) return to.tag;
  return from.tag.value_or("");
}

void check_target(const Place& to) {
  if (to.position)
    throw Error(ErrorKind::invalid, to.text() +
                                        ": a position chooses an image that is read; a target has a tag or "
                                        "nothing");
  if (!to.digest) return;
  throw Error(ErrorKind::invalid,
              to.text() + ": a target has a tag or nothing; its digest follows from what is copied");
}

std::string docker_name_of(const Place& from, const Place& to) {
  const auto tag = target_tag(from, to).value_or("");
  const auto& repository = to.is_named() ? to.repository : from.repository;
  if (repository.path.empty()) return "";
  return repository.text() + ":" + (tag.empty() ? "latest" : tag);
}

TargetOptions target_options(const Place& from, const Place& to, const CopyOptions& options) {
  return {.docker_name = docker_name_of(from, to), .thorough = options.thorough, .replace = options.replace};
}

void check_is_image(const Root& root, const Place& from, PlaceKind to) {
  if (to != PlaceKind::docker_archive || root.manifest.manifest.config) return;
  throw Error(ErrorKind::invalid, from.text() +
                                      " is an artifact without a config, and a docker archive holds images: "
                                      "write an oci-archive");
}

}  // namespace

Task<CopyResult> Client::copy(Place from, Place to, CopyOptions options) {
  check_target(to);
  const auto source = co_await open_source(state_->session, state_->workers, from);
  Root root = co_await choose_root(*source, from, to.kind, options.platforms);
  check_is_image(root, from, to.kind);
  auto how = target_options(from, to, options);
  const auto target =
      co_await open_target(state_->session, state_->notes, state_->workers, to, std::move(how));
  const auto tag = target_tag(from, to);
  CopyResult result{root.manifest.digest, root.source, std::move(root.left_out), {}};
  const bool asks_more = options.thorough || options.referrers || options.foreign_layers;
  if (tag && !tag->empty() && target->vouches() && !asks_more) {
    const auto there = co_await target->resolve(*tag);
    if (there && there->digest == result.digest) {
      result.progress.manifests_present = 1;
      co_return result;
    }
  }
  result.progress =
      co_await copy_image(state_->traffic, *source, *target, std::move(root.manifest), tag, options);
  co_return result;
}

Task<CopyPlan> Client::plan(Place from, Place to, CopyOptions options) {
  check_target(to);
  const auto source = co_await open_source(state_->session, state_->workers, from);
  Root root = co_await choose_root(*source, from, to.kind, options.platforms);
  check_is_image(root, from, to.kind);
  auto how = target_options(from, to, options);
  const auto target =
      co_await open_target(state_->session, state_->notes, state_->workers, to, std::move(how));
  CopyPlan plan = co_await plan_image(*source, *target, std::move(root.manifest), std::move(options));
  plan.source = std::move(root.source);
  plan.left_out = std::move(root.left_out);
  co_return plan;
}

Task<std::vector<std::string>> Client::tags(Place place) {
  const auto source = co_await open_source(state_->session, state_->workers, std::move(place));
  co_return co_await source->tags();
}

Task<FetchedManifest> Client::manifest(Place place) {
  const auto source = co_await open_source(state_->session, state_->workers, place);
  co_return co_await source->manifest(place.tag_or_digest().value_or(""));
}

Task<FetchedManifest> Client::manifest(Place place, oci::Platform platform) {
  const auto source = co_await open_source(state_->session, state_->workers, place);
  auto whole = co_await source->manifest(place.tag_or_digest().value_or(""));
  const auto digest = co_await digest_for(*source, whole, std::move(platform));
  if (digest == whole.digest) co_return whole;
  co_return co_await source->manifest(digest.text());
}

Task<std::optional<Resolved>> Client::resolve(Place place) {
  const auto source = co_await open_source(state_->session, state_->workers, place);
  co_return co_await source->resolve(place.tag_or_digest().value_or(""));
}

Task<Resolved> Client::resolve(Place place, oci::Platform platform) {
  const auto source = co_await open_source(state_->session, state_->workers, place);
  const auto whole = co_await source->manifest(place.tag_or_digest().value_or(""));
  const auto digest = co_await digest_for(*source, whole, std::move(platform));
  for (const auto& child : whole.manifest.manifests)
    if (child.digest == digest) co_return Resolved{digest, child.media_type, child.size};
  co_return Resolved{digest, whole.media_type, static_cast<std::int64_t>(whole.bytes.size())};
}

Task<std::string> Client::small_blob(Place place, oci::Descriptor blob, std::size_t limit) {
  const auto source = co_await open_source(state_->session, state_->workers, std::move(place));
  co_return co_await read_small_blob(*source, std::move(blob), limit);
}

Task<std::vector<oci::Descriptor>> Client::referrers(Place place, oci::Digest subject) {
  const auto source = co_await open_source(state_->session, state_->workers, std::move(place));
  auto found = co_await source->referrers(std::move(subject));
  source->check_all_told();
  co_return found;
}

Task<std::vector<TaggedReferrer>> Client::cosign_tags(Place place, oci::Digest subject) {
  const auto source = co_await open_source(state_->session, state_->workers, std::move(place));
  auto found = co_await registry::cosign_tags(*source, std::move(subject));
  source->check_all_told();
  co_return found;
}

}  // namespace sluice::registry
