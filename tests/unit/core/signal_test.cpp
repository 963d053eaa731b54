#include "core/signal.hpp"

#include "core/error.hpp"
#include "support/eventually.hpp"
#include "support/fake_clock.hpp"
#include "support/run.hpp"

#include <algorithm>
#include <list>
#include <memory>
#include <optional>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace std::chrono_literals;
using test::FakeClock;

namespace {

/// A coroutine that waits on the side, and what became of it.
struct Waiter {
  int woken = 0;
  std::optional<ErrorKind> error;
  boost::asio::cancellation_signal cancel;

  void start(boost::asio::io_context& loop, Task<> task) {
    boost::asio::co_spawn(
        loop, std::move(task),
        boost::asio::bind_cancellation_slot(cancel.slot(), [this](std::exception_ptr failure) {
          ++woken;
          if (!failure) return;
          try {
            std::rethrow_exception(failure);
          } catch (...) {
            error = current_error().kind();
          }
        }));
  }
};

}  // namespace

TEST_CASE("a notification wakes every waiter") {
  FakeClock clock;
  Signal signal;
  std::list<Waiter> waiters(100);
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    for (auto& waiter : waiters)
      waiter.start(loop, signal.wait_past(0, clock, clock.steady() + 1h));
    const bool asleep = co_await test::eventually([&] { return clock.sleepers() == waiters.size(); });
    CHECK(asleep);
    signal.notify();
    const bool awake = co_await test::eventually([&] {
      return std::all_of(waiters.begin(), waiters.end(),
                         [](const auto& w) { return w.woken == 1 && !w.error; });
    });
    CHECK(awake);
    CHECK(clock.sleepers() == 0);
  });
}

TEST_CASE("a notification before the wait is not lost") {
  FakeClock clock;
  Signal signal;
  test::run([&]() -> Task<> {
    const auto seen = signal.count();
    signal.notify();
    co_await signal.wait_past(seen, clock, Steady::max());
  });
  CHECK(signal.count() == 1);
}

TEST_CASE("a notification between the start of a wait and its first suspension is not lost") {
  FakeClock clock;
  Signal signal;
  Waiter waiter;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    waiter.start(loop, signal.wait_past(0, clock, Steady::max()));
    signal.notify();
    const bool awake = co_await test::eventually([&] { return waiter.woken == 1; });
    CHECK(awake);
  });
}

TEST_CASE("a wait ends at its deadline by the given clock") {
  FakeClock clock;
  Signal signal;
  Waiter waiter;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    waiter.start(loop, signal.wait_past(0, clock, clock.steady() + 10s));
    const bool asleep = co_await test::eventually([&] { return clock.sleepers() == 1; });
    CHECK(asleep);
    clock.advance(9s);
    for (int i = 0; i < 10; ++i)
      co_await boost::asio::post(loop, boost::asio::use_awaitable);
    CHECK(waiter.woken == 0);
    clock.advance(1s);
    const bool awake = co_await test::eventually([&] { return waiter.woken == 1; });
    CHECK(awake);
    CHECK_FALSE(waiter.error);
  });
}

TEST_CASE("a cancelled wait throws, and the other waiters sleep on") {
  FakeClock clock;
  Signal signal;
  Waiter cancelled, other;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    cancelled.start(loop, signal.wait_past(0, clock, Steady::max()));
    other.start(loop, signal.wait_past(0, clock, Steady::max()));
    const bool asleep = co_await test::eventually([&] { return clock.sleepers() == 2; });
    CHECK(asleep);
    cancelled.cancel.emit(boost::asio::cancellation_type::all);
    const bool ended = co_await test::eventually([&] { return cancelled.woken == 1; });
    CHECK(ended);
    CHECK(cancelled.error == ErrorKind::cancelled);
    CHECK(other.woken == 0);
    signal.notify();
    const bool awake = co_await test::eventually([&] { return other.woken == 1; });
    CHECK(awake);
    CHECK_FALSE(other.error);
  });
}

TEST_CASE("a cancellation in the same instant as a notification still throws") {
  FakeClock clock;
  Signal signal;
  Waiter waiter;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    waiter.start(loop, signal.wait_past(0, clock, Steady::max()));
    const bool asleep = co_await test::eventually([&] { return clock.sleepers() == 1; });
    CHECK(asleep);
    signal.notify();
    waiter.cancel.emit(boost::asio::cancellation_type::all);
    const bool ended = co_await test::eventually([&] { return waiter.woken == 1; });
    CHECK(ended);
    CHECK(waiter.error == ErrorKind::cancelled);
  });
}

TEST_CASE("a signal that goes away wakes its waiters") {
  FakeClock clock;
  auto signal = std::make_unique<Signal>();
  Waiter waiter;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    waiter.start(loop, signal->wait_past(0, clock, Steady::max()));
    const bool asleep = co_await test::eventually([&] { return clock.sleepers() == 1; });
    CHECK(asleep);
    signal.reset();
    const bool ended = co_await test::eventually([&] { return waiter.woken == 1; });
    CHECK(ended);
  });
}

TEST_CASE("a signal may outlive the event loop with its waiters") {
  FakeClock clock;
  Signal signal;
  Waiter waiter;
  test::run([&](boost::asio::io_context& loop) -> Task<> {
    waiter.start(loop, signal.wait_past(0, clock, Steady::max()));
    const bool asleep = co_await test::eventually([&] { return clock.sleepers() == 1; });
    CHECK(asleep);
  });
  signal.notify();
  CHECK(waiter.woken == 0);
}
