#include "api/route.hpp"

#include "api/resources.hpp"

#include <array>
#include <optional>

namespace sluice::api {
namespace {

constexpr std::array<Route, 16> table{{
    {"GET", "/healthz", get_health},
    {"GET", "/readyz", get_ready},
    {"GET", "/metrics", get_metrics},
    {"GET", "/api/v1/status", get_status},
    {"GET", "/api/v1/changes", get_changes},
    {"POST", "/api/v1/backup", post_backup, /*unix_only=*/true},
    {"GET", "/api/v1/runs", list_runs},
    {"GET", "/api/v1/runs/{id}", get_run},
    {"GET", "/api/v1/runs/{id}/log", get_run_log},
    {"POST", "/api/v1/runs/{id}/cancel", post_cancel, false, /*changes=*/true},
    {"GET", "/api/v1/pipelines", list_pipelines},
    {"GET", "/api/v1/pipelines/{name}/history", get_history},
    {"POST", "/api/v1/pipelines/{name}/run", post_run, false, true},
    {"POST", "/api/v1/pipelines/{name}/hold", post_hold, false, true},
    {"POST", "/api/v1/pipelines/{name}/resume", post_resume, false, true},
    {"POST", "/api/v1/pipelines/{name}/rollback", post_rollback, false, true},
}};

// The first segment of a path, which is taken off it. "/a/b" gives "a" and leaves "/b".
std::optional<std::string_view> take_segment(std::string_view& path) {
  if (path.empty() || path.front() != '/') return std::nullopt;
  path.remove_prefix(1);
  const auto segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

std::optional<std::vector<std::string>> fit(std::string_view pattern, std::string_view path) {
  std::vector<std::string> arguments;
  while (true) {
    const auto wanted = take_segment(pattern);
    const auto given = take_segment(path);
    if (!wanted && !given && path.empty()) return arguments;
    if (!wanted || !given) return std::nullopt;
    if (!wanted->starts_with('{')) {
      if (*wanted != *given) return std::nullopt;
    } else {
      if (given->empty()) return std::nullopt;
      arguments.emplace_back(*given);
    }
  }
}

}  // namespace

std::span<const Route> routes() {
  return table;
}

Match find_route(std::span<const Route> rows, std::string_view method, std::string_view path) {
  Match match;
  const auto wanted = method == "HEAD" ? std::string_view("GET") : method;
  for (const auto& route : rows) {
    auto arguments = fit(route.pattern, path);
    if (!arguments) continue;
    match.allowed.push_back(route.method);
    if (route.method != wanted) continue;
    match.route = &route;
    match.arguments = std::move(*arguments);
  }
  return match;
}

}  // namespace sluice::api
