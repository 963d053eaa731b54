#pragma once
// Tidying up that also happens when a coroutine fails or is cancelled.

#include "core/error.hpp"
#include "core/task.hpp"

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>

#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/this_coro.hpp>
#include <spdlog/spdlog.h>

namespace sluice {

/// Runs `work`, then `cleanup`, and gives the result of `work` or throws what it threw. The cleanup runs to
/// its end even when the coroutine is cancelled before or while it runs, so it must bound its own time; what
/// it throws is only logged. A cancellation that arrives during the cleanup is raised after it as
/// Error(cancelled).
template <class T>
Task<T> with_cleanup(Task<T> work, Task<> cleanup) {
  namespace asio = boost::asio;
  std::exception_ptr failure;
  std::optional<T> result;
  try {
    result.emplace(co_await std::move(work));
  } catch (...) {
    failure = std::current_exception();
  }
  const auto cancelled = std::make_shared<bool>(false);
  const auto note_only = [cancelled](asio::cancellation_type) {
    *cancelled = true;
    return asio::cancellation_type::none;
  };
  co_await asio::this_coro::reset_cancellation_state(note_only);
  try {
    co_await std::move(cleanup);
  } catch (...) {
    spdlog::warn("tidying up failed: {}", current_error().what());
  }
  co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
  if (failure) std::rethrow_exception(failure);
  if (*cancelled) throw Error(ErrorKind::cancelled, "stopped");
  co_return std::move(*result);
}

}  // namespace sluice
