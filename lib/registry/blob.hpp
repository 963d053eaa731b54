#pragma once
// Blobs: HEAD, GET with resume (distribution specification, "Pulling blobs").

#include "oci/manifest.hpp"
#include "registry/request.hpp"

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
/// `max_resumes` times; what a mirror does not give to its end comes from the next place. A foreign layer
/// that the registry does not have comes from the first of its `urls` that gives it, by TLS unless it is on
/// this machine, under the rules for places that a registry names (net::Reach). Not verified: see
/// VerifiedBody.
class BlobReader final : public net::BodySource {
 public:
  static constexpr int max_resumes = 5;
  static constexpr int max_openings = 2;  // after the first, while nothing came
  static constexpr int max_resumes_of_mirror = 2;

  /// Gives the bytes from the offset `from` on. Mirrors that gave some are put into `used`.
  BlobReader(Session& session, oci::Repository repository, const oci::Descriptor& blob, std::uint64_t from,
             std::shared_ptr<MirrorsUsed> used);
  Task<std::size_t> read(std::span<char> buffer) override;

 private:
  Task<> open();
  Task<> open_at(oci::Repository place, std::string mirror_of);
  Task<> open_elsewhere();
  Task<> open_url(const std::string& text);
  Call call_at(const oci::Repository& place) const;
  Task<> check_beginning();
  bool at_mirror() const { return next_mirror_ < mirrors_.size(); }
  void leave_mirror(const Error& error);
  bool goes_on(const Error& error);
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
  std::size_t next_mirror_ = 0;    // the one that is asked; behind the last one it is the registry
  std::vector<std::string> urls_;  // of a foreign layer
  std::optional<net::AddressClass> named_from_;  // where the registry is that does not have the layer
  std::shared_ptr<MirrorsUsed> used_;
  std::unique_ptr<net::Response> response_;
};

/// Content-Range "bytes 7-9/10" begins at `offset` and, where it tells, is of `size` bytes. Pure.
bool continues_at(const std::string& content_range, std::uint64_t offset, std::uint64_t size);

}  // namespace sluice::registry
