#include "registry/referrers.hpp"

#include "core/error.hpp"
#include "registry/answer.hpp"
#include "registry/manifest.hpp"
#include "registry/pages.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace sluice::registry {
namespace {

// Registries without the API answer 404, 400, 403, 405 or a page for people.
bool means_no_api(ErrorKind kind) {
  return kind == ErrorKind::not_found || kind == ErrorKind::invalid || kind == ErrorKind::denied ||
         kind == ErrorKind::unauthorized;
}

bool is_index(const net::Response& response) {
  const std::string type = content_type(response.headers());
  return type == oci::media_type::oci_index || type == oci::media_type::docker_list;
}

Task<std::optional<FetchedManifest>> fallback_index(Session& session, oci::Repository repository,
                                                    oci::Digest subject, Pace pace,
                                                    std::string mirror_of = {}) {
  try {
    co_return co_await get_manifest(session, std::move(repository), referrers_tag(subject), pace,
                                    std::move(mirror_of));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
  }
  co_return std::nullopt;
}

}  // namespace

std::string referrers_tag(const oci::Digest& subject) {
  return std::string(subject.algorithm().substr(0, 32)) + "-" + std::string(subject.hex().substr(0, 64));
}

Task<std::optional<std::vector<oci::Descriptor>>> ask_for_referrers(Session& session,
                                                                    oci::Repository repository,
                                                                    oci::Digest subject,
                                                                    std::string mirror_of) {
  Call call;
  call.mirror_of = std::move(mirror_of);
  call.what = "referrers";
  call.path = "referrers/" + subject.text();
  call.headers.add("Accept", std::string(oci::media_type::oci_index));
  call.scopes = {pull_scope(repository)};
  call.html_allowed = true;
  std::vector<oci::Descriptor> found;
  std::size_t bytes = 0;
  bool api = true;
  std::function<bool(const net::Response&, std::string)> take = [&](const net::Response& page,
                                                                    std::string body) {
    api = is_index(page);
    if (!api) return false;
    bytes += body.size();
    auto index = oci::parse_manifest(body, content_type(page.headers()));
    for (auto& entry : index.manifests)
      found.push_back(std::move(entry));
    return found.size() <= max_referrers && bytes <= max_referrer_pages;
  };
  try {
    co_await read_pages(session, std::move(repository), std::move(call), std::move(take));
  } catch (const Error& error) {
    if (!means_no_api(error.kind())) throw;
    api = false;
  }
  if (!api) co_return std::nullopt;
  if (found.size() > max_referrers)
    throw Error(ErrorKind::invalid,
                subject.text() + " has more than " + std::to_string(max_referrers) + " referrers");
  if (bytes > max_referrer_pages)
    throw Error(ErrorKind::invalid, "the list of what refers to " + subject.text() + " has more than " +
                                        std::to_string(max_referrer_pages) + " bytes");
  co_return found;
}

Task<std::vector<oci::Descriptor>> referrers_by_tag(Session& session, oci::Repository repository,
                                                    oci::Digest subject, std::string mirror_of) {
  auto index = co_await fallback_index(session, std::move(repository), std::move(subject), Pace::begin,
                                       std::move(mirror_of));
  if (!index) co_return std::vector<oci::Descriptor>{};
  co_return std::move(index->manifest.manifests);
}

std::string with_referrer(const std::string& index_bytes, const oci::Digest& digest,
                          const std::string& manifest_bytes, const std::string& media_type) {
  using json = nlohmann::ordered_json;
  json index{{"schemaVersion", 2}, {"mediaType", oci::media_type::oci_index}, {"manifests", json::array()}};
  if (!index_bytes.empty()) {
    const auto present = oci::parse_manifest(index_bytes, oci::media_type::oci_index);
    if (!present.is_index)
      throw Error(ErrorKind::corrupt, "the tag for referrers names an image, not a list of referrers");
    const auto is_this = [&](const oci::Descriptor& entry) { return entry.digest == digest; };
    if (std::any_of(present.manifests.begin(), present.manifests.end(), is_this)) return index_bytes;
    if (present.manifests.size() >= oci::max_descriptors)
      throw Error(ErrorKind::corrupt, "the list of referrers holds as many as are read; remove old ones");
    index = json::parse(index_bytes);
  }
  const auto manifest = oci::parse_manifest(manifest_bytes, media_type);
  json entry{{"mediaType", media_type}, {"digest", digest.text()}, {"size", manifest_bytes.size()}};
  if (!manifest.annotations.empty()) entry["annotations"] = manifest.annotations;
  if (const auto type = oci::artifact_type_of(manifest); !type.empty()) entry["artifactType"] = type;
  index["manifests"].push_back(std::move(entry));
  return index.dump();
}

Task<> list_under_fallback_tag(Session& session, oci::Repository repository, oci::Digest subject,
                               oci::Digest digest, std::string manifest_bytes, std::string media_type) {
  const std::string tag = referrers_tag(subject);
  const std::string key = repository.text() + ":" + tag;
  co_await session.fallback_lists().wait(key, session.clock());
  const KeyedLock::Place place(session.fallback_lists(), key);
  const auto present = co_await fallback_index(session, repository, subject, Pace::go_on);
  const std::string before = present ? present->bytes : std::string();
  std::string after = with_referrer(before, digest, manifest_bytes, media_type);
  if (after == before) co_return;
  std::string type(oci::media_type::oci_index);
  co_await put_manifest(session, std::move(repository), tag, std::move(type), std::move(after));
}

}  // namespace sluice::registry
