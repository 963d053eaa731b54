#include "registry/upload_send.hpp"

#include "registry/answer.hpp"
#include "registry/location.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluice::registry {
namespace {

constexpr int most_resumes = 3;
constexpr int most_questions = 3;  // how much of the upload is there
constexpr int too_large_status = 413;
constexpr int other_range = 416;  // distribution specification, "Pushing a blob in chunks"

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

}  // namespace

Task<> UploadSending::put(net::BodySource* body, std::uint64_t from) {
  const auto& blob = requests_.blob();
  UploadLocation location = session_.location;
  location.url = with_digest(std::move(location.url), blob.digest);
  Call call = requests_.call_at("PUT", std::move(location));
  call.headers = {{"Content-Type", "application/octet-stream"}};
  call.expected = {200, 201, 202, 204, too_large_status, other_range};
  call.stream = body;
  call.stream_length = body ? size_ - from : 0;
  if (body && from > 0)
    call.headers.add("Content-Range", std::to_string(from) + "-" + std::to_string(size_ - 1));
  // A registry on object storage joins the parts before it answers.
  call.header_timeout = std::chrono::minutes(5);
  const std::uint64_t length = call.stream_length;
  const auto response = co_await requests_.send(std::move(call));
  co_await check_range_and_size(*response, length);
  const auto stored = oci::Digest::parse(response->headers().get("Docker-Content-Digest").value_or(""));
  if (stored && stored->algorithm() == blob.digest.algorithm() && *stored != blob.digest)
    throw Error(ErrorKind::corrupt, requests_.what() + " of " + requests_.target().text() +
                                        ": the registry stored " + stored->text());
  co_await drain(*response);
}

// "Content-Range: 0-1023", without unit and total (distribution specification, "Pushing a blob in chunks").
Task<> UploadSending::patch(net::BodySource& body, std::uint64_t from, std::uint64_t length) {
  Piece piece(body, length);
  Call call = requests_.call_at("PATCH", session_.location);
  call.headers = {{"Content-Type", "application/octet-stream"},
                  {"Content-Range", std::to_string(from) + "-" + std::to_string(from + length - 1)}};
  call.expected = {200, 201, 202, 204, too_large_status, other_range};
  call.stream = &piece;
  call.stream_length = length;
  const auto response = co_await requests_.send(std::move(call));
  co_await check_range_and_size(*response, length);
  co_await drain(*response);
  session_.location = requests_.location_in(*response);
}

// Refusals that do not end the upload, as those of other clients' mistakes do.
Task<> UploadSending::check_range_and_size(net::Response& response, std::uint64_t sent) {
  const int status = response.status();
  if (status != too_large_status && status != other_range) co_return;
  const std::string body = co_await read_beginning(response, max_error_body);
  const Error error = error_from(response.url().authority(), status, response.headers(), body,
                                 requests_.session().clock().now());
  // The session holds other bytes than we think: its status tells how many, or a new one is begun.
  if (status == other_range) throw Error(ErrorKind::unavailable, error.what());
  refused_ = sent;
  throw error;
}

Task<> UploadSending::put_empty() {
  check_empty(requests_.blob(), requests_.target().text());
  co_await put(nullptr, 0);
}

// Everything with one PUT; in pieces only where the registry is known to refuse that. The last piece goes out
// with the PUT.
Task<> UploadSending::send_all(VerifiedBody& body) {
  std::uint64_t from = body.offset();
  std::uint64_t chunk = notes_.chunk(requests_.target().registry);
  if (chunk > 0) chunk = std::max(chunk, session_.least_chunk);
  while (chunk > 0 && size_ - from > chunk) {
    co_await patch(body, from, chunk);
    accepted_ = std::max(accepted_, chunk);
    from += chunk;
  }
  co_await put(&body, from);
}

// What broke the upload may last a moment.
Task<std::unique_ptr<net::Response>> UploadSending::ask_for_rest() {
  for (int attempt = 1;; ++attempt) {
    Call call = requests_.call_at("GET", session_.location);
    call.expected = {204};
    call.header_timeout = std::chrono::seconds(10);
    try {
      co_return co_await requests_.send(std::move(call));
    } catch (const Error& error) {
      if (!is_hiccup(error) || attempt == most_questions) throw;
    }
    co_await requests_.pause_after(attempt);
  }
}

// Asks how much of a broken upload arrived. distribution 2 forgets uploads that broke within a request.
Task<bool> UploadSending::find_rest(VerifiedBody& body) {
  try {
    const auto response = co_await ask_for_rest();
    co_await drain(*response);
    const auto held = bytes_held(response->headers().get("Range").value_or(""));
    if (!held || *held == 0 || *held > body.offset()) co_return false;
    if (response->headers().get("Location")) session_.location = requests_.location_in(*response);
    co_return body.rewind(*held);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
  }
  co_return false;
}

/// Goes on where a broken request ended, as long as the registry keeps what came; what failed last.
Task<std::optional<Error>> UploadSending::send_resuming(VerifiedBody& body) {
  std::optional<Error> failure;
  for (int resumes = 0; resumes < most_resumes; ++resumes) {
    try {
      co_await send_all(body);
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
  co_return failure;
}

VerifiedBody& UploadSending::body() {
  if (!body_) body_.emplace(source_, requests_.blob(), moved_);
  return *body_;
}

Task<> UploadSending::ask_source() {
  if (size_ > 0) co_await body().begin();
}

Task<std::optional<Error>> UploadSending::send(UploadSession session) {
  session_ = std::move(session);
  refused_ = accepted_ = 0;
  if (size_ == 0) {
    co_await put_empty();
    co_return std::nullopt;
  }
  if (moved_) moved_(0, false);
  VerifiedBody body = std::move(this->body());
  body_.reset();
  std::optional<Error> failure = body.failure();
  if (!failure) failure = co_await send_resuming(body);
  if (!failure) co_return std::nullopt;
  co_await requests_.abandon(session_.location);
  if (body.failure()) throw *body.failure();
  co_return worth_another(*failure);
}

/// The failure when another session may mend it; else it is thrown.
std::optional<Error> UploadSending::worth_another(const Error& failure) {
  switch (failure.kind()) {
    case ErrorKind::unavailable:
    case ErrorKind::timeout:
    case ErrorKind::not_found:     // the upload session is lost
    case ErrorKind::unauthorized:  // the token ended on the way
    case ErrorKind::rate_limited:  // the next request waits at the gate
      return failure;
    default:
      break;
  }
  if (refused_ == 0) throw failure;
  // What passed before is not too large now: a quota ended.
  const bool smaller = refused_ > accepted_ && send_smaller();
  if (!smaller) throw too_large(failure);
  return failure;
}

/// Whether smaller requests than the one that was refused are left to try; they are noted for the registry.
bool UploadSending::send_smaller() {
  const auto& registry = requests_.target().registry;
  const auto noted = notes_.chunk(registry);
  if (!chunk_before_) chunk_before_ = noted;
  const auto chunk = smaller_chunk(refused_, session_.least_chunk);
  // Without one it was not the size of the requests: a quota, more likely. Otherwise another blob may have
  // found out more meanwhile.
  notes_.set_chunk(registry, !chunk ? *chunk_before_ : noted == 0 ? *chunk : std::min(noted, *chunk));
  return chunk.has_value();
}

Error UploadSending::too_large(const Error& failure) const {
  std::string text =
      std::string(failure.what()) + "; a request of " + std::to_string(refused_) + " bytes was refused";
  if (session_.least_chunk > 0)
    text += ", and the registry wants none below " + std::to_string(session_.least_chunk) +
            " bytes (OCI-Chunk-Min-Length)";
  text +=
      ": raise what the registry, or the proxy before it, allows for one request (nginx: "
      "client_max_body_size), or the quota";
  return Error(failure.kind(), text);
}

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

}  // namespace sluice::registry
