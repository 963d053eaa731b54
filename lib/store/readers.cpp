#include "store/readers.hpp"

#include <utility>

namespace sluice::store {
namespace {

std::exception_ptr on_snapshot(Connection& db, Tables& tables, const Piece& piece) {
  try {
    db.execute("BEGIN");
    piece.work(tables);
    db.execute("COMMIT");
    return nullptr;
  } catch (...) {
    auto error = std::current_exception();
    try {
      if (db.in_transaction()) db.execute("ROLLBACK");
    } catch (...) {
      // The next BEGIN says so; this caller gets the first error.
    }
    return error;
  }
}

}  // namespace

Readers::Readers(std::vector<std::unique_ptr<Connection>> connections)
    : connections_(std::move(connections)) {
  for (const auto& db : connections_)
    threads_.emplace_back([this, &db = *db] { loop(db); });
}

Readers::~Readers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_)
    thread.join();
}

void Readers::submit(Piece piece) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(piece));
  }
  wake_.notify_one();
}

void Readers::loop(Connection& db) {
  Tables tables(db);
  for (;;) {
    Piece piece;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      piece = std::move(waiting_.front());
      waiting_.pop_front();
    }
    auto error = on_snapshot(db, tables, piece);
    piece.work = nullptr;
    piece.done(std::move(error));
  }
}

}  // namespace sluice::store
