#pragma once
// A blob on its way from a source to a target.

#include "core/error.hpp"
#include "oci/manifest.hpp"
#include "registry/files.hpp"
#include "registry/source.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace sluice::registry {

/// A blob of a source on its way: hashes what passes, and gives the last piece only when size and digest of
/// the whole are right, so that a receiver never gets a complete wrong body. What a receiver lost can be
/// given again.
class VerifiedBody final : public ContinuedBody {
 public:
  /// The blob must not be empty: an empty body has no last piece to hold back.
  VerifiedBody(Source& source, oci::Descriptor blob, BlobMoved moved);
  /// Asks the source for the bytes, so that the first read() need not wait. See failure() for what came of
  /// it; throws Error(cancelled) only.
  Task<> begin();
  /// Throws what the source throws, and Error(corrupt) when size or digest differ.
  Task<std::size_t> read(std::span<char> buffer) override;
  void pass(std::string_view bytes) override;
  /// Bytes that the receiver had before the first read().
  std::uint64_t passed() const { return passed_; }
  /// Goes on at an offset that was passed already; false when that is too long ago.
  bool rewind(std::uint64_t offset);
  /// What the source failed with other than cancellation, to tell a failed source from a failed receiver.
  const std::optional<Error>& failure() const { return failure_; }
  /// Bytes that were read from the source and hashed.
  std::uint64_t position() const { return position_; }
  /// Where the receiver is.
  std::uint64_t offset() const { return position_ + to_skip_; }

 private:
  /// The hash as it was at an offset.
  struct Mark {
    std::uint64_t offset;
    oci::Hasher hasher;
  };
  net::BodySource& reader();
  Task<std::size_t> read_checked(std::span<char> buffer);
  Task<std::size_t> read_hashed(std::span<char> buffer);
  Task<> pass_over(std::span<char> scratch);
  Task<> check_end();
  void set_mark();

  Source& source_;
  oci::Descriptor blob_;
  std::uint64_t size_;
  BlobMoved moved_;
  std::string what_;
  std::unique_ptr<net::BodySource> reader_;  // made when it is needed, at position_
  oci::Hasher hasher_;
  std::uint64_t position_ = 0;  // of the hash
  std::uint64_t passed_ = 0;
  std::uint64_t to_skip_ = 0;  // bytes that the receiver has and the hash has not
  std::deque<Mark> marks_;
  std::optional<Error> failure_;
};

/// For a blob without bytes, which no VerifiedBody can be made of. Throws corrupt when its digest is not that
/// of nothing; `where` is for the message.
void check_empty(const oci::Descriptor& blob, const std::string& where);

/// A whole blob of a source, verified. Throws corrupt when it is larger than `limit`.
Task<std::string> read_small_blob(Source& source, oci::Descriptor blob, std::size_t limit = 8 * 1024 * 1024);

}  // namespace sluice::registry
