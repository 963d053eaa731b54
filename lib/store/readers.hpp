#pragma once
// A few threads that read, each on its own connection, each piece of work on one snapshot. Private to the
// room.

#include "store/writer.hpp"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace sluice::store {

class Readers {
 public:
  explicit Readers(std::vector<std::unique_ptr<Connection>> connections);
  /// Carries out what was handed over, then ends the threads.
  ~Readers();

  /// From any thread.
  void submit(Piece piece);

 private:
  void loop(Connection& db);

  std::vector<std::unique_ptr<Connection>> connections_;
  std::mutex mutex_;  // guards the three below
  std::condition_variable wake_;
  std::deque<Piece> waiting_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace sluice::store
