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
  /// Waits for the work in hand.
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Runs `work` on a pool thread and resumes the calling coroutine on its own executor with the result.
  /// Exceptions of `work` are rethrown there. Cancellation is seen only after `work` returned.
  template <class F>
  auto run(F work) -> Task<std::invoke_result_t<F>> {
    using R = std::invoke_result_t<F>;
    if constexpr (std::is_void_v<R>) {
      auto error = std::make_shared<std::exception_ptr>();
      co_await execute([work = std::move(work), error]() mutable {
        try {
          work();
        } catch (...) {
          *error = std::current_exception();
        }
      });
      if (*error) std::rethrow_exception(*error);
    } else {
      auto outcome = std::make_shared<std::pair<std::exception_ptr, std::optional<R>>>();
      co_await execute([work = std::move(work), outcome]() mutable {
        try {
          outcome->second.emplace(work());
        } catch (...) {
          outcome->first = std::current_exception();
        }
      });
      if (outcome->first) std::rethrow_exception(outcome->first);
      co_return std::move(*outcome->second);
    }
  }

 private:
  Task<> execute(std::function<void()> work);
  struct Pool;
  std::unique_ptr<Pool> pool_;
};

}  // namespace sluice
