#include "api/guard.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::api;

namespace {

net::ServerRequest request(std::string method, std::string host, std::string type = {}) {
  net::ServerRequest result;
  result.method = std::move(method);
  result.headers.set("Host", std::move(host));
  if (!type.empty()) result.headers.set("Content-Type", std::move(type));
  return result;
}

int status(Door door, const net::ServerRequest& asked) {
  const auto refused = refusal(door, asked);
  return refused ? refused->status : 0;
}

}  // namespace

TEST_CASE("D12: names and addresses of this machine are loopback hosts") {
  for (const auto* host : {"localhost", "LocalHost:8480", "127.0.0.1", "127.0.0.1:8480", "127.255.0.7:1",
                           "[::1]", "[::1]:8480"}) {
    INFO(host);
    CHECK(is_loopback_host(host));
  }
}

TEST_CASE("D12: anything else is no loopback host") {
  for (const auto* host : {"",
                           "localhost.evil.example",
                           "evil.example",
                           "127.0.0.1.evil.example",
                           "128.0.0.1",
                           "127.0.0.256",
                           "127.1",
                           "127.0.0.1:",
                           "127.0.0.1:80:80",
                           "127.0.0.1:x",
                           "[::1",
                           "[::2]",
                           "[::1]x",
                           "[::1]:",
                           "::1",
                           "10.0.0.1",
                           "0.0.0.0",
                           "localhost:123456",
                           "127.0.0.1 ",
                           "0x7f.0.0.1",
                           "127.0.0.-1",
                           "127.0.0.0001"}) {
    INFO(host);
    CHECK_FALSE(is_loopback_host(host));
  }
}

TEST_CASE("D12: a page whose name was rebound to loopback is refused") {
  CHECK(status(Door::loopback, request("GET", "evil.example:8480")) == 403);
  CHECK(status(Door::loopback, request("GET", "127.0.0.1:8480")) == 0);
}

TEST_CASE("D12: a request without or with two Host headers is refused on TCP") {
  net::ServerRequest none;
  none.method = "GET";
  CHECK(status(Door::loopback, none) == 403);
  auto two = request("GET", "127.0.0.1");
  two.headers.add("host", "evil.example");
  CHECK(status(Door::loopback, two) == 403);
}

TEST_CASE("D12: a form of another site cannot post") {
  CHECK(status(Door::loopback, request("POST", "localhost")) == 415);
  CHECK(status(Door::loopback, request("POST", "localhost", "text/plain")) == 415);
  CHECK(status(Door::loopback, request("POST", "localhost", "text/plain; application/json")) == 415);
  CHECK(status(Door::loopback, request("POST", "localhost", "application/jsonp")) == 415);
  CHECK(status(Door::loopback, request("POST", "localhost", "Application/JSON ; charset=utf-8")) == 0);
}

TEST_CASE("on the Unix socket file permissions decide, not headers") {
  CHECK(status(Door::unix_socket, request("POST", "whatever.example")) == 0);
}

TEST_CASE("whoever comes over the Unix socket is known by name, others are the API") {
  Options options;
  options.user_name = [](const std::string& uid) { return uid == "1000" ? std::string("ada") : uid; };
  net::ServerRequest asked;
  asked.peer = "uid:1000";
  CHECK(who(Door::unix_socket, asked, options) == "ada");
  asked.peer = "uid:77";
  CHECK(who(Door::unix_socket, asked, options) == "77");
  asked.peer = "unix";
  CHECK(who(Door::unix_socket, asked, options) == "unix");
  asked.peer = "uid:1000";
  CHECK(who(Door::loopback, asked, options) == "api");
}
