#include "registry/verified_body.hpp"

#include <algorithm>

namespace sluice::registry {

VerifiedBody::VerifiedBody(Source& source, oci::Descriptor blob, BlobMoved moved)
    : source_(source),
      blob_(std::move(blob)),
      size_(static_cast<std::uint64_t>(blob_.size)),
      moved_(std::move(moved)),
      what_("blob " + blob_.digest.shortened() + " of " + source.text()),
      hasher_(blob_.digest.algorithm()) {
  set_mark();
}

// Near enough that little is hashed twice, few enough that a blob of any size takes the same memory.
void VerifiedBody::set_mark() {
  constexpr std::uint64_t distance = 16 * 1024 * 1024;
  constexpr std::size_t most = 8;
  if (!marks_.empty() && position_ < marks_.back().offset + distance) return;
  marks_.push_back({position_, hasher_.copy()});
  if (marks_.size() > most) marks_.pop_front();
}

bool VerifiedBody::rewind(std::uint64_t offset) {
  while (!marks_.empty() && marks_.back().offset > offset)
    marks_.pop_back();
  if (marks_.empty() || offset >= size_) return false;
  hasher_ = marks_.back().hasher.copy();
  position_ = marks_.back().offset;
  to_skip_ = offset - position_;
  reader_.reset();
  failure_.reset();
  return true;
}

void VerifiedBody::pass(std::string_view bytes) {
  hasher_.update(bytes);
  position_ += bytes.size();
  passed_ += bytes.size();
  set_mark();
  if (moved_) moved_(bytes.size(), true);
}

net::BodySource& VerifiedBody::reader() {
  if (!reader_) reader_ = source_.open(blob_, position_);
  return *reader_;
}

Task<> VerifiedBody::begin() {
  failure_.reset();
  try {
    co_await reader().read({});
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::cancelled) throw;
    failure_ = error;
  }
}

Task<std::size_t> VerifiedBody::read(std::span<char> buffer) {
  try {
    const std::size_t got = co_await read_checked(buffer);
    if (moved_ && got > 0) moved_(got, false);
    co_return got;
  } catch (const Error& error) {
    // The receiver cancels us when it answers before it has everything: its answer is what counts then.
    if (error.kind() != ErrorKind::cancelled) failure_ = error;
    throw;
  }
}

Task<std::size_t> VerifiedBody::read_checked(std::span<char> buffer) {
  if (to_skip_ > 0) co_await pass_over(buffer);
  if (position_ == size_) co_return 0;
  const std::size_t got = co_await read_hashed(buffer);
  if (position_ == size_) co_await check_end();
  co_return got;
}

Task<> VerifiedBody::pass_over(std::span<char> scratch) {
  while (to_skip_ > 0) {
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(scratch.size(), to_skip_));
    to_skip_ -= co_await read_hashed(scratch.first(piece));
  }
}

Task<std::size_t> VerifiedBody::read_hashed(std::span<char> buffer) {
  const std::uint64_t left = size_ - position_;
  const auto piece = buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left)));
  const std::size_t got = co_await reader().read(piece);
  if (got == 0) throw Error(ErrorKind::corrupt, what_ + ": " + std::to_string(left) + " bytes too short");
  hasher_.update(std::string_view(piece.data(), got));
  position_ += got;
  if (position_ < size_) set_mark();
  co_return got;
}

Task<> VerifiedBody::check_end() {
  char beyond = 0;
  if (co_await reader_->read(std::span<char>(&beyond, 1)) != 0)
    throw Error(ErrorKind::corrupt, what_ + ": longer than its manifest says");
  const oci::Digest found = hasher_.finish();
  if (found != blob_.digest)
    throw Error(ErrorKind::corrupt, what_ + ": the bytes are " + found.text() + ": not pushed");
}

void check_empty(const oci::Descriptor& blob, const std::string& where) {
  if (oci::Hasher(blob.digest.algorithm()).finish() != blob.digest)
    throw Error(ErrorKind::corrupt, "blob " + blob.digest.shortened() + " of " + where +
                                        " is said to be empty, but its digest is not: not taken");
}

Task<std::string> read_small_blob(Source& source, oci::Descriptor blob, std::size_t limit) {
  if (blob.size < 0 || static_cast<std::uint64_t>(blob.size) > limit)
    throw Error(ErrorKind::corrupt, "blob " + blob.digest.shortened() + " of " + source.text() + " has " +
                                        std::to_string(blob.size) + " bytes, more than " +
                                        std::to_string(limit));
  std::string bytes(static_cast<std::size_t>(blob.size), '\0');
  if (bytes.empty()) {
    check_empty(blob, source.text());
    co_return bytes;
  }
  for (;;) {
    try {
      VerifiedBody body(source, blob, {});
      for (std::size_t have = 0; have < bytes.size();)
        have += co_await body.read(std::span<char>(bytes).subspan(have));
      co_return bytes;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::corrupt || !source.gave_wrong(blob)) throw;
    }
  }
}

}  // namespace sluice::registry
