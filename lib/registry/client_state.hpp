#pragma once
// What a Client keeps between its calls.

#include "core/keyed_lock.hpp"
#include "registry/client.hpp"
#include "registry/request.hpp"
#include "registry/upload.hpp"

namespace sluice::registry {

struct Client::State {
  Session session;
  Clock& clock;
  Workers& workers;
  KeyedLock flights{};
  UploadNotes notes{};
};

}  // namespace sluice::registry
