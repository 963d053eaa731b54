#include "core/signal.hpp"

#include "core/error.hpp"

#include <exception>
#include <list>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice {

// Shared with the waiters, so that a signal may go away while somebody still waits.
struct Signal::State {
  std::uint64_t count = 0;
  // Timers that never expire; cancelling one is the wake-up. Each lives in the frame of its waiter, because a
  // timer must not outlive the event loop, and a signal may.
  std::list<boost::asio::steady_timer*> waiters;

  void notify() {
    ++count;
    for (auto* waiter : waiters)
      waiter->cancel();
  }
};

namespace {

/// Keeps a timer in the list of waiters for the life of a scope.
class Enrolled {
 public:
  Enrolled(std::list<boost::asio::steady_timer*>& waiters, boost::asio::steady_timer& timer)
      : waiters_(waiters), place_(waiters.insert(waiters.end(), &timer)) {}
  ~Enrolled() { waiters_.erase(place_); }
  Enrolled(const Enrolled&) = delete;
  Enrolled& operator=(const Enrolled&) = delete;

 private:
  std::list<boost::asio::steady_timer*>& waiters_;
  std::list<boost::asio::steady_timer*>::iterator place_;
};

/// Returns when the count is past `seen`, or when it is cancelled (wait_past tells these apart).
template <class State>
Task<> until_notified(std::shared_ptr<State> state, std::uint64_t seen) {
  auto executor = co_await boost::asio::this_coro::executor;
  // Checked here, where the wait begins: between wait_past and this point others may have run.
  if (state->count > seen) co_return;
  boost::asio::steady_timer timer(executor, boost::asio::steady_timer::time_point::max());
  const Enrolled enrolled(state->waiters, timer);
  boost::system::error_code ignored;
  co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
}

}  // namespace

Signal::Signal() : state_(std::make_shared<State>()) {}
Signal::~Signal() {
  state_->notify();
}

void Signal::notify() {
  state_->notify();
}

std::uint64_t Signal::count() const {
  return state_->count;
}

Task<> Signal::wait_past(std::uint64_t seen, Clock& clock, Steady until) {
  using namespace boost::asio::experimental::awaitable_operators;
  auto state = state_;
  if (state->count > seen || clock.steady() >= until) co_return;
  std::exception_ptr failure;
  try {
    co_await (until_notified(state, seen) || clock.sleep_until(until));
  } catch (...) {
    failure = std::current_exception();
  }
  // A cancelled pair may look like a wake-up, and its exceptions come wrapped; the caller's own state is the
  // truth.
  const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
  if (cancellation.cancelled() != boost::asio::cancellation_type::none)
    throw Error(ErrorKind::cancelled, "cancelled while waiting");
  if (failure) std::rethrow_exception(failure);
}

}  // namespace sluice
