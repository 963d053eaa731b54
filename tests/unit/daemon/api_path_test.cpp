#include "api_client.hpp"

#include <catch2/catch.hpp>

using namespace sluice::daemon;

TEST_CASE("path segments are percent-encoded") {
  CHECK(api_path({"runs", "ca1a", "log"}) == "/api/v1/runs/ca1a/log");
  CHECK(api_path({"pipelines", "../x y", "run"}) == "/api/v1/pipelines/..%2Fx%20y/run");
}

TEST_CASE("only parameters that are set are sent") {
  CHECK(with_query("/x", {{"a", std::nullopt}, {"b", "1&2"}, {"c", "3"}}) == "/x?b=1%262&c=3");
  CHECK(with_query("/x", {{"a", std::nullopt}}) == "/x");
}
