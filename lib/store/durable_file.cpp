#include "store/durable_file.hpp"

#include "core/error.hpp"

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <system_error>
#include <unistd.h>

namespace sluice::store {
namespace {

[[noreturn]] void fail_on_disk(const std::string& what, const std::filesystem::path& path) {
  throw Error(ErrorKind::unavailable,
              "cannot " + what + " " + path.string() + ": " + std::generic_category().message(errno));
}

void sync(const std::filesystem::path& path, int flags) {
  const int file = ::open(path.c_str(), flags | O_CLOEXEC);
  if (file < 0) fail_on_disk("open", path);
  const int result = ::fsync(file);
  const int code = errno;
  ::close(file);
  errno = code;
  if (result != 0) fail_on_disk("make durable", path);
}

}  // namespace

void publish(const std::filesystem::path& from, const std::filesystem::path& to) {
  sync(from, O_RDONLY);
  if (::rename(from.c_str(), to.c_str()) != 0) fail_on_disk("give a new database its name", to);
  sync(to.parent_path(), O_RDONLY | O_DIRECTORY);
}

void remove_unfinished(const std::filesystem::path& path) {
  std::error_code ignored;  // what cannot be removed is met, and reported, by whoever creates the file again
  for (const char* suffix : {"", "-wal", "-shm", "-journal"})
    std::filesystem::remove(path.string() + suffix, ignored);
}

}  // namespace sluice::store
