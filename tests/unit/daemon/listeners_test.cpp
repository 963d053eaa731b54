#include "listeners.hpp"

#include "core/error.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::daemon;

TEST_CASE("the API listens on loopback addresses with a port") {
  CHECK(parse_listen("127.0.0.1:8480").address == "127.0.0.1");
  CHECK(parse_listen("127.0.0.1:8480").port == 8480);
  CHECK(parse_listen("[::1]:0").address == "::1");
  CHECK(parse_listen("localhost:80").address == "127.0.0.1");
}

TEST_CASE("D12: the API does not listen where others can reach it") {
  for (const auto* bad :
       {"0.0.0.0:8480", "[::]:8480", "10.0.0.1:8480", "example.org:80", "127.0.0.1", ":8480",
        "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "", "[::1]", "localhost"}) {
    INFO(bad);
    CHECK_THROWS_AS(parse_listen(bad), Error);
  }
}
