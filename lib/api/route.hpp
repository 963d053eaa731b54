#pragma once
// The table of routes, and how a path finds its row: pure.

#include "api/call.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::api {

using Action = Task<net::ServerResponse> (*)(Call);

struct Route {
  std::string_view method;
  std::string_view pattern;  // "/api/v1/runs/{id}": a segment in braces takes any one segment
  Action action = nullptr;
  /// Refused on TCP and while the daemon stops, respectively.
  bool unix_only = false;
  bool changes = false;
};

struct Match {
  const Route* route = nullptr;
  std::vector<std::string> arguments;  // what the segments in braces took, in order
  /// Methods of the rows whose pattern fits: empty means 404, otherwise without `route` 405.
  std::vector<std::string_view> allowed;
};

/// HEAD is answered by the row of GET.
Match find_route(std::span<const Route> routes, std::string_view method, std::string_view path);

/// All routes of the daemon.
std::span<const Route> routes();

}  // namespace sluice::api
