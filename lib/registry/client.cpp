#include "registry/client.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "registry/blob.hpp"
#include "registry/client_state.hpp"
#include "registry/copy.hpp"
#include "registry/manifest.hpp"
#include "registry/mirrors.hpp"
#include "registry/presence.hpp"
#include "registry/repository.hpp"
#include "registry/tree.hpp"

#include <algorithm>

namespace sluice::registry {

// The workers read and write files only. SHA-256 with the processor's own instructions takes a fraction of a
// millisecond for a buffer, less than the way to another thread and back would cost the loop.
Client::Client(net::Client& http, Clock& clock, Random& random, Workers& workers,
               std::function<Access(const std::string&)> access)
    : state_(new State{Session(http, clock, random, std::move(access)), workers, {clock}}) {}

Client::~Client() = default;

Task<bool> Client::verify(std::string registry) {
  return state_->session.verify(std::move(registry));
}

Task<std::optional<Credentials>> Client::credentials(oci::Repository repository) {
  return state_->session.credentials(std::move(repository));
}

Task<std::optional<Resolved>> Client::resolve(oci::Repository repository, std::string tag_or_digest) {
  return resolve_manifest(state_->session, std::move(repository), std::move(tag_or_digest));
}

Task<std::optional<Resolved>> Client::find_at_target(oci::Repository repository, std::string tag_or_digest) {
  return registry::find_at_target(state_->session, std::move(repository), std::move(tag_or_digest),
                                  Pace::begin);
}

Task<std::optional<Resolved>> Client::look(oci::Repository repository, std::string tag_or_digest, Pace pace,
                                           std::optional<oci::Digest> known) {
  return look_up_manifest(state_->session, std::move(repository), std::move(tag_or_digest), pace,
                          std::move(known));
}

std::optional<Steady> Client::asked_from(const std::string& registry) {
  const auto endpoint = state_->session.endpoint(registry);
  const auto& mirrors = endpoint.access.mirrors;
  if (std::any_of(mirrors.begin(), mirrors.end(), [](const auto& mirror) { return mirror.tags; }))
    return std::nullopt;
  return state_->session.gates().asked_from(endpoint);
}

void Client::when_changed(std::function<void()> listener) {
  state_->session.gates().when_changed(std::move(listener));
}

void Client::heard_of(const std::string& registry) {
  state_->session.gates().heard_of(state_->session.endpoint(registry));
}

Steady Client::looks_from(const std::string& registry) {
  return state_->session.gates().looks_from(state_->session.endpoint(registry));
}

std::vector<RegistryStatus> Client::statuses() const {
  return state_->session.statuses();
}

Task<FetchedManifest> Client::manifest(oci::Repository repository, std::string tag_or_digest) {
  return pull_manifest(state_->session, std::move(repository), std::move(tag_or_digest));
}

Task<> Client::put_manifest(oci::Repository repository, std::string tag_or_digest, std::string media_type,
                            std::string bytes) {
  co_await registry::put_manifest(state_->session, std::move(repository), std::move(tag_or_digest),
                                  std::move(media_type), std::move(bytes));
}

Task<std::string> Client::small_blob(oci::Repository repository, oci::Digest digest, std::size_t limit) {
  return pull_small_blob(state_->session, std::move(repository), std::move(digest), limit);
}

Task<bool> Client::blob_exists(oci::Repository repository, oci::Digest digest) {
  std::string scope = pull_scope(repository);
  return registry::blob_exists(state_->session, std::move(repository), std::move(digest), std::move(scope));
}

Task<oci::ImageConfig> Client::image_config(oci::Repository repository, std::string tag_or_digest,
                                            oci::Platform platform) {
  FetchedManifest fetched = co_await manifest(repository, tag_or_digest);
  for (int depth = 0; fetched.manifest.is_index; ++depth) {
    const auto child = oci::select_platform(fetched.manifest, platform);
    if (!child || depth == max_index_depth)
      throw Error(ErrorKind::not_found, repository.text() + " " + printable(tag_or_digest, 160) +
                                            " has no image for " + platform.text());
    fetched = co_await manifest(repository, child->digest.text());
  }
  if (!fetched.manifest.config)
    throw Error(ErrorKind::corrupt, repository.text() + "@" + fetched.digest.text() + " has no image config");
  const std::string bytes = co_await small_blob(repository, fetched.manifest.config->digest);
  co_return oci::parse_image_config(bytes);
}

Task<CopyProgress> Client::copy(oci::Repository source, oci::Digest digest, oci::Repository target,
                                std::optional<std::string> tag, CopyOptions options) {
  RepositorySource from(state_->session, std::move(source));
  RepositoryTarget to(state_->session, state_->notes, std::move(target));
  options.thorough = true;
  auto root = co_await from.manifest(digest.text());
  co_return co_await copy_image(state_->traffic, from, to, std::move(root), std::move(tag),
                                std::move(options));
}

}  // namespace sluice::registry
