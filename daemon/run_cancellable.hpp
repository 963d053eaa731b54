#pragma once
// Waiting for a task that a signal may cancel.

#include "core/task.hpp"

#include <exception>
#include <functional>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

namespace sluice::daemon {

/// Runs the loop until the task has ended; its failure, null when there is none. Who wants to end it emits
/// `cancel`; when `is_cancelled` is true before it begins, it is cancelled as it does.
std::exception_ptr run_cancellable(boost::asio::io_context& loop, Task<> task,
                                   boost::asio::cancellation_signal& cancel,
                                   const std::function<bool()>& is_cancelled);

}  // namespace sluice::daemon
