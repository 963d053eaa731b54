#pragma once
// The durable memory: SQLite in WAL mode, synchronous=FULL, one writer thread with group commit, a few readers.
// No SQLite type leaves this room, so that another database can stand behind the same classes later.

#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/task.hpp"
#include "store/tables.hpp"

namespace sluice::store {

struct StoreOptions {
  std::filesystem::path path;
  std::size_t readers = 2;
};

class Store {
 public:
  /// Opens or creates the database, takes the lock file (`<path>.lock`), checks application id, version and integrity, and migrates
  /// in one transaction. Throws Error(conflict) when another daemon holds it, Error(invalid) for a foreign or newer file, Error(corrupt) for a damaged one;
  /// in each of these cases not a byte is changed. The message says what to do.
  static std::unique_ptr<Store> open(StoreOptions options);
  /// Ends the writer after the transactions in hand.
  ~Store();

  /// Runs `work(Tables&)` on the writer thread, in one transaction with whatever else waits (each piece in a savepoint:
  /// one that throws undoes only itself), and resumes the caller on its own executor after the commit was made durable.
  /// `work` must not block on anything else, and what it returns must be a value.
  template <class F>
  auto write(F work) -> Task<std::invoke_result_t<F, Tables&>> {
    return await(std::move(work), true);
  }
  /// Runs `work(const Tables&)`-style queries on a reader thread, on a snapshot.
  template <class F>
  auto read(F work) -> Task<std::invoke_result_t<F, Tables&>> {
    return await(std::move(work), false);
  }

  /// Random id of this database, made when it was created; part of idempotency keys.
  const std::string& instance() const;
  /// A consistent copy while the daemon runs (SQLite's online backup).
  Task<> backup(std::filesystem::path target);

 private:
  Store();
  template <class F>
  auto await(F work, bool writes) -> Task<std::invoke_result_t<F, Tables&>> {
    using R = std::invoke_result_t<F, Tables&>;
    if constexpr (std::is_void_v<R>) {
      co_await execute([work = std::move(work)](Tables& tables) mutable { work(tables); }, writes);
    } else {
      auto result = std::make_shared<std::optional<R>>();
      co_await execute([work = std::move(work), result](Tables& tables) mutable { result->emplace(work(tables)); },
                       writes);
      co_return std::move(**result);
    }
  }
  /// Throws what `work` threw, or Error(unavailable) when the commit failed (disk full, I/O error).
  Task<> execute(std::function<void(Tables&)> work, bool writes);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::store
