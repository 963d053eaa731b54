#include "registry/manifest.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "registry/answer.hpp"

#include <algorithm>
#include <array>

namespace sluice::registry {
namespace {

constexpr std::array types{oci::media_type::oci_index, oci::media_type::docker_list,
                           oci::media_type::oci_manifest, oci::media_type::oci_artifact,
                           oci::media_type::docker_manifest};

Call manifest_call(const oci::Repository& repository, const std::string& tag_or_digest) {
  if (!oci::is_valid_tag(tag_or_digest) && !oci::Digest::parse(tag_or_digest))
    throw Error(ErrorKind::invalid,
                "\"" + printable(tag_or_digest, 160) + "\" is neither a tag nor a digest");
  Call call;
  call.what = "manifest " + printable(tag_or_digest, 160);
  call.path = "manifests/" + tag_or_digest;
  call.scopes = {pull_scope(repository)};
  call.redirects = 5;
  accept_manifests(call.headers);
  return call;
}

// CNCF distribution, and Docker Hub which is one: `ETag: "sha256:..."`, compared with If-None-Match
// (https://github.com/distribution/distribution/blob/v2.8.1/registry/handlers/manifests.go, GetManifest).
std::string entity_tag(const oci::Digest& digest) {
  return '"' + digest.text() + '"';
}

Resolved still(const net::Headers& headers, const oci::Digest& known) {
  const auto told = headers.get("Docker-Content-Digest");
  if (told && *told != known.text())
    throw Error(ErrorKind::corrupt, "asked whether it is still " + known.text() +
                                        ", the registry answered 304 and " + printable(*told, 160));
  return Resolved{.digest = known, .media_type = {}, .size = 0, .modified = {}, .unchanged = true};
}

oci::Digest digest_like(const std::optional<oci::Digest>& asked, std::string_view bytes) {
  oci::Hasher hasher(asked ? asked->algorithm() : "sha256");
  hasher.update(bytes);
  return hasher.finish();
}

oci::Manifest read(std::string_view bytes, const std::string& type) {
  try {
    return oci::parse_manifest(bytes, type);
  } catch (const Error& error) {
    throw Error(error.kind(), std::string(error.what()) + "; the answer begins " + quoted_beginning(bytes));
  }
}

}  // namespace

// One line for each: Harbor 1.1.1 answers schema 1 to one long line (containerd issue 5632).
void accept_manifests(net::Headers& headers) {
  for (const auto type : types)
    headers.add("Accept", std::string(type));
}

bool is_manifest_type(std::string_view media_type) {
  return std::find(types.begin(), types.end(), media_type) != types.end();
}

Task<FetchedManifest> get_manifest(Session& session, oci::Repository repository, std::string tag_or_digest,
                                   Pace pace, std::string mirror_of, std::string scope) {
  Call call = manifest_call(repository, tag_or_digest);
  if (!scope.empty()) call.scopes = {std::move(scope)};
  call.mirror_of = std::move(mirror_of);
  call.pace = pace;
  call.is_pull = true;
  const std::string what = "GET " + call.what + " of " + repository.text();
  const auto response = co_await session.send(repository, std::move(call));
  try {
    std::string bytes = co_await response->read_all(oci::max_manifest_bytes);
    const auto asked = oci::Digest::parse(tag_or_digest);
    oci::Digest digest = digest_like(asked, bytes);
    if (asked && *asked != digest)
      throw Error(ErrorKind::corrupt,
                  "the body is " + digest.text() + " and begins " + quoted_beginning(bytes));
    const std::string encoding = response->headers().get("Content-Encoding").value_or("identity");
    if (!asked && encoding != "identity")
      throw Error(ErrorKind::corrupt, "encoded as " + printable(encoding, 64) + ", which was not asked for");
    auto manifest = read(bytes, content_type(response->headers()));
    std::string media_type = manifest.media_type;
    co_return FetchedManifest{std::move(digest), std::move(media_type), std::move(bytes),
                              std::move(manifest)};
  } catch (const Error& error) {
    throw Error(error).within(what);
  }
}

// A HEAD costs nothing on Docker Hub while a GET counts as a pull; but a HEAD that does not tell everything
// (ECR Public, registry.redhat.io and static registries send no Docker-Content-Digest) is replaced by GET and
// hash.
Task<std::optional<Resolved>> resolve_manifest(Session& session, oci::Repository repository,
                                               std::string tag_or_digest, Pace pace, std::string mirror_of,
                                               std::optional<oci::Digest> known, std::string scope) {
  Call call = manifest_call(repository, tag_or_digest);
  if (!scope.empty()) call.scopes = {scope};
  call.mirror_of = mirror_of;
  call.pace = pace;
  call.method = "HEAD";
  call.expected = {200, 404, 405};
  if (known && session.etags_are_digests(repository.registry)) {
    call.headers.set("If-None-Match", entity_tag(*known));
    call.expected.push_back(304);
  }
  call.html_allowed = true;
  // The answer to HEAD has no body, so its connection is free already.
  const auto response = co_await session.send(repository, std::move(call));
  if (response->status() == 404) co_return std::nullopt;
  if (response->status() == 304) co_return still(response->headers(), *known);

  const auto digest = oci::Digest::parse(response->headers().get("Docker-Content-Digest").value_or(""));
  const std::string type = content_type(response->headers());
  const auto size = response->content_length();
  // Of what has not changed nobody asks when it did.
  const bool news = !known || digest != known;
  const auto modified = news ? last_modified(response->headers(), session.clock().now()) : std::nullopt;
  const auto asked = oci::Digest::parse(tag_or_digest);
  const bool complete = response->status() == 200 && digest && size && *size > 0 && is_manifest_type(type);
  if (complete)
    session.etags_are_digests(repository.registry, response->headers().get("ETag") == entity_tag(*digest));
  if (complete && (!asked || *asked == *digest))
    co_return Resolved{*digest, type, static_cast<std::int64_t>(*size), modified};

  try {
    const FetchedManifest fetched =
        co_await get_manifest(session, repository, tag_or_digest, pace, mirror_of, scope);
    co_return Resolved{fetched.digest, fetched.media_type, static_cast<std::int64_t>(fetched.bytes.size()),
                       modified};
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::not_found) throw;
  }
  co_return std::nullopt;
}

Task<bool> put_manifest(Session& session, oci::Repository repository, std::string tag_or_digest,
                        std::string media_type, std::string bytes) {
  const auto asked = oci::Digest::parse(tag_or_digest);
  const oci::Digest digest = digest_like(asked, bytes);
  if (asked && *asked != digest)
    throw Error(ErrorKind::corrupt,
                "manifest " + asked->text() + " has bytes of " + digest.text() + ": not pushed");

  Call call = manifest_call(repository, tag_or_digest);
  call.method = "PUT";
  call.scopes = {push_scope(repository)};
  call.redirects = 0;
  call.headers = {{"Content-Type", media_type}};
  call.body = std::move(bytes);
  call.expected = {200, 201, 202};
  const std::string what = "PUT " + call.what + " of " + repository.text();
  const auto response = co_await session.send(repository, std::move(call));
  const auto stored = oci::Digest::parse(response->headers().get("Docker-Content-Digest").value_or(""));
  if (stored && stored->algorithm() == digest.algorithm() && *stored != digest)
    throw Error(ErrorKind::corrupt,
                what + ": the registry stored " + stored->text() + " instead of " + digest.text());
  co_await drain(*response);
  co_return response->headers().get("OCI-Subject").has_value();
}

}  // namespace sluice::registry
