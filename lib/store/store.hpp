#pragma once
// The durable memory: SQLite in WAL mode, synchronous=FULL, one writer thread with group commit, a few
// readers. No SQLite type leaves this room, so that another database can stand behind the same classes later.

#include "core/task.hpp"
#include "store/tables.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace sluice::store {

struct StoreOptions {
  std::filesystem::path path;
  std::size_t readers = 2;
  /// The id of the database when it has to be created (random, from the caller's generator); must not be
  /// empty then.
  std::string new_instance{};
};

class Store {
 public:
  /// Opens or creates the database, takes the lock file (`<path>.lock`), checks application id, version and
  /// integrity, and migrates in one transaction. Throws Error(conflict) when another daemon holds it,
  /// Error(invalid) for a foreign or newer file, Error(corrupt) for a damaged one; in each of these cases not
  /// a byte is changed. The message says what to do.
  static std::unique_ptr<Store> open(StoreOptions options);
  /// Carries out what was handed over, then ends the threads. The event loops of all callers must outlive the
  /// store: a thread may still be inside of one a moment after the caller was resumed.
  ~Store();

  /// Runs `work(Tables&)` on the writer thread, in one transaction with whatever else waits (each piece in a
  /// savepoint: one that throws undoes only itself), and resumes the caller on its own executor after the
  /// commit was made durable. `work` must not block on anything else, and what it returns must be a value.
  /// Throws what `work` threw, or Error(unavailable) when the commit failed (disk full, I/O error): then
  /// nothing was kept. Cancellation is seen before the work is handed over or after it was carried out, never
  /// between: a caller that was resumed by write() knows whether its work is in the database.
  template <class F>
  auto write(F work) -> Task<std::invoke_result_t<F, Tables&>> {
    return await(std::move(work), true);
  }
  /// Runs queries on a reader thread, on one snapshot for all of `work`; a change is refused. Must end within
  /// seconds: the log cannot shrink below what a reader still sees. Errors and cancellation as with write().
  template <class F>
  auto read(F work) -> Task<std::invoke_result_t<F, Tables&>> {
    return await(std::move(work), false);
  }

  /// Random id of this database, made when it was created; part of idempotency keys.
  const std::string& instance() const;
  /// A consistent copy while the daemon runs (SQLite's online backup); reading and writing go on. The target
  /// appears complete and checked, or not at all. Only an earlier backup is overwritten; anything else there
  /// is Error(invalid).
  Task<> backup(std::filesystem::path target);

  /// Transactions that were committed so far.
  std::uint64_t commits() const;
  /// Why the last change could not be kept, for readiness; empty once one was kept again.
  std::string trouble() const;
  /// Size of the write-ahead log.
  std::uint64_t log_bytes() const;
  /// Size of the database without it.
  std::uint64_t database_bytes() const;

 private:
  Store();
  template <class F>
  auto await(F work, bool writes) -> Task<std::invoke_result_t<F, Tables&>> {
    using R = std::invoke_result_t<F, Tables&>;
    // Named, not a temporary within the co_await expression: g++ 12 destroys those twice.
    if constexpr (std::is_void_v<R>) {
      std::function<void(Tables&)> piece = [work = std::move(work)](Tables& tables) mutable { work(tables); };
      co_await execute(std::move(piece), writes);
    } else {
      auto result = std::make_shared<std::optional<R>>();
      std::function<void(Tables&)> piece = [work = std::move(work), result](Tables& tables) mutable {
        result->emplace(work(tables));
      };
      co_await execute(std::move(piece), writes);
      co_return std::move(**result);
    }
  }
  Task<> execute(std::function<void(Tables&)> work, bool writes);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::store
