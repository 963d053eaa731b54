#pragma once
// The one thread that writes: what waits together is committed together. Private to the room.

#include "store/connection.hpp"
#include "store/tables.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace sluice::store {

/// A piece of work and whom to tell how it ended (on the thread that did it; null means well).
struct Piece {
  std::function<void(Tables&)> work;
  std::function<void(std::exception_ptr)> done;
};

class Writer {
 public:
  explicit Writer(std::unique_ptr<Connection> db);
  /// Carries out what was handed over, then ends the thread.
  ~Writer();

  /// From any thread. `done` is called after the commit.
  void submit(Piece piece);
  /// Transactions that were committed so far.
  std::uint64_t commits() const { return commits_; }
  /// Why the last change could not be kept; empty once one was kept again.
  std::string trouble() const;

 private:
  using Group = std::vector<Piece>;
  void loop();
  Group next_group();
  void carry_out(Group& group);
  std::vector<std::exception_ptr> in_one_transaction(Group& group);
  std::exception_ptr in_savepoint(const Piece& piece);
  void make_room();
  void note(const std::exception_ptr& error);
  void note_success();

  std::unique_ptr<Connection> db_;
  Tables tables_;
  bool in_trouble_ = false;  // writer thread only
  std::atomic<std::uint64_t> commits_ = 0;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  std::deque<Piece> waiting_;
  std::string trouble_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::store
