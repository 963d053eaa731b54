#include "registry/blob.hpp"

#include "core/error.hpp"
#include "core/retry.hpp"
#include "core/text.hpp"
#include "registry/answer.hpp"
#include "registry/endpoint.hpp"
#include "registry/tree.hpp"

#include <algorithm>
#include <charconv>

namespace sluice::registry {
namespace {

Call blob_call(const oci::Repository& repository, const oci::Digest& digest) {
  Call call;
  call.what = "blob " + digest.shortened();
  call.path = "blobs/" + digest.text();
  call.scopes = {pull_scope(repository)};
  call.redirects = 5;
  return call;
}

std::string text_of(const oci::Repository& repository, const oci::Digest& digest) {
  return "blob " + digest.shortened() + " of " + repository.text();
}

}  // namespace

Task<bool> blob_exists(Session& session, oci::Repository repository, oci::Digest digest, std::string scope) {
  Call call = blob_call(repository, digest);
  call.method = "HEAD";
  call.pace = Pace::go_on;
  call.scopes = {std::move(scope)};
  call.expected = {200, 404};
  const auto response = co_await session.send(repository, std::move(call));
  co_await drain(*response);
  if (response->status() == 404) co_return false;
  const auto named = oci::Digest::parse(response->headers().get("Docker-Content-Digest").value_or(""));
  if (named && named->algorithm() == digest.algorithm() && *named != digest)
    throw Error(ErrorKind::corrupt,
                "HEAD " + text_of(repository, digest) + ": the registry answers for " + named->text());
  co_return true;
}

Task<std::string> get_small_blob(Session& session, oci::Repository repository, oci::Digest digest,
                                 std::size_t limit, std::string mirror_of) {
  const std::string what = "GET " + text_of(repository, digest);
  Call call = blob_call(repository, digest);
  call.mirror_of = std::move(mirror_of);
  call.html_allowed = true;  // the digest decides
  const auto response = co_await session.send(repository, std::move(call));
  try {
    std::string bytes = co_await response->read_all(limit);
    oci::Hasher hasher(digest.algorithm());
    hasher.update(bytes);
    const oci::Digest found = hasher.finish();
    if (found != digest)
      throw Error(ErrorKind::corrupt,
                  "the body is " + found.text() + " and begins " + quoted_beginning(bytes));
    co_return bytes;
  } catch (const Error& error) {
    throw Error(error).within(what);
  }
}

bool continues_at(const std::string& content_range, std::uint64_t offset, std::uint64_t size) {
  const auto number = [](std::string_view text) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
    return value;
  };
  std::string_view text = content_range;
  if (!text.starts_with("bytes ")) return false;
  text.remove_prefix(6);
  const auto dash = text.find('-');
  const auto slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) return false;
  const std::string_view total = text.substr(slash + 1);
  return number(text.substr(0, dash)) == offset && (total == "*" || number(total) == size);
}

BlobReader::BlobReader(Session& session, oci::Repository repository, const oci::Descriptor& blob,
                       std::uint64_t from, std::shared_ptr<MirrorsUsed> used)
    : session_(session),
      repository_(std::move(repository)),
      digest_(blob.digest),
      size_(static_cast<std::uint64_t>(blob.size)),
      from_(from),
      given_(from),
      mirrors_(session.mirrors_of(repository_, false)),
      urls_(is_foreign_layer(blob) ? blob.urls : std::vector<std::string>{}),
      used_(std::move(used)) {}

void BlobReader::expect_length(std::uint64_t length, const std::string& why) const {
  const auto announced = response_->content_length();
  if (!announced || *announced == length) return;
  throw Error(ErrorKind::corrupt, "GET " + text_of(repository_, digest_) + ": the registry announces " +
                                      std::to_string(*announced) + " bytes of " + std::to_string(length) +
                                      why);
}

Task<> BlobReader::open() {
  while (at_mirror()) {
    const auto place = mirrors_[next_mirror_];
    std::optional<Error> failure;
    try {
      co_await open_at(place, repository_.registry);
      used_->insert(place);
      co_return;
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::cancelled) throw;
      failure = error;
    }
    leave_mirror(*failure);
  }
  if (!named_from_) co_await open_at(repository_, {});
  if (named_from_) co_await open_elsewhere();
}

void BlobReader::leave_mirror(const Error& error) {
  session_.mirror_failed(mirrors_[next_mirror_++], error);
  response_.reset();
  resumes_ = 0;
}

Call BlobReader::call_at(const oci::Repository& place) const {
  Call call = blob_call(place, digest_);
  call.html_allowed = true;
  call.pace = Pace::go_on;
  if (given_ == 0) return call;
  call.headers.add("Range", "bytes=" + std::to_string(given_) + "-");
  call.expected = {200, 206};
  return call;
}

// The registry's own URL is asked each time: the storage URL that it redirects to ends after minutes.
Task<> BlobReader::open_at(oci::Repository place, std::string mirror_of) {
  Call call = call_at(place);
  const bool may_be_elsewhere = mirror_of.empty() && !urls_.empty();
  call.mirror_of = std::move(mirror_of);
  if (may_be_elsewhere) call.expected.push_back(404);
  response_ = co_await session_.send(std::move(place), std::move(call));
  if (response_->status() != 404) co_return co_await check_beginning();
  co_await drain(*response_);
  named_from_ = response_->reached_at();
}

/// At the first of the layer's own places that has it.
Task<> BlobReader::open_elsewhere() {
  std::optional<Error> failure;
  for (const auto& url : urls_) {
    try {
      co_return co_await open_url(url);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::cancelled) throw;
      failure = error;
    }
  }
  throw failure->within("the registry does not have the foreign " + text_of(repository_, digest_));
}

Task<> BlobReader::open_url(const std::string& text) {
  Call call = call_at(repository_);
  call.url = net::Url::parse(text);
  call.url_from = *named_from_;
  call.redirects = 5;
  if (call.url->scheme != "https" && !is_loopback_host(call.url->host))
    throw Error(ErrorKind::denied, printable(text, 200) + " is a place without TLS: refused");
  response_ = co_await session_.send(repository_, std::move(call));
  co_await check_beginning();
}

// What came is the blob, or what was asked for of it, as far as can be told before its bytes.
Task<> BlobReader::check_beginning() {
  const bool whole = response_->status() == 200;
  if (!whole && !continues_at(response_->headers().get("Content-Range").value_or(""), given_, size_))
    throw Error(ErrorKind::corrupt,
                "GET " + text_of(repository_, digest_) + ": asked for bytes from " + std::to_string(given_) +
                    ", got Content-Range " +
                    quoted_beginning(response_->headers().get("Content-Range").value_or("")));
  to_skip_ = whole ? given_ : 0;
  // A page or an encoding of another length is not the blob; of the right length the digest decides (storages
  // keep odd types and encodings beside the right bytes).
  const std::string encoding = response_->headers().get("Content-Encoding").value_or("identity");
  const bool odd = content_type(response_->headers()) == "text/html" || encoding != "identity";
  if (odd && response_->content_length() != size_ - (whole ? 0 : given_)) {
    const std::string beginning = co_await read_beginning(*response_, 512);
    throw Error(ErrorKind::corrupt, "GET " + text_of(repository_, digest_) + ": instead of the blob came " +
                                        printable(content_type(response_->headers()), 64) + " encoded as " +
                                        printable(encoding, 64) + " " + quoted_beginning(beginning));
  }
  expect_length(whole ? size_ : size_ - given_, whole ? "" : " that are left");
}

Task<> BlobReader::pause() {
  constexpr Backoff backoff{std::chrono::milliseconds(200), std::chrono::seconds(5)};
  co_await session_.clock().sleep_for(backoff.wait(resumes_, session_.random().unit()));
}

Task<std::size_t> BlobReader::read_on(std::span<char> buffer) {
  if (!response_) co_await open();
  if (buffer.empty()) co_return 0;
  while (to_skip_ > 0) {
    const auto piece =
        buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), to_skip_)));
    const std::size_t skipped = co_await response_->read(piece);
    if (skipped == 0) break;
    to_skip_ -= skipped;
  }
  const std::size_t got = co_await response_->read(buffer);
  if (got == 0 && given_ < size_)
    throw Error(ErrorKind::unavailable, "GET " + text_of(repository_, digest_) + ": ended after " +
                                            std::to_string(given_) + " of " + std::to_string(size_) +
                                            " bytes");
  co_return got;
}

/// Whether what failed is worth another try, and where.
bool BlobReader::goes_on(const Error& error) {
  // A cut is worth another try at once; whoever slows us down, or sends something wrong, is not.
  const bool cut = error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::timeout;
  if (at_mirror() && error.kind() != ErrorKind::cancelled) {
    if (!cut || ++resumes_ > max_resumes_of_mirror) leave_mirror(error);
    return true;
  }
  if (given_ > from_) return cut && ++resumes_ <= max_resumes;
  // Who is slow to begin is left to whoever has the whole image in hand.
  return is_hiccup(error) && ++resumes_ <= max_openings;
}

Task<std::size_t> BlobReader::read(std::span<char> buffer) {
  for (;;) {
    try {
      const std::size_t got = co_await read_on(buffer);
      given_ += got;
      co_return got;
    } catch (const Error& error) {
      const bool cut = error.kind() == ErrorKind::unavailable || error.kind() == ErrorKind::timeout;
      // Broken while waiting for the end of a complete body: all bytes are here, the digest decides.
      if (cut && given_ == size_ && size_ > 0) co_return 0;
      if (!goes_on(error)) throw;
    }
    response_.reset();
    if (resumes_ > 0) co_await pause();
  }
}

}  // namespace sluice::registry
