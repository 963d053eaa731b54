#include "registry/mirrors.hpp"

#include "core/text.hpp"
#include "registry/blob.hpp"
#include "registry/manifest.hpp"
#include "registry/referrers.hpp"

#include <spdlog/spdlog.h>

namespace sluice::registry {
namespace {

/// What the mirrors said, for the error of the registry when that fails too.
class MirrorFailures {
 public:
  void add(const oci::Repository& at, const Error& error) {
    if (text_.size() < 1000)
      text_ += (text_.empty() ? "" : "; ") + at.registry + ": " + printable(error.what(), 300);
  }
  Error with(const Error& error) const {
    if (text_.empty()) return error;
    return {error.kind(), std::string(error.what()) + " (and before, its mirrors: " + text_ + ")",
            error.retry_after()};
  }

 private:
  std::string text_;
};

/// Asks the mirrors in their order, at the end the registry itself: `ask(repository, mirror of what)`.
template <class Ask>
auto pull(Session& session, std::vector<oci::Repository> mirrors, oci::Repository own, const Ask& ask)
    -> decltype(ask(own, std::string())) {
  MirrorFailures failures;
  for (const auto& at : mirrors) {
    std::optional<Error> failure;
    try {
      co_return co_await ask(at, own.registry);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::cancelled) throw;
      failure = error;
    }
    session.mirror_failed(at, *failure);
    failures.add(at, *failure);
  }
  try {
    co_return co_await ask(own, std::string());
  } catch (const Error& error) {
    throw failures.with(error);
  }
}

Task<std::vector<oci::Descriptor>> referrers_at(Session& session, oci::Repository at, oci::Digest subject,
                                                std::string mirror_of) {
  auto listed = co_await ask_for_referrers(session, at, subject, mirror_of);
  if (listed) co_return std::move(*listed);
  co_return co_await referrers_by_tag(session, std::move(at), std::move(subject), std::move(mirror_of));
}

}  // namespace

bool cannot_be_asked(ErrorKind kind) {
  return kind == ErrorKind::unavailable || kind == ErrorKind::timeout || kind == ErrorKind::rate_limited;
}

Task<FetchedManifest> pull_manifest(Session& session, oci::Repository repository, std::string tag_or_digest,
                                    Pace pace) {
  auto mirrors = session.mirrors_of(repository, false);
  if (!mirrors.empty() && !oci::Digest::parse(tag_or_digest)) {
    const auto named = co_await look_up_manifest(session, repository, tag_or_digest, pace);
    if (named)
      tag_or_digest = named->digest.text();
    else
      mirrors.clear();  // let the registry's own GET say so
  }
  const auto ask = [&](const oci::Repository& at, const std::string& mirror_of) {
    return get_manifest(session, at, tag_or_digest, pace, mirror_of);
  };
  co_return co_await pull(session, std::move(mirrors), repository, ask);
}

Task<std::string> pull_small_blob(Session& session, oci::Repository repository, oci::Digest digest,
                                  std::size_t limit) {
  auto mirrors = session.mirrors_of(repository, false);
  const auto ask = [&](const oci::Repository& at, const std::string& mirror_of) {
    return get_small_blob(session, at, digest, limit, mirror_of);
  };
  co_return co_await pull(session, std::move(mirrors), repository, ask);
}

Task<std::optional<Resolved>> look_up_manifest(Session& session, oci::Repository repository,
                                               std::string tag_or_digest, Pace pace,
                                               std::optional<oci::Digest> known) {
  std::optional<Error> failure;
  try {
    co_return co_await resolve_manifest(session, repository, tag_or_digest, pace, {}, known);
  } catch (const Error& error) {
    if (!cannot_be_asked(error.kind())) throw;
    failure = error;
  }
  auto named = co_await look_up_at_mirrors(session, repository, tag_or_digest, pace, known);
  if (!named) throw *failure;
  spdlog::debug("{} cannot be asked, a mirror says what {} names", repository.registry,
                printable(tag_or_digest, 160));
  co_return named;
}

Task<std::optional<Resolved>> look_up_at_mirrors(Session& session, oci::Repository repository,
                                                 std::string tag_or_digest, Pace pace,
                                                 std::optional<oci::Digest> known) {
  const auto mirrors = session.mirrors_of(repository, true);
  for (const auto& at : mirrors) {
    std::optional<Error> refusal;
    try {
      auto named = co_await resolve_manifest(session, at, tag_or_digest, pace, repository.registry, known);
      if (named) co_return named;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::cancelled) throw;
      refusal = error;
    }
    if (refusal) session.mirror_failed(at, *refusal);
  }
  co_return std::nullopt;
}

// One that fails at this has good content all the same: it is not passed over.
Task<std::vector<oci::Descriptor>> referrers_at_mirrors(Session& session, oci::Repository repository,
                                                        oci::Digest subject) {
  const auto mirrors = session.mirrors_of(repository, true);
  for (const auto& at : mirrors) {
    try {
      auto found = co_await referrers_at(session, at, subject, repository.registry);
      if (!found.empty()) co_return found;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::cancelled) throw;
      spdlog::debug("the mirror {} cannot say what refers to {}: {}", printable(at.text(), 300),
                    subject.text(), printable(error.what(), 600));
    }
  }
  co_return std::vector<oci::Descriptor>{};
}

}  // namespace sluice::registry
