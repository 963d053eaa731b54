#include "store/lock.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

namespace sluice::store {
namespace {

// What the holder wrote: its process number. Empty when it is not a number.
std::string holder(int file) {
  std::array<char, 16> buffer{};
  const auto size = ::pread(file, buffer.data(), buffer.size(), 0);
  std::string text(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  if (text.ends_with('\n')) text.pop_back();
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits ? text : std::string();
}

// Only for the message that a second daemon shows, so a full disk is no reason to stop.
void write_holder(int file) {
  const std::string text = std::to_string(::getpid()) + "\n";
  if (::ftruncate(file, 0) != 0) return;
  [[maybe_unused]] const auto written = ::pwrite(file, text.data(), text.size(), 0);
}

}  // namespace

Lock::Lock(const std::filesystem::path& database) {
  const std::string path = database.string() + ".lock";
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (file_ < 0)
    throw Error(ErrorKind::invalid, "cannot open the lock file " + path + ": " +
                                        std::generic_category().message(errno) +
                                        "; sluice needs to write in the directory of its database");
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0) {
    write_holder(file_);
    return;
  }
  const int code = errno;
  const std::string other = code == EWOULDBLOCK ? holder(file_) : std::string();
  ::close(file_);
  if (code != EWOULDBLOCK)
    throw Error(ErrorKind::invalid, "cannot lock " + path + ": " + std::generic_category().message(code));
  throw Error(ErrorKind::conflict, "another sluice " + (other.empty() ? "" : "(process " + other + ") ") +
                                       "uses the database " + database.string() +
                                       "; stop it first, or give this one a store.path of its own");
}

Lock::~Lock() {
  // The file stays: removing it would let two daemons lock two files of one name.
  ::close(file_);
}

}  // namespace sluice::store
