#pragma once
// How an upload begins: mounts, the question whether the blob is there, POST (distribution specification,
// "Pushing blobs" and "Mounting a blob from another repository").

#include "registry/client.hpp"
#include "registry/upload_notes.hpp"
#include "registry/upload_requests.hpp"

#include <optional>
#include <string>
#include <vector>

namespace sluice::registry {

/// A session for the blob's bytes, unless the blob has arrived without them.
struct Begun {
  std::optional<Arrival> arrival;
  UploadSession session;
};

/// What is known of the target before a blob is brought.
struct Prospect {
  bool is_new = false;      // no tags: nobody pulls from it yet
  bool lacks_blob = false;  // as far as one can tell without asking
};

class UploadBeginning {
 public:
  /// `home`: where the blob comes from, when that is a repository of any registry; else null.
  UploadBeginning(const UploadRequests& requests, UploadNotes& notes, const oci::Repository* home,
                  Prospect prospect)
      : requests_(requests), notes_(notes), home_(home), prospect_(prospect) {}

  /// Asks for the blob, or mounts it from another repository of the registry; a registry that does not mount
  /// may begin a session instead. Nullopt when none of that brought anything. `when_there`: how a blob that
  /// is in the target has arrived.
  Task<std::optional<Begun>> find(Arrival when_there);
  /// Begins to upload it.
  Task<UploadSession> post();

 private:
  const oci::Repository& target() const { return requests_.target(); }
  std::vector<std::string> neighbours() const;
  Task<Begun> post(std::string query, std::vector<std::string> scopes);
  Task<std::optional<Begun>> mount(oci::Digest digest, std::string from);
  Task<std::optional<Begun>> mount_from_neighbour();
  Task<bool> is_there();

  const UploadRequests& requests_;
  UploadNotes& notes_;
  const oci::Repository* home_;
  Prospect prospect_;
};

}  // namespace sluice::registry
