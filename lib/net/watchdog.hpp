#pragma once
// Deadlines for reads and writes, at no cost while the peer is quick. Room-internal.

#include "core/clock.hpp"

#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace sluice::net {

/// Watches one operation after the other. It sleeps on when an operation ends in time and looks, once it
/// wakes, which deadline counts by then: a timer for each read of a large body would cost more than the read.
class Watchdog {
 public:
  Watchdog(Clock& clock, boost::asio::any_io_executor executor);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Awaits `start(token)`, which begins an asynchronous operation that gives a number of bytes; cancels it
  /// at `deadline`, and with the calling coroutine. Throws system_error, timed_out when it was the deadline.
  template <class Start>
  Task<std::size_t> run(Steady deadline, Start start);

 private:
  struct Sleep;
  static Task<> sleep(std::shared_ptr<Sleep> sleep);
  void guard(Steady deadline);
  void wake();
  void call_off();

  Clock& clock_;
  boost::asio::any_io_executor executor_;
  boost::asio::cancellation_signal operation_;
  std::optional<Steady> deadline_;  // of the operation under way
  bool late_ = false;
  std::shared_ptr<Sleep> sleep_;  // null while nothing is waited for
};

template <class Start>
Task<std::size_t> Watchdog::run(Steady deadline, Start start) {
  namespace asio = boost::asio;
  const auto caller = co_await asio::this_coro::cancellation_state;
  if (caller.cancelled() != asio::cancellation_type::none)
    throw boost::system::system_error(asio::error::operation_aborted);
  guard(deadline);
  // The operation listens to our signal only, so what the caller is told goes through it.
  asio::cancellation_slot told = caller.slot();
  if (told.is_connected()) told.assign([this](asio::cancellation_type type) { operation_.emit(type); });
  boost::system::error_code failure;
  const std::size_t count = co_await start(
      asio::bind_cancellation_slot(operation_.slot(), asio::redirect_error(asio::use_awaitable, failure)));
  if (told.is_connected()) told.clear();
  deadline_.reset();
  if (std::exchange(late_, false)) throw boost::system::system_error(asio::error::timed_out);
  if (failure) throw boost::system::system_error(failure);
  co_return count;
}

}  // namespace sluice::net
