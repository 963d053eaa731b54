#include "registry/upload.hpp"

#include "core/error.hpp"
#include "core/retry.hpp"
#include "registry/answer.hpp"
#include "registry/location.hpp"

namespace sluice::registry {
namespace {

constexpr int max_attempts = 3;

/// An upload session of the target, or the news that none is needed.
struct Begun {
  bool mounted = false;
  net::Url location;
  /// What the registry that named it was reached at.
  net::AddressClass from = net::AddressClass::global;
};

struct Way {
  Session& session;
  oci::Repository source;
  oci::Repository target;
  oci::Descriptor blob;
};

std::string text_of(const Way& way) {
  return "blob " + way.blob.digest.shortened() + " of " + way.target.text();
}

Task<Begun> post(const Way& way, std::string query, std::vector<std::string> scopes) {
  Call call;
  call.what = "upload of blob " + way.blob.digest.shortened();
  call.method = "POST";
  call.path = "blobs/uploads/" + query;
  call.scopes = std::move(scopes);
  call.expected = {201, 202};
  const auto response = co_await way.session.send(way.target, std::move(call));
  co_await drain(*response);
  const bool mounted = response->status() == 201 && !query.empty();
  if (mounted) co_return Begun{true, {}, response->reached_at()};
  const std::string location = response->headers().get("Location").value_or("");
  const Endpoint endpoint = way.session.endpoint(way.target);
  net::Url url = upload_location(endpoint, response->url(), location);
  co_return Begun{false, std::move(url), response->reached_at()};
}

// Quay refuses a mount without `from`, and `from` means a repository of the same registry. The token needs
// both repositories. Whoever does not mount answers 202 with an ordinary upload, or an error that a plain
// POST may not meet.
Task<std::optional<Begun>> mount(const Way& way) {
  const std::string query = "?mount=" + net::percent_encode(way.blob.digest.text()) +
                            "&from=" + net::percent_encode(way.source.path);
  std::vector<std::string> scopes{push_scope(way.target), pull_scope(way.source)};
  try {
    co_return co_await post(way, query, std::move(scopes));
  } catch (const Error& error) {
    if (is_transient(error.kind()) || error.kind() == ErrorKind::cancelled) throw;
  }
  co_return std::nullopt;
}

Task<> put(const Way& way, Begun begun, net::BodySource* body) {
  Call call;
  call.what = "upload of blob " + way.blob.digest.shortened();
  call.method = "PUT";
  call.url = with_digest(std::move(begun.location), way.blob.digest);
  call.url_from = begun.from;
  call.headers = {{"Content-Type", "application/octet-stream"}};
  call.scopes = {push_scope(way.target)};
  call.expected = {200, 201, 202, 204};
  call.stream = body;
  call.stream_length = body ? static_cast<std::uint64_t>(way.blob.size) : 0;
  // A registry on object storage joins the parts before it answers.
  call.header_timeout = std::chrono::minutes(5);
  const auto response = co_await way.session.send(way.target, std::move(call));
  const auto stored = oci::Digest::parse(response->headers().get("Docker-Content-Digest").value_or(""));
  if (stored && stored->algorithm() == way.blob.digest.algorithm() && *stored != way.blob.digest)
    throw Error(ErrorKind::corrupt, "upload of " + text_of(way) + ": the registry stored " + stored->text());
  co_await drain(*response);
}

// So that the registry need not keep what came so far. distribution asks for the right to delete here: a
// refusal is no news, and must not teach us to ask for that right.
Task<> abandon(const Way& way, Begun begun) {
  Call call;
  call.what = "upload of blob " + way.blob.digest.shortened();
  call.method = "DELETE";
  call.url = std::move(begun.location);
  call.url_from = begun.from;
  call.scopes = {push_scope(way.target)};
  call.answers_challenge = false;
  call.header_timeout = std::chrono::seconds(5);
  call.expected = {200, 202, 204};
  try {
    const auto response = co_await way.session.send(way.target, std::move(call));
    co_await drain(*response);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
  }
}

/// One try from the first byte. Nullopt when all went well; an error of the target that starting over may
/// mend.
Task<std::optional<Error>> stream(const Way& way, Begun begun, std::uint64_t& moved) {
  const auto size = static_cast<std::uint64_t>(way.blob.size);
  BlobReader reader(way.session, way.source, way.blob.digest, size);
  VerifiedBody body(reader, way.blob.digest, size,
                    "blob " + way.blob.digest.shortened() + " of " + way.source.text());
  std::optional<Error> failure;
  try {
    co_await put(way, begun, &body);
    moved += size;
    co_return std::nullopt;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
    failure = error;
  }
  co_await abandon(way, std::move(begun));
  if (body.failure()) throw *body.failure();
  switch (failure->kind()) {
    case ErrorKind::unavailable:
    case ErrorKind::timeout:
    case ErrorKind::not_found:     // the upload session is lost
    case ErrorKind::unauthorized:  // the token ended on the way
      co_return failure;
    default:
      throw *failure;
  }
}

Task<Begun> begin(const Way& way) {
  if (way.source.registry == way.target.registry && way.source.path != way.target.path) {
    auto begun = co_await mount(way);
    if (begun) co_return std::move(*begun);
  }
  std::vector<std::string> scopes{push_scope(way.target)};
  co_return co_await post(way, "", std::move(scopes));
}

Task<> pause(Session& session, int attempt) {
  constexpr Backoff backoff{std::chrono::milliseconds(500), std::chrono::seconds(5)};
  co_await session.clock().sleep_for(backoff.wait(attempt, session.random().unit()));
}

}  // namespace

Task<Arrival> move_blob(Session& session, oci::Repository source, oci::Repository target,
                        oci::Descriptor blob, std::uint64_t& moved) {
  const Way way{session, std::move(source), std::move(target), std::move(blob)};
  for (int attempt = 1;; ++attempt) {
    // Asked again after a broken upload: the answer may be all that was lost.
    const bool there = co_await blob_exists(session, way.target, way.blob.digest, push_scope(way.target));
    if (there) co_return attempt == 1 ? Arrival::present : Arrival::moved;
    Begun begun = co_await begin(way);
    if (begun.mounted) co_return Arrival::mounted;
    if (way.blob.size == 0) {
      if (oci::Hasher(way.blob.digest.algorithm()).finish() != way.blob.digest)
        throw Error(ErrorKind::corrupt,
                    text_of(way) + " is said to be empty, but its digest is not: not pushed");
      co_await put(way, std::move(begun), nullptr);
      co_return Arrival::moved;
    }
    const auto failure = co_await stream(way, std::move(begun), moved);
    if (!failure) co_return Arrival::moved;
    // A fresh token is worth one more try.
    const bool refused = failure->kind() == ErrorKind::unauthorized;
    if (attempt == (refused ? 2 : max_attempts)) throw *failure;
    co_await pause(session, attempt);
  }
}

}  // namespace sluice::registry
