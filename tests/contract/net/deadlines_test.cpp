// Peers that are slow or silent, and callers that give up.

#include "fixture.hpp"
#include "support/eventually.hpp"
#include "support/fake_clock.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

using namespace sluice;
using namespace sluice::test;
using std::chrono::milliseconds;

TEST_CASE("C1: a refused connection says so") {
  std::uint16_t port = 0;
  {
    ScriptedServer gone([](Exchange& x) { x.stall(); });
    port = gone.port();
  }
  const Outcome outcome = fetch_once(get("http://127.0.0.1:" + std::to_string(port) + "/x?token=secret"));
  CHECK(outcome.error == ErrorKind::unavailable);
  CHECK(mentions(outcome, "connecting"));
  CHECK(mentions(outcome, "refused"));
  CHECK_FALSE(mentions(outcome, "secret"));
}

TEST_CASE("C1: a name that does not exist says so") {
  // .invalid never exists (RFC 2606 2).
  const Outcome outcome = fetch_once(get("http://nothing.invalid/"));
  CHECK(outcome.error == ErrorKind::unavailable);
  CHECK(mentions(outcome, "resolving the name"));
}

TEST_CASE("C1: localhost is resolved and each of its addresses tried") {
  ScriptedServer server([](Exchange& x) {
    x.read_request();
    x.answer(200, "ok");
  });
  CHECK(fetch_once(get("http://localhost:" + std::to_string(server.port()) + "/")).body == "ok");
}

TEST_CASE("C3: a peer that never answers is given up after the header timeout") {
  ScriptedServer server([](Exchange& x) { x.stall(); });
  auto request = get(server.url());
  request.header_timeout = milliseconds(100);
  const Outcome outcome = fetch_once(request);
  CHECK(outcome.error == ErrorKind::timeout);
  CHECK(mentions(outcome, "waiting for the answer"));
}

TEST_CASE("C3: a header that drips for ever is given up after the header timeout") {
  ScriptedServer server([](Exchange& x) {
    x.read_request();
    x.write("HTTP/1.1 200 OK\r\nX: ");
    x.drip(std::string(1'000'000, 'x'), milliseconds(5));
  });
  auto request = get(server.url());
  request.header_timeout = milliseconds(200);
  CHECK(fetch_once(request).error == ErrorKind::timeout);
}

TEST_CASE("C3: a body that stalls is given up after the idle timeout") {
  ScriptedServer server([](Exchange& x) {
    x.read_request();
    x.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nabc");
    x.stall();
  });
  auto request = get(server.url());
  request.idle_timeout = milliseconds(100);
  const Outcome outcome = fetch_once(request);
  CHECK(outcome.error == ErrorKind::timeout);
  CHECK(mentions(outcome, "reading the body"));
}

TEST_CASE("C3: a body that drips single bytes is given up too") {
  ScriptedServer server([](Exchange& x) {
    x.read_request();
    x.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
    x.drip(std::string(100'000, 'x'), milliseconds(5));
  });
  auto request = get(server.url());
  request.idle_timeout = milliseconds(300);
  CHECK(fetch_once(request).error == ErrorKind::timeout);
}

TEST_CASE("C3: a peer that takes no more of our body is given up after the idle timeout") {
  ScriptedServer server([](Exchange& x) {
    x.read_head();
    // Neither reads nor closes until the client is gone.
    x.drip(std::string(1, 'x'), std::chrono::minutes(5));
  });
  auto request = get(server.url());
  request.method = "PUT";
  request.body = std::string(64 << 20, 'x');
  request.idle_timeout = milliseconds(200);
  const Outcome outcome = fetch_once(request);
  CHECK(outcome.error == ErrorKind::timeout);
  CHECK(mentions(outcome, "sending the request"));
}

TEST_CASE("the time in which the caller does not read is not held against the peer") {
  std::atomic<bool> go_on = false;
  ScriptedServer server([&](Exchange& x) {
    x.read_request();
    x.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    go_on.wait(false);
    x.write("def");
  });
  FakeClock clock;
  Workers workers(1);
  const std::string body = run([&]() -> Task<std::string> {
    auto client = net::make_client(clock, workers);
    auto response = co_await client->send(get(server.url()));
    std::array<char, 3> first{};
    co_await response->read(first);
    clock.advance(std::chrono::hours(1));
    go_on = true;
    go_on.notify_all();
    co_return co_await response->read_all(100);
  });
  CHECK(body == "def");
}

TEST_CASE("cancelling the caller closes the connection in every phase") {
  using namespace boost::asio::experimental::awaitable_operators;
  const std::string answers[] = {"", "HTTP/1.1 200 OK\r\n",
                                 "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"};
  for (const std::string& answer : answers) {
    std::atomic<bool> stalled = false;
    std::atomic<bool> closed = false;
    ScriptedServer server([&](Exchange& x) {
      x.read_request();
      x.write(answer);
      stalled = true;
      try {
        x.stall();
      } catch (...) {
        closed = true;
        throw;
      }
    });
    const bool seen = with_client([&](net::Client& client) -> Task<bool> {
      auto outcome =
          co_await (fetch(client, get(server.url())) || eventually([&] { return stalled.load(); }));
      CHECK(outcome.index() == 1);
      co_return co_await eventually([&] { return closed.load(); });
    });
    CHECK(seen);
  }
}

TEST_CASE("a response destroyed early closes its connection") {
  std::atomic<bool> closed = false;
  ScriptedServer server([&](Exchange& x) {
    x.read_request();
    x.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    try {
      x.stall();
    } catch (...) {
      closed = true;
      throw;
    }
  });
  CHECK(with_client([&](net::Client& client) -> Task<bool> {
    auto response = co_await client.send(get(server.url()));
    response.reset();
    co_return co_await eventually([&] { return closed.load(); });
  }));
}
