#include "registry/referring.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "registry/referrers.hpp"

#include <string_view>
#include <utility>

#include <spdlog/spdlog.h>

namespace sluice::registry {

Task<std::vector<TaggedReferrer>> cosign_tags(Source& source, oci::Digest subject) {
  std::vector<TaggedReferrer> found;
  for (const std::string_view kind : {".sig", ".att", ".sbom"}) {
    const std::string tag = referrers_tag(subject) + std::string(kind);
    auto named = co_await source.artifact(tag);
    if (named) found.push_back({tag, std::move(*named)});
  }
  co_return found;
}

void Referring::add(const oci::Digest& subject, int depth) {
  if (depth >= max_referrer_depth) return;
  seen_.insert(subject);
  subjects_.emplace_back(subject, depth);
}

Task<std::optional<Referrer>> Referring::next() {
  for (;;) {
    while (found_.empty()) {
      if (subjects_.empty()) {
        source_.check_all_told();
        co_return std::nullopt;
      }
      auto [subject, depth] = subjects_.front();
      subjects_.pop_front();
      co_await look(std::move(subject), depth);
    }
    Found found = std::move(found_.front());
    found_.pop_front();
    if (++given_ > max_referring)
      throw Error(ErrorKind::invalid, "more than " + std::to_string(max_referring) + " manifests of " +
                                          source_.text() + " refer to this image: not copied");
    auto manifest = co_await fetch(found.digest);
    if (manifest) co_return Referrer{std::move(*manifest), std::move(found.tag), found.depth};
  }
}

Task<> Referring::look(oci::Digest subject, int depth) {
  const auto referrers = co_await source_.referrers(subject);
  for (const auto& referrer : referrers)
    if (seen_.insert(referrer.digest).second) found_.push_back({referrer.digest, "", depth + 1});
  auto tagged = co_await cosign_tags(source_, std::move(subject));
  for (auto& [tag, named] : tagged)
    found_.push_back({std::move(named.digest), std::move(tag), depth + 1});
}

// Lists outlive what they list: registries collect garbage, people delete signatures.
Task<std::optional<FetchedManifest>> Referring::fetch(oci::Digest digest) {
  try {
    co_return co_await source_.manifest(digest.text());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
    spdlog::info("{} lists the referrer {}, but has it no more", printable(source_.text(), 300),
                 digest.text());
  }
  co_return std::nullopt;
}

}  // namespace sluice::registry
