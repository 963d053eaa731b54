#pragma once
// Blobs: HEAD, GET with resume (distribution specification, "Pulling blobs").

#include "core/error.hpp"
#include "oci/digest.hpp"
#include "registry/files.hpp"
#include "registry/request.hpp"
#include "registry/source.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

namespace sluice::registry {

Task<bool> blob_exists(Session& session, oci::Repository repository, oci::Digest digest, std::string scope);
Task<std::string> get_small_blob(Session& session, oci::Repository repository, oci::Digest digest,
                                 std::size_t limit, std::string mirror_of = {});

/// Mirrors that gave bytes of a blob.
using MirrorsUsed = std::set<oci::Repository>;

/// A blob's bytes from the first mirror that has them, else from the registry. A body that is cut goes on by
/// Range where the server can, by reading from the beginning and passing over where it cannot; at most
/// `max_resumes` times; what a mirror does not give to its end comes from the next place. Not verified: see
/// VerifiedBody.
class BlobReader final : public net::BodySource {
 public:
  static constexpr int max_resumes = 5;
  static constexpr int max_resumes_of_mirror = 2;

  /// Gives the bytes from the offset `from` on. Mirrors that gave some are put into `used`.
  BlobReader(Session& session, oci::Repository repository, oci::Digest digest, std::uint64_t size,
             std::uint64_t from, std::shared_ptr<MirrorsUsed> used);
  Task<std::size_t> read(std::span<char> buffer) override;

 private:
  Task<> open();
  Task<> open_at(oci::Repository place, std::string mirror_of);
  bool at_mirror() const { return next_mirror_ < mirrors_.size(); }
  void leave_mirror(const Error& error);
  bool goes_on(const Error& error, bool is_first_opening);
  Task<> pause();
  Task<std::size_t> read_on(std::span<char> buffer);
  void expect_length(std::uint64_t length, const std::string& why) const;

  Session& session_;
  oci::Repository repository_;
  oci::Digest digest_;
  std::uint64_t size_;
  std::uint64_t from_;
  std::uint64_t given_;        // the offset up to which the caller has the bytes
  std::uint64_t to_skip_ = 0;  // bytes to pass over, after a server that ignored Range
  int resumes_ = 0;
  std::vector<oci::Repository> mirrors_;
  std::size_t next_mirror_ = 0;  // the one that is asked; behind the last one it is the registry
  std::shared_ptr<MirrorsUsed> used_;
  std::unique_ptr<net::Response> response_;
};

/// A blob of a source on its way: hashes what passes, and gives the last piece only when size and digest of
/// the whole are right, so that a receiver never gets a complete wrong body. What a receiver lost can be
/// given again.
class VerifiedBody final : public ContinuedBody {
 public:
  /// The blob must not be empty: an empty body has no last piece to hold back.
  VerifiedBody(Source& source, oci::Descriptor blob, BlobMoved moved);
  /// Throws what the source throws, and Error(corrupt) when size or digest differ.
  Task<std::size_t> read(std::span<char> buffer) override;
  void pass(std::string_view bytes) override;
  /// Bytes that the receiver had before the first read().
  std::uint64_t passed() const { return passed_; }
  /// Goes on at an offset that was passed already; false when that is too long ago.
  bool rewind(std::uint64_t offset);
  /// What read() threw other than cancellation, to tell a failed source from a failed receiver.
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

/// Content-Range "bytes 7-9/10" begins at `offset` and, where it tells, is of `size` bytes. Pure.
bool continues_at(const std::string& content_range, std::uint64_t offset, std::uint64_t size);

}  // namespace sluice::registry
