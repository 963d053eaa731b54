#pragma once
// A small thread pool for what blocks (hashing, SQLite, DNS, files). Awaited from the event loop.

#include "core/task.hpp"

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>

namespace sluice {

class Workers {
 public:
  explicit Workers(std::size_t threads);
  /// Waits for the work in hand. While there is some, the event loop that awaits it must still exist.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Runs `work` on a pool thread and resumes the calling coroutine on its own executor with the result.
  /// Exceptions of `work` are rethrown there. Cancellation is seen only after `work` returned.
  template <class F>
  auto run(F work) -> Task<std::invoke_result_t<F>> {
    using R = std::invoke_result_t<F>;
    auto outcome = std::make_shared<Outcome<R>>();
    // A named local: g++ 12 destroys temporaries in the arguments of co_await twice.
    std::function<void()> job = [work = std::move(work), outcome]() mutable {
      try {
        if constexpr (std::is_void_v<R>)
          work();
        else
          outcome->value.emplace(work());
      } catch (...) {
        outcome->failure = std::current_exception();
      }
    };
    co_await execute(std::move(job));
    if (outcome->failure) std::rethrow_exception(outcome->failure);
    if constexpr (!std::is_void_v<R>) co_return std::move(*outcome->value);
  }

 private:
  template <class R>
  struct Outcome {
    std::exception_ptr failure;
    std::optional<std::conditional_t<std::is_void_v<R>, bool, R>> value;
  };
  Task<> execute(std::function<void()> work);
  struct Pool;
  std::unique_ptr<Pool> pool_;
};

}  // namespace sluice
