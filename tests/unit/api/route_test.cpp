#include "api/route.hpp"

#include <algorithm>
#include <set>

#include <catch2/catch.hpp>

using namespace sluice::api;

namespace {

Match find(std::string_view method, std::string_view path) {
  return find_route(routes(), method, path);
}

}  // namespace

TEST_CASE("a path finds its row, and segments in braces become arguments") {
  const auto match = find("GET", "/api/v1/runs/ca1a/log");
  REQUIRE(match.route);
  CHECK(match.route->pattern == "/api/v1/runs/{id}/log");
  CHECK(match.arguments == std::vector<std::string>{"ca1a"});
}

TEST_CASE("a path that nothing fits allows no method") {
  for (const auto* path :
       {"/", "", "/api", "/api/v1/runs/", "/api/v1/runs//log", "/api/v1/runs/ca1a/log/more",
        "/api/v1/pipelines/node", "api/v1/status", "/api/v1/status/", "//api/v1/status"}) {
    INFO(path);
    const auto match = find("GET", path);
    CHECK(match.route == nullptr);
    CHECK(match.allowed.empty());
  }
}

TEST_CASE("a method that a path does not have is told from a path that does not exist") {
  const auto match = find("DELETE", "/api/v1/runs");
  CHECK(match.route == nullptr);
  CHECK(match.allowed == std::vector<std::string_view>{"GET"});
}

TEST_CASE("HEAD is answered by the row of GET") {
  CHECK(find("HEAD", "/healthz").route != nullptr);
}

TEST_CASE("every row that changes something is a POST") {
  for (const auto& route : routes())
    if (route.changes || route.unix_only) CHECK(route.method == "POST");
}

TEST_CASE("no two rows have the same method and pattern") {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const auto& route : routes())
    CHECK(seen.insert({route.method, route.pattern}).second);
}
