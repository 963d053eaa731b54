#include "core/signal.hpp"

#include <optional>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice {

// A timer that never expires; cancelling it is the wake-up.
struct Signal::Waiters {
  std::optional<boost::asio::steady_timer> timer;
};

namespace {

Task<> wait_for_cancel(boost::asio::steady_timer& timer) {
  boost::system::error_code ignored;
  co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
}

}  // namespace

Signal::Signal() : waiters_(std::make_unique<Waiters>()) {}
Signal::~Signal() = default;

void Signal::notify() {
  ++count_;
  if (waiters_->timer) waiters_->timer->cancel();
}

Task<> Signal::wait_past(std::uint64_t seen, Clock& clock, Steady until) {
  using namespace boost::asio::experimental::awaitable_operators;
  if (!waiters_->timer) {
    auto executor = co_await boost::asio::this_coro::executor;
    waiters_->timer.emplace(executor, boost::asio::steady_timer::time_point::max());
  }
  if (count_ <= seen && clock.steady() < until)
    co_await (wait_for_cancel(*waiters_->timer) || clock.sleep_until(until));
}

}  // namespace sluice
