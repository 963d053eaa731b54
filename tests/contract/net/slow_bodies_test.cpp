// D6: bodies that do not come, and bodies that are too much together.

#include "server_fixture.hpp"

using namespace sluice;
using namespace sluice::test;

namespace {

std::string announced(std::size_t length, const std::string& begin = {}) {
  return "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n" + begin;
}

const std::string honest = "POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi";

}  // namespace

TEST_CASE("D6: connections whose bodies do not come give their places to an honest one") {
  net::ServerLimits limits;
  limits.connections = 4;
  limits.body_timeout = std::chrono::hours(1);
  with_server(echo, limits, [&](net::Server& server) -> Task<> {
    std::vector<std::unique_ptr<RawPeer>> slow;
    for (int i = 0; i < 4; ++i) {
      slow.push_back(co_await RawPeer::connect(server.port()));
      co_await slow.back()->send(announced(1000, "begun"));
    }
    const auto answer = co_await exchange(server.port(), honest);
    CHECK_THAT(answer, Catch::StartsWith("HTTP/1.1 200"));
  });
}

TEST_CASE(
    "D6: the bodies of all connections together have a limit, which small ones may pass, and room comes "
    "back") {
  net::ServerLimits limits;
  limits.all_bodies_bytes = 100'000;
  bool entered = false;
  bool leave = false;
  auto handler = [&](net::ServerRequest request) -> Task<net::ServerResponse> {
    if (request.body.size() > 85'000) {
      entered = true;
      co_await eventually([&] { return leave; });
    }
    co_return net::ServerResponse{};
  };
  with_server(handler, limits, [&](net::Server& server) -> Task<> {
    auto large = co_await RawPeer::connect(server.port());
    co_await large->send(announced(90'000, std::string(90'000, 'x')));
    const bool held = co_await eventually([&] { return entered; });
    REQUIRE(held);
    const std::string half = announced(80'000, std::string(80'000, 'y'));
    auto second = co_await RawPeer::connect(server.port());
    co_await second->send(half);
    const auto refused = co_await second->read_until("\r\n\r\n");
    CHECK_THAT(refused, Catch::StartsWith("HTTP/1.1 503"));
    auto small = co_await RawPeer::connect(server.port());
    co_await small->send(announced(60'000, std::string(60'000, 'z')));
    const auto passed = co_await small->read_until("\r\n\r\n");
    CHECK_THAT(passed, Catch::StartsWith("HTTP/1.1 200"));
    leave = true;
    const auto answered = co_await large->read_until("\r\n\r\n");
    CHECK_THAT(answered, Catch::StartsWith("HTTP/1.1 200"));
    auto third = co_await RawPeer::connect(server.port());
    co_await third->send(half);
    const auto then = co_await third->read_until("\r\n\r\n");
    CHECK_THAT(then, Catch::StartsWith("HTTP/1.1 200"));
  });
}
