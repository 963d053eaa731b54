#pragma once
// What a Client keeps between its calls.

#include "registry/client.hpp"
#include "registry/copy.hpp"
#include "registry/request.hpp"
#include "registry/upload.hpp"

namespace sluice::registry {

struct Client::State {
  Session session;
  Workers& workers;
  Traffic traffic;
  UploadNotes notes{};
};

}  // namespace sluice::registry
