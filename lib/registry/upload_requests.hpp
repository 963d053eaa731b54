#pragma once
// What all requests of one blob's upload have in common.

#include "oci/manifest.hpp"
#include "registry/request.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace sluice::registry {

/// Where an upload goes on, as the registry said, and the class of the address that it said so from.
struct UploadLocation {
  net::Url url;
  net::AddressClass from = net::AddressClass::global;
};

/// What the registry keeps of an upload that has begun.
struct UploadSession {
  UploadLocation location;
  std::uint64_t least_chunk = 0;  // OCI-Chunk-Min-Length, bytes; 0 for none
};

/// One blob, the repository that it goes to, and requests about the two.
class UploadRequests {
 public:
  UploadRequests(Session& session, oci::Repository target, oci::Descriptor blob)
      : session_(session), target_(std::move(target)), blob_(std::move(blob)) {}

  Session& session() const { return session_; }
  const oci::Repository& target() const { return target_; }
  const oci::Descriptor& blob() const { return blob_; }
  /// For messages.
  std::string what() const { return "upload of blob " + blob_.digest.shortened(); }

  Call call(std::string method) const;
  Call call_at(std::string method, UploadLocation location) const;
  /// See Session::send().
  Task<std::unique_ptr<net::Response>> send(Call call) const;
  /// Before the attempt after `attempt` (1: the first one has failed).
  Task<> pause_after(int attempt) const;
  UploadLocation location_in(const net::Response& response) const;
  /// Ends a session that is not needed, so that the registry need not keep what came so far. Throws
  /// Error(cancelled) only.
  Task<> abandon(UploadLocation location) const;

 private:
  Session& session_;
  oci::Repository target_;
  oci::Descriptor blob_;
};

}  // namespace sluice::registry
