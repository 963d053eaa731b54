#include "store/lock.hpp"

#include "core/error.hpp"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <system_error>
#include <unistd.h>

namespace sluice::store {
namespace {

struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

// "(process 123) ", empty when the kernel does not tell (another pid namespace, another host).
std::string holder(int file) {
  auto lock = whole_file();
  if (::fcntl(file, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK || lock.l_pid <= 0) return {};
  return "(process " + std::to_string(lock.l_pid) + ") ";
}

}  // namespace

Lock::Lock(const std::filesystem::path& database) {
  const std::string path = database.string() + ".lock";
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (file_ < 0)
    throw Error(ErrorKind::invalid, "cannot open the lock file " + path + ": " +
                                        std::generic_category().message(errno) +
                                        "; sluice needs to write in the directory of its database");
  auto lock = whole_file();
  if (::fcntl(file_, F_SETLK, &lock) == 0) return;
  const int code = errno;
  const bool taken = code == EACCES || code == EAGAIN;
  const std::string other = taken ? holder(file_) : std::string();
  ::close(file_);
  if (!taken)
    throw Error(ErrorKind::invalid, "cannot lock " + path + ": " + std::generic_category().message(code));
  throw Error(ErrorKind::conflict, "another sluice " + other + "uses the database " + database.string() +
                                       "; stop it first, or give this one a store.path of its own");
}

Lock::~Lock() {
  // The file stays: removing it would let two daemons lock two files of one name.
  ::close(file_);
}

}  // namespace sluice::store
