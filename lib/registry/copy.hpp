#pragma once
// Copy of an image between repositories, by digest.

#include "core/signal.hpp"
#include "registry/request.hpp"

#include <map>
#include <memory>
#include <string>

namespace sluice::registry {

/// Blobs of one copy that are on their way at once.
inline constexpr int blobs_at_once = 4;

/// Blobs on their way into a repository, so that copies side by side move each of them once.
class InFlight {
 public:
  /// Holds the place of one blob; gives it back when destroyed.
  class Place {
   public:
    Place(InFlight& flights, std::string key);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    InFlight& flights_;
    std::string key_;
  };
  /// Returns when nobody brings this blob to this repository (any more).
  Task<> wait(std::string key, Clock& clock);

 private:
  std::map<std::string, std::shared_ptr<Signal>> moving_;
};

Task<CopyProgress> copy_image(Session& session, InFlight& flights, oci::Repository source, oci::Digest digest,
                              oci::Repository target);

}  // namespace sluice::registry
