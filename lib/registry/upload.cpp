#include "registry/upload.hpp"

#include "core/error.hpp"
#include "core/retry.hpp"
#include "registry/answer.hpp"
#include "registry/blob.hpp"
#include "registry/location.hpp"
#include "registry/verified_body.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::registry {
namespace {

constexpr int max_attempts = 3;
constexpr int too_large_status = 413;
constexpr int other_range = 416;  // distribution specification, "Pushing a blob in chunks"
/// A registry that wants larger pieces than this (OCI-Chunk-Min-Length) is not obeyed.
constexpr std::uint64_t largest_chunk = 1024 * 1024 * 1024;

/// Where an upload goes on, as the registry said, and the class of the address that it said so from.
struct Location {
  net::Url url;
  net::AddressClass from = net::AddressClass::global;
};

/// An upload session of the target, or the news that none is needed.
struct Begun {
  bool mounted = false;
  Location location;
  std::uint64_t least_chunk = 0;  // OCI-Chunk-Min-Length
};

/// The blob on its way.
class Upload {
 public:
  Upload(Session& session, UploadNotes& notes, Source& source, oci::Repository target, oci::Descriptor blob,
         BlobMoved moved)
      : session_(session),
        notes_(notes),
        source_(source),
        target_(std::move(target)),
        blob_(std::move(blob)),
        moved_(std::move(moved)),
        size_(static_cast<std::uint64_t>(blob_.size)) {}

  Task<Arrival> run();

 private:
  Call call(std::string method) const;
  Call call_at(std::string method, Location location) const;
  Location location_in(const net::Response& response) const;
  Task<Begun> post(std::string query, std::vector<std::string> scopes);
  Task<std::optional<Begun>> mount(std::string from);
  std::vector<std::string> neighbours() const;
  Task<Begun> begin(std::vector<std::string> from);
  Task<bool> is_there();
  Task<> put(Location location, net::BodySource* body, std::uint64_t from);
  Task<Location> patch(Location location, net::BodySource& body, std::uint64_t from, std::uint64_t length);
  Task<> send(Begun begun, VerifiedBody& body);
  Task<bool> find_rest(VerifiedBody& body);
  Task<std::optional<Error>> stream(Begun begun);
  Task<> abandon();
  Task<> put_empty(Location location);
  Task<> check_range_and_size(net::Response& response, std::uint64_t sent);
  bool send_smaller(std::uint64_t least);
  Error too_large(const Error& failure, std::uint64_t least) const;
  Task<> pause(int attempt);
  int most_attempts(const Error& failure) const;

  std::string what() const { return "upload of blob " + blob_.digest.shortened(); }

  Session& session_;
  UploadNotes& notes_;
  Source& source_;
  oci::Repository target_;
  oci::Descriptor blob_;
  BlobMoved moved_;
  std::uint64_t size_;
  Location location_;
  std::uint64_t refused_ = 0;                       // bytes of the last request that was answered 413
  std::uint64_t accepted_ = 0;                      // bytes of the largest piece that passed in this session
  std::optional<std::uint64_t> chunk_before_ = {};  // what was noted before the first 413
};

/// The part of a body that goes out with one request.
class Piece final : public net::BodySource {
 public:
  Piece(net::BodySource& whole, std::uint64_t length) : whole_(whole), left_(length) {}
  Task<std::size_t> read(std::span<char> buffer) override {
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left_));
    if (most == 0) co_return 0;
    const std::size_t got = co_await whole_.read(buffer.first(most));
    left_ -= got;
    co_return got;
  }

 private:
  net::BodySource& whole_;
  std::uint64_t left_;
};

Call Upload::call(std::string method) const {
  Call call;
  call.what = what();
  call.method = std::move(method);
  call.scopes = {push_scope(target_)};
  return call;
}

Call Upload::call_at(std::string method, Location location) const {
  Call call = this->call(std::move(method));
  call.url = std::move(location.url);
  call.url_from = location.from;
  return call;
}

Location Upload::location_in(const net::Response& response) const {
  const Endpoint endpoint = session_.endpoint(target_);
  const std::string location = response.headers().get("Location").value_or("");
  return {upload_location(endpoint, response.url(), location), response.reached_at()};
}

Task<Begun> Upload::post(std::string query, std::vector<std::string> scopes) {
  Call call = this->call("POST");
  call.path = "blobs/uploads/" + query;
  call.scopes = std::move(scopes);
  call.expected = {201, 202};
  const auto response = co_await session_.send(target_, std::move(call));
  co_await drain(*response);
  Begun begun;
  begun.mounted = response->status() == 201 && query.starts_with("?mount=");
  if (begun.mounted) co_return begun;
  begun.location = location_in(*response);
  const std::string least = response->headers().get("OCI-Chunk-Min-Length").value_or("");
  std::from_chars(least.data(), least.data() + least.size(), begun.least_chunk);
  if (begun.least_chunk > largest_chunk) begun.least_chunk = 0;
  co_return begun;
}

// Quay refuses a mount without `from`, and `from` means a repository of the same registry. The token needs
// both repositories. Whoever does not mount answers 202 with an ordinary upload, or an error that a plain
// POST may not meet.
Task<std::optional<Begun>> Upload::mount(std::string from) {
  const std::string query =
      "?mount=" + net::percent_encode(blob_.digest.text()) + "&from=" + net::percent_encode(from);
  std::vector<std::string> scopes{push_scope(target_), pull_scope({target_.registry, from})};
  try {
    co_return co_await post(query, std::move(scopes));
  } catch (const Error& error) {
    if (is_transient(error.kind()) || error.kind() == ErrorKind::cancelled) throw;
  }
  co_return std::nullopt;
}

/// Repositories of the same registry that hold the blob, as far as is known.
std::vector<std::string> Upload::neighbours() const {
  std::vector<std::string> paths = notes_.holders(target_.registry, blob_.digest);
  const auto* home = source_.repository();
  const bool near = home && home->registry == target_.registry;
  if (near && std::find(paths.begin(), paths.end(), home->path) == paths.end()) paths.push_back(home->path);
  std::erase(paths, target_.path);
  return paths;
}

Task<Begun> Upload::begin(std::vector<std::string> from) {
  for (const auto& path : from) {
    auto begun = co_await mount(path);
    if (begun && !begun->mounted) notes_.forget({target_.registry, path}, blob_.digest);
    if (begun) co_return std::move(*begun);
  }
  std::vector<std::string> scopes{push_scope(target_)};
  // Registries hash what they get by sha256 while it comes (distribution specification, "Pushing blobs").
  const auto algorithm = blob_.digest.algorithm();
  std::string query;
  if (algorithm != "sha256") query = "?digest-algorithm=" + std::string(algorithm);
  co_return co_await post(std::move(query), std::move(scopes));
}

Task<> Upload::put(Location location, net::BodySource* body, std::uint64_t from) {
  location.url = with_digest(std::move(location.url), blob_.digest);
  Call call = call_at("PUT", std::move(location));
  call.headers = {{"Content-Type", "application/octet-stream"}};
  call.expected = {200, 201, 202, 204, too_large_status, other_range};
  call.stream = body;
  call.stream_length = body ? size_ - from : 0;
  if (body && from > 0)
    call.headers.add("Content-Range", std::to_string(from) + "-" + std::to_string(size_ - 1));
  // A registry on object storage joins the parts before it answers.
  call.header_timeout = std::chrono::minutes(5);
  const std::uint64_t length = call.stream_length;
  const auto response = co_await session_.send(target_, std::move(call));
  co_await check_range_and_size(*response, length);
  const auto stored = oci::Digest::parse(response->headers().get("Docker-Content-Digest").value_or(""));
  if (stored && stored->algorithm() == blob_.digest.algorithm() && *stored != blob_.digest)
    throw Error(ErrorKind::corrupt,
                what() + " of " + target_.text() + ": the registry stored " + stored->text());
  co_await drain(*response);
}

// Refusals that do not end the upload, as those of other clients' mistakes do.
Task<> Upload::check_range_and_size(net::Response& response, std::uint64_t sent) {
  const int status = response.status();
  if (status != too_large_status && status != other_range) co_return;
  const std::string body = co_await read_beginning(response, max_error_body);
  const Error error =
      error_from(response.url().authority(), status, response.headers(), body, session_.clock().now());
  // The session holds other bytes than we think: its status tells how many, or a new one is begun.
  if (status == other_range) throw Error(ErrorKind::unavailable, error.what());
  refused_ = sent;
  throw error;
}

/// Whether smaller requests than the one that was refused are left to try; they are noted for the registry.
bool Upload::send_smaller(std::uint64_t least) {
  const auto noted = notes_.chunk(target_.registry);
  if (!chunk_before_) chunk_before_ = noted;
  const auto chunk = smaller_chunk(refused_, least);
  // Without one it was not the size of the requests: a quota, more likely. Otherwise another blob may have
  // found out more meanwhile.
  notes_.set_chunk(target_.registry, !chunk ? *chunk_before_ : noted == 0 ? *chunk : std::min(noted, *chunk));
  return chunk.has_value();
}

Error Upload::too_large(const Error& failure, std::uint64_t least) const {
  std::string text =
      std::string(failure.what()) + "; a request of " + std::to_string(refused_) + " bytes was refused";
  if (least > 0)
    text += ", and the registry wants none below " + std::to_string(least) + " bytes (OCI-Chunk-Min-Length)";
  text +=
      ": raise what the registry, or the proxy before it, allows for one request (nginx: "
      "client_max_body_size), or the quota";
  return Error(failure.kind(), text);
}

// "Content-Range: 0-1023", without unit and total (distribution specification, "Pushing a blob in chunks").
Task<Location> Upload::patch(Location location, net::BodySource& body, std::uint64_t from,
                             std::uint64_t length) {
  Piece piece(body, length);
  Call call = call_at("PATCH", std::move(location));
  call.headers = {{"Content-Type", "application/octet-stream"},
                  {"Content-Range", std::to_string(from) + "-" + std::to_string(from + length - 1)}};
  call.expected = {200, 201, 202, 204, too_large_status, other_range};
  call.stream = &piece;
  call.stream_length = length;
  const auto response = co_await session_.send(target_, std::move(call));
  co_await check_range_and_size(*response, length);
  co_await drain(*response);
  co_return location_in(*response);
}

// So that the registry need not keep what came so far. distribution asks for the right to delete here: a
// refusal is no news, and must not teach us to ask for that right.
Task<> Upload::abandon() {
  Call call = call_at("DELETE", location_);
  call.answers_challenge = false;
  call.header_timeout = std::chrono::seconds(5);
  call.expected = {200, 202, 204};
  try {
    const auto response = co_await session_.send(target_, std::move(call));
    co_await drain(*response);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
  }
}

// Everything with one PUT; in pieces only where the registry is known to refuse that. The last piece goes out
// with the PUT.
Task<> Upload::send(Begun begun, VerifiedBody& body) {
  std::uint64_t from = body.offset();
  std::uint64_t chunk = notes_.chunk(target_.registry);
  if (chunk > 0) chunk = std::max(chunk, begun.least_chunk);
  while (chunk > 0 && size_ - from > chunk) {
    location_ = co_await patch(location_, body, from, chunk);
    accepted_ = std::max(accepted_, chunk);
    from += chunk;
  }
  co_await put(location_, &body, from);
}

// Asks how much of a broken upload arrived. distribution 2 forgets uploads that broke within a request.
Task<bool> Upload::find_rest(VerifiedBody& body) {
  Call call = call_at("GET", location_);
  call.expected = {204};
  call.header_timeout = std::chrono::seconds(10);
  try {
    const auto response = co_await session_.send(target_, std::move(call));
    co_await drain(*response);
    const auto held = bytes_held(response->headers().get("Range").value_or(""));
    if (!held || *held == 0 || *held > body.position()) co_return false;
    if (response->headers().get("Location")) location_ = location_in(*response);
    co_return body.rewind(*held);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
  }
  co_return false;
}

/// One upload session. Nullopt when all went well; an error of the target that starting over may mend.
Task<std::optional<Error>> Upload::stream(Begun begun) {
  location_ = begun.location;
  refused_ = accepted_ = 0;
  if (moved_) moved_(0, false);
  VerifiedBody body(source_, blob_, moved_);
  std::optional<Error> failure;
  for (int resumes = 0; resumes < max_attempts; ++resumes) {
    try {
      co_await send(begun, body);
      co_return std::nullopt;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::cancelled) throw;
      failure = error;
    }
    const bool cut = failure->kind() == ErrorKind::unavailable || failure->kind() == ErrorKind::timeout;
    if (!cut || body.failure()) break;
    const bool goes_on = co_await find_rest(body);
    if (!goes_on) break;
  }
  co_await abandon();
  if (body.failure()) throw *body.failure();
  switch (failure->kind()) {
    case ErrorKind::unavailable:
    case ErrorKind::timeout:
    case ErrorKind::not_found:     // the upload session is lost
    case ErrorKind::unauthorized:  // the token ended on the way
    case ErrorKind::rate_limited:  // the next request waits at the gate
      co_return failure;
    default:
      break;
  }
  if (refused_ == 0) throw *failure;
  // What passed before is not too large now: a quota ended.
  const bool smaller = refused_ > accepted_ && send_smaller(begun.least_chunk);
  if (!smaller) throw too_large(*failure, begun.least_chunk);
  co_return failure;
}

Task<> Upload::put_empty(Location location) {
  check_empty(blob_, target_.text());
  co_await put(std::move(location), nullptr, 0);
}

Task<> Upload::pause(int attempt) {
  constexpr Backoff backoff{std::chrono::milliseconds(500), std::chrono::seconds(5)};
  co_await session_.clock().sleep_for(backoff.wait(attempt, session_.random().unit()));
}

int Upload::most_attempts(const Error& failure) const {
  switch (failure.kind()) {
    case ErrorKind::unauthorized:
      return 2;  // a fresh token is worth one more try
    case ErrorKind::rate_limited:
      return session_.endpoint(target_).access.attempts;
    default:
      return max_attempts;
  }
}

Task<bool> Upload::is_there() {
  auto scope = push_scope(target_);
  co_return co_await blob_exists(session_, target_, blob_.digest, std::move(scope));
}

Task<Arrival> Upload::run() {
  for (int attempt = 1;;) {
    auto from = neighbours();
    // A mount is answered alike whether the blob was there or not, so it saves the question. After a broken
    // upload the answer may be all that was lost.
    const bool mount_first = attempt == 1 && !from.empty();
    bool there = false;
    if (!mount_first) there = co_await is_there();
    if (there) co_return attempt == 1 ? Arrival::present : Arrival::moved;
    Begun begun = co_await begin(std::move(from));
    if (begun.mounted) co_return Arrival::mounted;
    if (mount_first) there = co_await is_there();
    if (there) {
      location_ = std::move(begun.location);
      co_await abandon();
      co_return Arrival::present;
    }
    if (size_ == 0) {
      co_await put_empty(std::move(begun.location));
      co_return Arrival::moved;
    }
    const auto failure = co_await stream(std::move(begun));
    if (!failure) co_return Arrival::moved;
    // Smaller requests are no repetition, and they come to an end.
    if (refused_ > 0) continue;
    if (attempt >= most_attempts(*failure)) throw *failure;
    co_await pause(attempt++);
  }
}

}  // namespace

std::optional<std::uint64_t> bytes_held(const std::string& range) {
  std::string_view text = range;
  if (text.starts_with("bytes=")) text.remove_prefix(6);
  if (!text.starts_with("0-")) return std::nullopt;
  text.remove_prefix(2);
  std::uint64_t last = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), last);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || text.empty())
    return std::nullopt;
  return last == 0 ? 0 : last + 1;
}

Task<Arrival> move_blob(Session& session, UploadNotes& notes, Source& source, oci::Repository target,
                        oci::Descriptor blob, BlobMoved moved) {
  const oci::Digest digest = blob.digest;
  Upload upload(session, notes, source, target, std::move(blob), std::move(moved));
  const Arrival arrival = co_await upload.run();
  notes.holds(target, digest);
  co_return arrival;
}

}  // namespace sluice::registry
