#pragma once
// What a command that works without a daemon has of the world, and an event loop to use it on.

#include "core/clock.hpp"
#include "core/launcher.hpp"
#include "core/log.hpp"
#include "core/random.hpp"
#include "core/workers.hpp"
#include "net/client.hpp"

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace sluice::daemon {

struct CommandWorld {
  /// Without `network`, nothing outside can be reached through a proxy.
  explicit CommandWorld(net::ClientOptions network = {})
      : http(net::make_client(clock, workers, std::move(network))) {
    set_up_messages();
  }

  boost::asio::io_context loop{1};
  SystemClock clock;
  SeededRandom random{entropy()};
  Workers workers{2};
  SystemLauncher launcher{clock};
  std::unique_ptr<net::Client> http;

  /// Runs a task to its end; gives its result or throws what it threw. What else is on the loop by then, such
  /// as connections that are kept for the next task, is not waited for.
  template <class Result>
  Result run(Task<Result> task) {
    std::exception_ptr failure;
    bool done = false;
    loop.restart();
    if constexpr (std::is_void_v<Result>) {
      boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown) {
        failure = thrown;
        done = true;
      });
      work_until(done);
      if (failure) std::rethrow_exception(failure);
    } else {
      std::optional<Result> result;
      boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown, Result value) {
        failure = thrown;
        result.emplace(std::move(value));
        done = true;
      });
      work_until(done);
      if (failure) std::rethrow_exception(failure);
      return std::move(*result);
    }
  }

  /// Works on the loop until a task of it has said so.
  void work_until(const bool& done) {
    while (!done)
      loop.run_one();
  }
};

}  // namespace sluice::daemon
