#include "net/watchdog.hpp"

#include "support/eventually.hpp"
#include "support/fake_clock.hpp"
#include "support/run.hpp"

#include <array>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;

namespace {

using LocalSocket = boost::asio::local::stream_protocol::socket;

/// A watched reader and the peer that it reads from.
struct Pair {
  Pair(FakeClock& by, boost::asio::io_context& loop)
      : clock(by), near(loop), far(loop), watchdog(clock, loop.get_executor()) {
    boost::asio::local::connect_pair(near, far);
  }

  /// What reading within `limit` came to: "data", or the name of the error.
  Task<std::string> read(Milliseconds limit) {
    std::array<char, 16> space{};
    const auto start = [&](auto token) { return near.async_receive(boost::asio::buffer(space), token); };
    try {
      co_await watchdog.run(clock.steady() + limit, start);
      co_return "data";
    } catch (const boost::system::system_error& error) {
      if (error.code() == boost::asio::error::timed_out) co_return "late";
      co_return error.code() == boost::asio::error::operation_aborted ? "cancelled" : error.what();
    }
  }
  /// Begins to read, lets time pass once somebody sleeps for it, and gives what it came to.
  Task<std::string> read_while(Milliseconds limit, Milliseconds passes) {
    std::string outcome;
    auto executor = co_await boost::asio::this_coro::executor;
    auto reading = [&]() -> Task<> { outcome = co_await read(limit); };
    boost::asio::co_spawn(executor, reading(), boost::asio::detached);
    co_await eventually([&] { return clock.sleepers() > 0; });
    clock.advance(passes);
    co_await eventually([&] { return !outcome.empty() || clock.sleepers() > 0; });
    if (outcome.empty()) {
      tell();
      co_await eventually([&] { return !outcome.empty(); });
    }
    co_return outcome;
  }
  void tell() { far.send(boost::asio::buffer("x", 1)); }

  FakeClock& clock;
  LocalSocket near, far;
  net::Watchdog watchdog;
};

}  // namespace

TEST_CASE("what is not done at its deadline is given up") {
  FakeClock clock;
  run([&](boost::asio::io_context& loop) -> Task<> {
    Pair pair(clock, loop);
    const std::string outcome = co_await pair.read_while(10s, 10s);
    CHECK(outcome == "late");
  });
}

TEST_CASE("a deadline that moved on is kept, not the one that was slept for") {
  FakeClock clock;
  run([&](boost::asio::io_context& loop) -> Task<> {
    Pair pair(clock, loop);
    pair.tell();
    const std::string first = co_await pair.read(10s);
    CHECK(first == "data");
    pair.clock.advance(5s);
    const std::string alive = co_await pair.read_while(10s, 9s);
    CHECK(alive == "data");
    const std::string late = co_await pair.read_while(10s, 10s);
    CHECK(late == "late");
  });
}

TEST_CASE("a deadline before the one that is slept for is kept") {
  FakeClock clock;
  run([&](boost::asio::io_context& loop) -> Task<> {
    Pair pair(clock, loop);
    pair.tell();
    const std::string first = co_await pair.read(1h);
    CHECK(first == "data");
    const std::string late = co_await pair.read_while(1s, 1s);
    CHECK(late == "late");
  });
}

TEST_CASE("one sleep watches any number of operations") {
  FakeClock clock;
  run([&](boost::asio::io_context& loop) -> Task<> {
    Pair pair(clock, loop);
    for (int i = 0; i < 100; ++i) {
      pair.tell();
      const std::string outcome = co_await pair.read(1h);
      CHECK(outcome == "data");
    }
    co_await eventually([&] { return pair.clock.sleepers() == 1; });
    CHECK(pair.clock.sleepers() == 1);
  });
}

TEST_CASE("who is cancelled is not told that it was late") {
  using namespace boost::asio::experimental::awaitable_operators;
  FakeClock clock;
  run([&](boost::asio::io_context& loop) -> Task<> {
    Pair pair(clock, loop);
    std::string outcome;
    auto reading = [&]() -> Task<> { outcome = co_await pair.read(1h); };
    co_await (reading() || eventually([&] { return pair.clock.sleepers() == 1; }));
    CHECK(outcome == "cancelled");
    pair.tell();
    const std::string next = co_await pair.read(1h);
    CHECK(next == "data");
  });
}

TEST_CASE("a watchdog that is gone sleeps no more") {
  FakeClock clock;
  run([&](boost::asio::io_context& loop) -> Task<> {
    {
      net::Watchdog watchdog(clock, loop.get_executor());
      LocalSocket near(loop), far(loop);
      boost::asio::local::connect_pair(near, far);
      far.send(boost::asio::buffer("x", 1));
      std::array<char, 16> space{};
      co_await watchdog.run(clock.steady() + 1h, [&](auto token) {
        return near.async_receive(boost::asio::buffer(space), token);
      });
      const bool sleeps = co_await eventually([&] { return clock.sleepers() == 1; });
      CHECK(sleeps);
    }
    const bool awake = co_await eventually([&] { return clock.sleepers() == 0; });
    CHECK(awake);
  });
}
