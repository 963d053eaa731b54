#pragma once
// One daemon per database: a lock file beside it. Private to the room.

#include <filesystem>

namespace sluice::store {

/// Holds a record lock (fcntl(2)) on `<database>.lock` for its lifetime; the kernel gives it up with the
/// process, however that ends. Not flock(2): a child that was just forked would hold that one beyond the
/// death of its parent, and a daemon started at once would be refused. It guards against other processes, not
/// against a second store in this one.
class Lock {
 public:
  /// Throws Error(conflict) with the other process's number when it is taken, Error(invalid) when the file
  /// cannot be made.
  explicit Lock(const std::filesystem::path& database);
  ~Lock();
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  int file_ = -1;
};

}  // namespace sluice::store
