#pragma once
// Owns coroutines that run beside their starter: they can be cancelled, and are awaited before their owner
// ends.

#include "core/error.hpp"
#include "core/signal.hpp"

#include <functional>
#include <list>
#include <memory>
#include <string>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <spdlog/spdlog.h>

namespace sluice::engine {

class TaskGroup {
 public:
  using Cancel = std::shared_ptr<boost::asio::cancellation_signal>;

  /// Starts a task on the executor; what it throws is logged under `name`.
  Cancel start(boost::asio::any_io_executor executor, std::string name, Task<> task) {
    auto cancel = std::make_shared<boost::asio::cancellation_signal>();
    const auto place = running_.insert(running_.end(), cancel);
    boost::asio::co_spawn(
        executor, std::move(task),
        boost::asio::bind_cancellation_slot(
            cancel->slot(), [this, place, name = std::move(name)](std::exception_ptr failure) {
              running_.erase(place);
              ended_.notify();
              report(name, failure);
            }));
    return cancel;
  }
  bool empty() const { return running_.empty(); }
  std::size_t size() const { return running_.size(); }
  void cancel_all() {
    for (const auto& cancel : std::list<Cancel>(running_))
      cancel->emit(boost::asio::cancellation_type::all);
  }
  /// Returns when no task is left or `until` passed; true when none is left.
  Task<bool> wait_empty(Clock& clock, Steady until) {
    while (!running_.empty() && clock.steady() < until) {
      const auto seen = ended_.count();
      co_await ended_.wait_past(seen, clock, until);
    }
    co_return running_.empty();
  }

 private:
  static void report(const std::string& name, std::exception_ptr failure) {
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (...) {
      const auto error = current_error();
      if (error.kind() != ErrorKind::cancelled) spdlog::error("{}: {}", name, error.what());
    }
  }
  std::list<Cancel> running_;
  Signal ended_;
};

}  // namespace sluice::engine
