#pragma once
// What the server tests of the room share: a running server, and a client that sends bytes as they are.

#include "core/clock.hpp"
#include "core/error.hpp"
#include "net/server.hpp"
#include "support/eventually.hpp"
#include "support/run.hpp"

#include <memory>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

namespace sluice::test {

/// A TCP connection without any manners.
class RawPeer {
 public:
  static Task<std::unique_ptr<RawPeer>> connect(std::uint16_t port) {
    auto executor = co_await boost::asio::this_coro::executor;
    auto peer = std::make_unique<RawPeer>(boost::asio::ip::tcp::socket(executor));
    const boost::asio::ip::tcp::endpoint to(boost::asio::ip::address_v4::loopback(), port);
    co_await peer->socket_.async_connect(to, boost::asio::use_awaitable);
    co_return peer;
  }
  explicit RawPeer(boost::asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

  Task<> send(std::string bytes) {
    boost::system::error_code ignored;  // a server that has had enough closes
    co_await boost::asio::async_write(socket_, boost::asio::buffer(bytes),
                                      boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  }
  /// Everything until the server closes.
  Task<std::string> read_to_end() {
    std::string all;
    boost::system::error_code error;
    while (!error) {
      std::array<char, 4096> piece{};
      const std::size_t count = co_await socket_.async_read_some(
          boost::asio::buffer(piece), boost::asio::redirect_error(boost::asio::use_awaitable, error));
      all.append(piece.data(), count);
    }
    co_return all;
  }
  /// Up to and including `mark`, empty when the server closes before.
  Task<std::string> read_until(std::string mark) {
    boost::system::error_code error;
    const std::size_t count = co_await boost::asio::async_read_until(
        socket_, boost::asio::dynamic_buffer(received_), mark,
        boost::asio::redirect_error(boost::asio::use_awaitable, error));
    std::string text = received_.substr(0, error ? 0 : count);
    received_.erase(0, text.size());
    co_return text;
  }

 private:
  boost::asio::ip::tcp::socket socket_;
  std::string received_;
};

/// Sends bytes on a connection of their own and gives all that comes back until the server closes.
inline Task<std::string> exchange(std::uint16_t port, std::string bytes) {
  auto peer = co_await RawPeer::connect(port);
  co_await peer->send(std::move(bytes));
  co_return co_await peer->read_to_end();
}

using Endpoint = std::variant<net::TcpEndpoint, net::UnixEndpoint>;

/// A server that runs while `use(server)` does, and is stopped and awaited behind it.
template <class F>
void with_server(Clock& clock, net::Handler handler, net::ServerLimits limits, F use, Endpoint endpoint) {
  run([&](boost::asio::io_context& loop) -> Task<> {
    auto server = net::listen(loop.get_executor(), clock, endpoint, handler, limits);
    bool ended = false;
    boost::asio::co_spawn(loop, server->serve(), [&](std::exception_ptr failure) {
      ended = true;
      CHECK_FALSE(failure);
    });
    co_await use(*server);
    server->stop();
    const bool stopped = co_await eventually([&] { return ended; });
    CHECK(stopped);
  });
}

template <class F>
void with_server(net::Handler handler, net::ServerLimits limits, F use,
                 Endpoint endpoint = net::TcpEndpoint{"127.0.0.1", 0}) {
  SystemClock clock;
  with_server(clock, std::move(handler), limits, std::move(use), std::move(endpoint));
}

/// Answers with what it was asked.
inline Task<net::ServerResponse> echo(net::ServerRequest request) {
  net::ServerResponse response;
  response.body = request.method + " " + request.path + " " + request.body;
  co_return response;
}

}  // namespace sluice::test
