#pragma once
// Reading the log of a run to its end, as `sluice logs` and `sluice run --wait` do.

#include "api_client.hpp"

#include <string>

namespace sluice::daemon {

/// Prints what the run's log holds and, when `follow`, what is added until the run is final. As JSON: one
/// object a line. A daemon that restarts meanwhile is awaited for a minute.
void print_log(ApiClient& client, const std::string& run, bool follow, bool as_json);

}  // namespace sluice::daemon
