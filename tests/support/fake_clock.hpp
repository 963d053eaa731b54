#pragma once
// Clocks that tests move.

#include "core/clock.hpp"
#include "core/error.hpp"

#include <algorithm>
#include <list>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice::test {

/// Stands still until advance() moves it. Event-loop thread only.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(Time start = Time(std::chrono::seconds(1'800'000'000))) : now_(start) {}

  Time now() const override { return now_; }
  Steady steady() const override { return steady_; }
  Task<> sleep_until(Steady at) override {
    auto executor = co_await boost::asio::this_coro::executor;
    if (at <= steady_) {
      co_await boost::asio::post(executor, boost::asio::use_awaitable);
      co_return;
    }
    boost::asio::steady_timer timer(executor, boost::asio::steady_timer::time_point::max());
    const Sleeper sleeper(sleepers_, at, timer);
    boost::system::error_code ignored;
    co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
    if (at > steady_) throw Error(ErrorKind::cancelled, "cancelled while sleeping");
  }

  /// Moves both times on and wakes whoever is due.
  void advance(Milliseconds by) {
    steady_ += by;
    now_ += by;
    for (const auto* sleeper : sleepers_)
      if (sleeper->at <= steady_) sleeper->timer.cancel();
  }
  /// Moves the wall clock only, as an administrator or NTP does.
  void set_now(Time now) { now_ = now; }
  /// How many coroutines sleep.
  std::size_t sleepers() const { return sleepers_.size(); }

 private:
  struct Sleeper {
    Sleeper(std::list<const Sleeper*>& everybody, Steady due, boost::asio::steady_timer& wake)
        : all(everybody), at(due), timer(wake), place(all.insert(all.end(), this)) {}
    ~Sleeper() { all.erase(place); }
    Sleeper(const Sleeper&) = delete;
    Sleeper& operator=(const Sleeper&) = delete;
    std::list<const Sleeper*>& all;
    Steady at;
    boost::asio::steady_timer& timer;
    std::list<const Sleeper*>::iterator place;
  };
  Time now_;
  Steady steady_{std::chrono::hours(1)};
  std::list<const Sleeper*> sleepers_;
};

/// Every sleep ends at once, with the time moved to its end: for what only waits between attempts.
class LeapingClock final : public Clock {
 public:
  explicit LeapingClock(Time start = Time(std::chrono::seconds(1'800'000'000))) : now_(start) {}
  Time now() const override { return now_; }
  Steady steady() const override { return steady_; }
  Task<> sleep_until(Steady at) override {
    if (at > steady_) {
      now_ += std::chrono::duration_cast<std::chrono::microseconds>(at - steady_);
      steady_ = at;
    }
    auto executor = co_await boost::asio::this_coro::executor;
    co_await boost::asio::post(executor, boost::asio::use_awaitable);
  }

 private:
  Time now_;
  Steady steady_{std::chrono::hours(1)};
};

}  // namespace sluice::test
