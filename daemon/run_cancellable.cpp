#include "run_cancellable.hpp"

#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

namespace sluice::daemon {

std::exception_ptr run_cancellable(boost::asio::io_context& loop, Task<> task,
                                   boost::asio::cancellation_signal& cancel,
                                   const std::function<bool()>& is_cancelled) {
  std::exception_ptr failure;
  bool done = false;
  auto end = [&](std::exception_ptr thrown) {
    failure = thrown;
    done = true;
  };
  loop.restart();
  // Begun on the loop: what is cancelled before it has begun makes the loop throw (Boost 1.81, co_spawn).
  boost::asio::post(loop, [&] {
    boost::asio::co_spawn(loop, std::move(task), boost::asio::bind_cancellation_slot(cancel.slot(), end));
    if (is_cancelled()) cancel.emit(boost::asio::cancellation_type::all);
  });
  while (!done)
    loop.run_one();
  return failure;
}

}  // namespace sluice::daemon
