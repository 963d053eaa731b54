#include "registry/repository.hpp"

#include "core/error.hpp"
#include "registry/manifest.hpp"
#include "registry/mirrors.hpp"
#include "registry/presence.hpp"
#include "registry/referrers.hpp"
#include "registry/tags.hpp"

#include <algorithm>
#include <utility>

namespace sluice::registry {
namespace {

TransferLimit limit_of(const Endpoint& endpoint) {
  return {endpoint.base.authority(), static_cast<std::size_t>(endpoint.access.transfers)};
}

}  // namespace

RepositorySource::RepositorySource(Session& session, oci::Repository repository)
    : session_(session), repository_(std::move(repository)), text_(repository_.text()) {}

Task<FetchedManifest> RepositorySource::manifest(std::string tag_or_digest) {
  FetchedManifest fetched = co_await pull(std::move(tag_or_digest));
  has_begun_ = true;
  remember(fetched);
  co_return fetched;
}

// What refers to an image may be much more than would be kept.
void RepositorySource::remember(const FetchedManifest& fetched) {
  if (read_bytes_ + fetched.bytes.size() > KeptManifests::limit) return;
  read_bytes_ += fetched.bytes.size();
  read_.push_back({fetched.digest, fetched.media_type, fetched.bytes});
}

Task<FetchedManifest> RepositorySource::pull(std::string tag_or_digest) {
  const auto digest = oci::Digest::parse(tag_or_digest);
  auto kept = digest ? session_.kept_manifests().take(repository_, *digest) : std::nullopt;
  if (kept) {
    auto manifest = oci::parse_manifest(kept->bytes, kept->media_type);
    co_return FetchedManifest{std::move(kept->digest), std::move(kept->media_type), std::move(kept->bytes),
                              std::move(manifest)};
  }
  const Pace pace = has_begun_ ? Pace::go_on : Pace::begin;
  try {
    co_return co_await pull_manifest(session_, repository_, std::move(tag_or_digest), pace);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::rate_limited) keep_for_next_try();
    throw;
  }
}

void RepositorySource::keep_for_next_try() {
  for (auto& manifest : std::exchange(read_, {}))
    session_.kept_manifests().keep(repository_, std::move(manifest));
  read_bytes_ = 0;
}

Task<std::optional<Resolved>> RepositorySource::resolve(std::string tag_or_digest) {
  return look_up_manifest(session_, repository_, std::move(tag_or_digest));
}

std::unique_ptr<net::BodySource> RepositorySource::open(const oci::Descriptor& blob, std::uint64_t from) {
  auto& used = mirrors_used_[blob.digest];
  if (!used) used = std::make_shared<MirrorsUsed>();
  return std::make_unique<BlobReader>(session_, repository_, blob, from, used);
}

// Which of the mirrors that gave parts of it was wrong cannot be told.
bool RepositorySource::gave_wrong(const oci::Descriptor& blob) {
  const auto found = mirrors_used_.find(blob.digest);
  if (found == mirrors_used_.end() || found->second->empty()) return false;
  const Error wrong(ErrorKind::corrupt, "blob " + blob.digest.shortened() + " did not match its digest");
  for (const auto& at : *found->second)
    session_.mirror_failed(at, wrong);
  found->second->clear();
  return true;
}

Task<std::vector<oci::Descriptor>> RepositorySource::referrers(oci::Digest subject) {
  if (!silence_) {
    try {
      co_return co_await own_referrers(subject);
    } catch (const Error& error) {
      if (!mirrors_may_tell(error)) throw;
      silence_ = error;
    }
  }
  auto found = co_await referrers_at_mirrors(session_, repository_, std::move(subject));
  mirrors_told_ = mirrors_told_ || !found.empty();
  co_return found;
}

Task<std::optional<Resolved>> RepositorySource::artifact(std::string tag) {
  if (!silence_) {
    try {
      co_return co_await own_artifact(tag);
    } catch (const Error& error) {
      if (!mirrors_may_tell(error)) throw;
      silence_ = error;
    }
  }
  auto named = co_await look_up_at_mirrors(session_, repository_, std::move(tag));
  mirrors_told_ = mirrors_told_ || named;
  co_return named;
}

// The registry is not asked again for the rest of this work: each question would wait for it anew.
bool RepositorySource::mirrors_may_tell(const Error& error) const {
  return cannot_be_asked(error.kind()) && !session_.mirrors_of(repository_, true).empty();
}

// Who brought an image without its signature would have it rejected for good.
void RepositorySource::check_all_told() const {
  if (silence_ && !mirrors_told_)
    throw Error(silence_->kind(),
                std::string(silence_->what()) + " (and its mirrors know nothing that refers to the image)",
                silence_->retry_after());
}

Task<std::vector<oci::Descriptor>> RepositorySource::own_referrers(oci::Digest subject) {
  if (has_referrers_api_) {
    auto found = co_await ask_for_referrers(session_, repository_, subject);
    if (found) co_return std::move(*found);
    has_referrers_api_ = false;
  }
  const bool listed = co_await may_have(referrers_tag(subject));
  if (!listed) co_return std::vector<oci::Descriptor>{};
  co_return co_await referrers_by_tag(session_, repository_, std::move(subject));
}

Task<std::optional<Resolved>> RepositorySource::own_artifact(std::string tag) {
  const bool possible = co_await may_have(tag);
  if (!possible) co_return std::nullopt;
  co_return co_await resolve_manifest(session_, repository_, std::move(tag));
}

// One list for a whole image: asking for each tag of each of its manifests would be four requests a manifest.
Task<bool> RepositorySource::may_have(std::string artifact_tag) {
  if (!tags_listed_) artifact_tags_ = co_await list_artifact_tags(session_, repository_);
  tags_listed_ = true;
  co_return !artifact_tags_ || artifact_tags_->contains(artifact_tag);
}

Task<std::vector<std::string>> RepositorySource::tags() {
  return list_tags(session_, repository_);
}

std::optional<TransferLimit> RepositorySource::limit() const {
  return limit_of(session_.endpoint(repository_));
}

RepositoryTarget::RepositoryTarget(Session& session, UploadNotes& notes, oci::Repository repository)
    : session_(session), notes_(notes), repository_(std::move(repository)), text_(repository_.text()) {}

// The source was read before.
Task<std::optional<Resolved>> RepositoryTarget::resolve(std::string tag_or_digest) {
  return find_at_target(session_, repository_, std::move(tag_or_digest), Pace::go_on);
}

Task<bool> RepositoryTarget::has(oci::Descriptor blob) {
  return blob_is_at_target(session_, repository_, std::move(blob.digest));
}

bool RepositoryTarget::can_mount(const Source& source, const oci::Descriptor& blob) const {
  const auto* home = source.repository();
  if (home && home->registry == repository_.registry && home->path != repository_.path) return true;
  return !notes_.holders(repository_.registry, blob.digest).empty();
}

// Who brings blobs meanwhile asks for each of them.
Task<> RepositoryTarget::find_out_whether_new() {
  if (std::exchange(asked_whether_new_, true)) co_return;
  is_new_ = co_await has_no_tags(session_, repository_);
}

// Copies bring their blobs in the same order: one that was cut left nothing behind if it left none of those
// that all lanes begin with. What is wrongly taken for lacking moves once more.
Task<Prospect> RepositoryTarget::prospect(const Source& source, oci::Descriptor blob) {
  const bool seems_empty = lacked_ >= lanes() && !had_some_;
  if (seems_empty || can_mount(source, blob)) co_await find_out_whether_new();
  const auto holders = notes_.holders(repository_.registry, blob.digest);
  const bool is_noted = std::find(holders.begin(), holders.end(), repository_.path) != holders.end();
  co_return Prospect{.is_new = is_new_, .lacks_blob = is_new_ && seems_empty && !is_noted};
}

Task<Arrival> RepositoryTarget::bring(Source& source, oci::Descriptor blob, BlobMoved moved) {
  auto prospect = co_await this->prospect(source, blob);
  const auto arrival =
      co_await move_blob(session_, notes_, source, repository_, prospect, std::move(blob), std::move(moved));
  if (arrival == Arrival::present)
    had_some_ = true;
  else
    ++lacked_;
  co_return arrival;
}

Task<> RepositoryTarget::put_manifest(oci::Digest digest, std::string media_type, std::string bytes) {
  const auto subject = oci::parse_manifest(bytes, media_type).subject;
  const bool noted = co_await registry::put_manifest(session_, repository_, digest.text(), media_type, bytes);
  if (!subject || noted) co_return;
  co_await list_under_fallback_tag(session_, repository_, subject->digest, std::move(digest),
                                   std::move(bytes), std::move(media_type));
}

Task<> RepositoryTarget::tag(std::string tag, oci::Digest /*digest*/, std::string media_type,
                             std::string bytes) {
  co_await registry::put_manifest(session_, repository_, std::move(tag), std::move(media_type),
                                  std::move(bytes));
}

Task<> RepositoryTarget::finish() {
  co_return;
}

// Enough to fill a line while some blobs end.
int RepositoryTarget::lanes() const {
  return 6;
}

std::optional<TransferLimit> RepositoryTarget::limit() const {
  return limit_of(session_.endpoint(repository_));
}

}  // namespace sluice::registry
