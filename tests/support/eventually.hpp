#pragma once
// Waiting on conditions with a deadline.

#include "core/task.hpp"

#include <chrono>
#include <functional>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice::test {

/// Asks every few milliseconds; true as soon as `condition` holds, false when it does not within `limit`.
inline Task<bool> eventually(std::function<bool()> condition,
                             std::chrono::seconds limit = std::chrono::seconds(30)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  auto executor = co_await boost::asio::this_coro::executor;
  boost::asio::steady_timer pause(executor);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) co_return false;
    pause.expires_after(std::chrono::milliseconds(5));
    co_await pause.async_wait(boost::asio::use_awaitable);
  }
  co_return true;
}

}  // namespace sluice::test
