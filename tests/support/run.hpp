#pragma once
// Runs a coroutine on an event loop of its own, from an ordinary test case.

#include "core/task.hpp"

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <type_traits>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace sluice::test {

/// Runs the coroutine that `make_task()` (or `make_task(io_context&)`) returns to its end, and gives its
/// result or rethrows what it threw. Throws std::runtime_error when it has not ended within `limit`. Other
/// tasks on the same loop are destroyed when it ends; `make_task` itself stays alive throughout, so it may be
/// a capturing lambda coroutine.
template <class F>
auto run(F make_task, std::chrono::seconds limit = std::chrono::seconds(60)) {
  boost::asio::io_context loop;
  auto task = [&] {
    if constexpr (std::is_invocable_v<F&, boost::asio::io_context&>)
      return make_task(loop);
    else
      return make_task();
  }();
  using Result = typename decltype(task)::value_type;
  bool ended = false;
  std::exception_ptr failure;
  if constexpr (std::is_void_v<Result>) {
    boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown) {
      ended = true;
      failure = thrown;
      loop.stop();
    });
    loop.run_for(limit);
    if (failure) std::rethrow_exception(failure);
    if (!ended) throw std::runtime_error("the coroutine under test did not end in time");
  } else {
    std::optional<Result> result;
    boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown, Result value) {
      ended = true;
      failure = thrown;
      if (!failure) result.emplace(std::move(value));
      loop.stop();
    });
    loop.run_for(limit);
    if (failure) std::rethrow_exception(failure);
    if (!ended) throw std::runtime_error("the coroutine under test did not end in time");
    return std::move(*result);
  }
}

}  // namespace sluice::test
