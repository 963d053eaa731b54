#include "api_client.hpp"

#include <csignal>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::daemon;

TEST_CASE("each signal ends a pause, the next one when it comes between two") {
  ApiClient client(Address{});
  client.catch_signals();
  std::raise(SIGWINCH);
  std::raise(SIGINT);
  CHECK_THROWS_AS(client.pause(std::chrono::hours(1)), Interrupted);
  CHECK_THROWS_AS(client.pause(std::chrono::hours(1)), Interrupted);
}
