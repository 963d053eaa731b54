#include "net/watchdog.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/dispatch.hpp>

namespace sluice::net {

struct Watchdog::Sleep {
  Sleep(Watchdog& of, Steady at) : watchdog(&of), clock(of.clock_), until(at) {}
  Watchdog* watchdog;  // null when nobody waits for the end of it any more
  Clock& clock;
  Steady until;
  boost::asio::cancellation_signal signal;
};

Watchdog::Watchdog(Clock& clock, boost::asio::any_io_executor executor)
    : clock_(clock), executor_(std::move(executor)) {}

Watchdog::~Watchdog() {
  call_off();
}

void Watchdog::guard(Steady deadline) {
  deadline_ = deadline;
  if (sleep_ && sleep_->until <= deadline) return;
  call_off();
  namespace asio = boost::asio;
  sleep_ = std::make_shared<Sleep>(*this, deadline);
  // The signal must outlive the coroutine that it cancels.
  auto end = [kept = sleep_](std::exception_ptr) {};
  asio::co_spawn(executor_, sleep(sleep_),
                 asio::bind_cancellation_slot(sleep_->signal.slot(), std::move(end)));
}

Task<> Watchdog::sleep(std::shared_ptr<Sleep> sleep) {
  co_await sleep->clock.sleep_until(sleep->until);
  if (sleep->watchdog) sleep->watchdog->wake();
}

void Watchdog::wake() {
  sleep_.reset();
  if (!deadline_) return;
  if (clock_.steady() < *deadline_) {
    guard(*deadline_);
    return;
  }
  deadline_.reset();
  late_ = true;
  operation_.emit(boost::asio::cancellation_type::terminal);
}

void Watchdog::call_off() {
  if (!sleep_) return;
  sleep_->watchdog = nullptr;
  boost::asio::dispatch(executor_, [sleep = std::move(sleep_)] {
    sleep->signal.emit(boost::asio::cancellation_type::terminal);
  });
  sleep_.reset();
}

}  // namespace sluice::net
