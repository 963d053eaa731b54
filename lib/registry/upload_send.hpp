#pragma once
// The bytes of an upload: PUT, PATCH, and what is left of a broken one (distribution specification, "Pushing
// a blob monolithically", "Pushing a blob in chunks").

#include "core/error.hpp"
#include "registry/source.hpp"
#include "registry/upload_notes.hpp"
#include "registry/upload_requests.hpp"
#include "registry/verified_body.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace sluice::registry {

/// Sends one blob, in one session after the other until one succeeds.
class UploadSending {
 public:
  UploadSending(const UploadRequests& requests, UploadNotes& notes, Source& source, BlobMoved moved)
      : requests_(requests),
        notes_(notes),
        source_(source),
        moved_(std::move(moved)),
        size_(static_cast<std::uint64_t>(requests.blob().size)) {}

  /// Asks the source for the blob. What it refuses is for send() to throw.
  Task<> ask_source();
  /// Nullopt when all went well; an error of the target that another session may mend. Throws all others.
  Task<std::optional<Error>> send(UploadSession session);
  /// Whether the session ended by a request that was too large: the next one sends smaller ones.
  bool sends_smaller() const { return refused_ > 0; }

 private:
  VerifiedBody& body();
  Task<> put_empty();
  Task<> put(net::BodySource* body, std::uint64_t from);
  Task<> patch(net::BodySource& body, std::uint64_t from, std::uint64_t length);
  Task<> check_range_and_size(net::Response& response, std::uint64_t sent);
  Task<> send_all(VerifiedBody& body);
  Task<std::unique_ptr<net::Response>> ask_for_rest();
  Task<bool> find_rest(VerifiedBody& body);
  Task<std::optional<Error>> send_resuming(VerifiedBody& body);
  std::optional<Error> worth_another(const Error& failure);
  bool send_smaller();
  Error too_large(const Error& failure) const;

  const UploadRequests& requests_;
  UploadNotes& notes_;
  Source& source_;
  BlobMoved moved_;
  std::uint64_t size_;
  UploadSession session_;
  std::optional<VerifiedBody> body_;                // of the next session
  std::uint64_t refused_ = 0;                       // bytes of the last request that was answered 413
  std::uint64_t accepted_ = 0;                      // bytes of the largest piece that passed in this session
  std::optional<std::uint64_t> chunk_before_ = {};  // what was noted before the first 413
};

/// How many bytes an upload holds by its "Range: 0-1023" (some write "bytes=0-1023"); nullopt when it does
/// not tell. An upload that holds nothing says "0-0" in distribution. Pure.
std::optional<std::uint64_t> bytes_held(const std::string& range);

}  // namespace sluice::registry
