#pragma once
// One request on its way to its action.

#include "api/api.hpp"
#include "core/signal.hpp"

#include <string>
#include <vector>

namespace sluice::api {

/// What every action may use; lives as long as the Api.
struct Context {
  engine::Engine& engine;
  store::Store& store;
  Clock& clock;
  Options options;
  Signal shut;
  bool is_shut = false;
};

struct Call {
  Context& context;
  net::ServerRequest request;
  std::vector<std::string> arguments;
  std::string who;  // for the audit log
};

/// Waits until something changed since `seen`, `until` passed or the daemon stops. True: worth looking again.
Task<bool> wait_for_change(Context& context, std::uint64_t seen, Steady until);

}  // namespace sluice::api
