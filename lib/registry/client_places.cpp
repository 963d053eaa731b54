// The client's operations between any two places.

#include "core/error.hpp"
#include "registry/client_state.hpp"
#include "registry/copy.hpp"
#include "registry/ends.hpp"
#include "registry/platforms.hpp"
#include "registry/verified_body.hpp"

namespace sluice::registry {
namespace {

/// What is to be copied, after the choice of platforms.
struct Root {
  FetchedManifest manifest;
  oci::Digest source;
  std::vector<oci::Platform> left_out;
};

Task<Root> choose_root(Source& source, Place from, PlaceKind to, CopyOptions options) {
  auto whole = co_await source.manifest(from.tag_or_digest().value_or(""));
  const oci::Digest digest = whole.digest;
  const bool single = to == PlaceKind::docker_archive && whole.manifest.is_index;
  if (single && options.platforms.size() != 1)
    throw Error(ErrorKind::invalid, from.text() +
                                        " is an index, and a docker archive holds one platform: "
                                        "choose it with --platform");
  if (options.platforms.empty()) co_return Root{std::move(whole), digest, {}};
  if (!single) {
    auto [manifest, left_out] = only_platforms(std::move(whole), options.platforms);
    co_return Root{std::move(manifest), digest, std::move(left_out)};
  }
  const auto child = oci::select_platform(whole.manifest, options.platforms[0]);
  if (!child)
    throw Error(ErrorKind::not_found, from.text() + " has no image for " + options.platforms[0].text());
  auto manifest = co_await source.manifest(child->digest.text());
  co_return Root{std::move(manifest), digest, {}};
}

/// Layouts and archives name what they hold: as the source does, where nothing else is said.
std::optional<std::string> target_tag(const Place& from, const Place& to) {
  if (to.tag || to.kind == PlaceKind::registry) return to.tag;
  return from.tag.value_or("");
}

void check_target(const Place& to) {
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
  Root root = co_await choose_root(*source, from, to.kind, options);
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
  result.progress = co_await copy_image(state_->clock, state_->flights, *source, *target,
                                        std::move(root.manifest), tag, options);
  co_return result;
}

Task<CopyPlan> Client::plan(Place from, Place to, CopyOptions options) {
  check_target(to);
  const auto source = co_await open_source(state_->session, state_->workers, from);
  Root root = co_await choose_root(*source, from, to.kind, options);
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

Task<std::optional<Resolved>> Client::resolve(Place place) {
  const auto source = co_await open_source(state_->session, state_->workers, place);
  co_return co_await source->resolve(place.tag_or_digest().value_or(""));
}

Task<std::string> Client::small_blob(Place place, oci::Descriptor blob, std::size_t limit) {
  if (blob.size < 0 || static_cast<std::uint64_t>(blob.size) > limit)
    throw Error(ErrorKind::corrupt, "blob " + blob.digest.shortened() + " of " + place.text() + " has " +
                                        std::to_string(blob.size) + " bytes, more than " +
                                        std::to_string(limit));
  std::string bytes(static_cast<std::size_t>(blob.size), '\0');
  if (bytes.empty()) co_return bytes;
  const auto source = co_await open_source(state_->session, state_->workers, std::move(place));
  for (;;) {
    try {
      VerifiedBody body(*source, blob, {});
      for (std::size_t have = 0; have < bytes.size();)
        have += co_await body.read(std::span<char>(bytes).subspan(have));
      co_return bytes;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt || !source->gave_wrong(blob)) throw;
    }
  }
}

Task<std::vector<oci::Descriptor>> Client::referrers(Place place, oci::Digest subject) {
  const auto source = co_await open_source(state_->session, state_->workers, std::move(place));
  co_return co_await source->referrers(std::move(subject));
}

}  // namespace sluice::registry
