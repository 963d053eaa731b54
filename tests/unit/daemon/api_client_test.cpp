#include "api_client.hpp"

#include <csignal>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::daemon;

TEST_CASE("each signal ends a pause, the next one when it comes between two") {
  ApiClient client(daemon::Address{});
  client.catch_signals();
  std::raise(SIGWINCH);
  std::raise(SIGINT);
  CHECK_THROWS_AS(client.pause(std::chrono::hours(1)), Interrupted);
  CHECK_THROWS_AS(client.pause(std::chrono::hours(1)), Interrupted);
}

TEST_CASE("signals that were ignored before stay so") {
  const auto before = std::signal(SIGHUP, SIG_IGN);
  ApiClient client(daemon::Address{});
  client.catch_signals();
  std::raise(SIGHUP);
  CHECK_NOTHROW(client.pause(Milliseconds(1)));
  std::signal(SIGHUP, before);
}
