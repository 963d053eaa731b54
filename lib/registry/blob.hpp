#pragma once
// Blobs: HEAD, GET with resume (distribution specification, "Pulling blobs").

#include "core/error.hpp"
#include "oci/digest.hpp"
#include "registry/request.hpp"

#include <optional>
#include <span>

namespace sluice::registry {

Task<bool> blob_exists(Session& session, oci::Repository repository, oci::Digest digest, std::string scope);
Task<std::string> get_small_blob(Session& session, oci::Repository repository, oci::Digest digest,
                                 std::size_t limit);

/// A blob's bytes from the registry. A body that is cut goes on by Range where the server can, by reading
/// from the beginning and passing over where it cannot; at most `max_resumes` times. Not verified: see
/// VerifiedBody.
class BlobReader final : public net::BodySource {
 public:
  static constexpr int max_resumes = 5;

  BlobReader(Session& session, oci::Repository repository, oci::Digest digest, std::uint64_t size);
  Task<std::size_t> read(std::span<char> buffer) override;

 private:
  Task<> open();
  Task<> pause();
  Task<std::size_t> read_on(std::span<char> buffer);
  void expect_length(std::uint64_t length, const std::string& why) const;

  Session& session_;
  oci::Repository repository_;
  oci::Digest digest_;
  std::uint64_t size_;
  std::uint64_t given_ = 0;    // bytes that the caller has
  std::uint64_t to_skip_ = 0;  // bytes to pass over, after a server that ignored Range
  int resumes_ = 0;
  std::unique_ptr<net::Response> response_;
};

/// Hashes what passes, and gives the last piece only when size and digest of the whole are right, so that a
/// receiver never gets a complete wrong body.
class VerifiedBody final : public net::BodySource {
 public:
  /// `size` must not be 0: an empty body has no last piece to hold back.
  VerifiedBody(net::BodySource& source, oci::Digest digest, std::uint64_t size, std::string what);
  /// Throws what the source throws, and Error(corrupt) when size or digest differ.
  Task<std::size_t> read(std::span<char> buffer) override;
  /// What read() threw other than cancellation, to tell a failed source from a failed receiver.
  const std::optional<Error>& failure() const { return failure_; }

 private:
  Task<std::size_t> read_checked(std::span<char> buffer);

  net::BodySource& source_;
  oci::Digest digest_;
  std::uint64_t left_;
  std::string what_;
  oci::Hasher hasher_;
  std::optional<Error> failure_;
};

/// Content-Range "bytes 7-9/10" begins at `offset` and, where it tells, is of `size` bytes. Pure.
bool continues_at(const std::string& content_range, std::uint64_t offset, std::uint64_t size);

}  // namespace sluice::registry
