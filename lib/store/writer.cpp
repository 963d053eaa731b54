#include "store/writer.hpp"

#include "core/error.hpp"

#include <sqlite3.h>
#include <utility>

namespace sluice::store {
namespace {

// Bounds what one commit holds in memory and how long the first caller waits for the last.
constexpr std::size_t largest_group = 256;

void roll_back(Connection& db) {
  if (db.in_transaction()) db.execute("ROLLBACK");
}

}  // namespace

Writer::Writer(std::unique_ptr<Connection> db)
    : db_(std::move(db)), tables_(*db_), thread_([this] { loop(); }) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Writer::submit(Piece piece) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(piece));
  }
  wake_.notify_one();
}

std::string Writer::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void Writer::loop() {
  for (auto group = next_group(); !group.empty(); group = next_group())
    carry_out(group);
}

Writer::Group Writer::next_group() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
  Group group;
  while (!waiting_.empty() && group.size() < largest_group) {
    group.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return group;
}

void Writer::carry_out(Group& group) {
  std::vector<std::exception_ptr> errors;
  const auto before = db_->total_changes();
  try {
    if (in_trouble_) make_room();
    errors = in_one_transaction(group);
    if (db_->total_changes() != before) note_success();
  } catch (...) {
    errors.assign(group.size(), std::current_exception());
    note(errors.front());
  }
  for (std::size_t i = 0; i < group.size(); ++i) {
    // What the work captured is freed before its caller goes on.
    group[i].work = nullptr;
    group[i].done(std::exchange(errors[i], nullptr));
  }
}

// The errors of single pieces; throws when nothing of the group was kept.
std::vector<std::exception_ptr> Writer::in_one_transaction(Group& group) {
  std::vector<std::exception_ptr> errors;
  db_->execute("BEGIN IMMEDIATE");
  db_->require_transaction(true);
  try {
    for (auto& piece : group)
      errors.push_back(in_savepoint(piece));
    db_->require_transaction(false);
    db_->execute("COMMIT");
  } catch (...) {
    db_->require_transaction(false);
    const auto error = std::current_exception();
    roll_back(*db_);
    std::rethrow_exception(error);
  }
  ++commits_;
  return errors;
}

// A piece that throws undoes only itself. When SQLite gave up the whole transaction (disk full, I/O error:
// https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction) this throws what the
// piece threw.
std::exception_ptr Writer::in_savepoint(const Piece& piece) {
  db_->execute("SAVEPOINT piece");
  try {
    piece.work(tables_);
    db_->check_transaction();
  } catch (...) {
    const auto error = std::current_exception();
    if (!db_->in_transaction()) std::rethrow_exception(error);
    db_->execute("ROLLBACK TO piece");
    db_->execute("RELEASE piece");
    note(error);
    return error;
  }
  db_->execute("RELEASE piece");
  return nullptr;
}

// After a failed write: the log may hold pages that can go back into the database, which frees its space.
void Writer::make_room() {
  sqlite3_wal_checkpoint_v2(db_->handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
}

void Writer::note(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& known) {
    if (known.kind() != ErrorKind::unavailable && known.kind() != ErrorKind::corrupt) return;
    in_trouble_ = true;
    const std::lock_guard lock(mutex_);
    trouble_ = known.what();
  } catch (...) {
    // What the work itself threw says nothing about the database.
  }
}

void Writer::note_success() {
  if (!std::exchange(in_trouble_, false)) return;
  const std::lock_guard lock(mutex_);
  trouble_.clear();
}

}  // namespace sluice::store
