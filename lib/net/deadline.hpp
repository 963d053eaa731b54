#pragma once
// Deadlines for coroutines.

#include "core/clock.hpp"

#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace sluice::net {

/// Runs `operation` until `alarm` returns; then cancels it, awaits its end and throws
/// system_error(timed_out).
template <class T>
Task<T> before(Task<T> operation, Task<> alarm) {
  namespace asio = boost::asio;
  auto executor = co_await asio::this_coro::executor;
  auto group =
      asio::experimental::make_parallel_group(asio::co_spawn(executor, std::move(operation), asio::deferred),
                                              asio::co_spawn(executor, std::move(alarm), asio::deferred));
  auto [order, failure, value, late] =
      co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
  if (!failure) co_return std::move(value);
  if (order[0] == 0) std::rethrow_exception(failure);
  if (late) std::rethrow_exception(late);
  throw boost::system::system_error(asio::error::timed_out);
}

inline Task<> before(Task<> operation, Task<> alarm) {
  auto with_value = [](Task<> inner) -> Task<bool> {
    co_await std::move(inner);
    co_return true;
  };
  co_await before(with_value(std::move(operation)), std::move(alarm));
}

}  // namespace sluice::net
