#include "login_file.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "exit_code.hpp"
#include "read_file.hpp"
#include "registry/docker_config.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::daemon {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const std::string& why) {
  throw Error(ErrorKind::invalid,
              "the login file " + printable(path.string(), 300) + " cannot be written: " + why);
}

[[noreturn]] void fail_by_errno(const fs::path& path) {
  fail(path, std::strerror(errno));
}

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

fs::path target_of(const std::string& path) {
  std::error_code error;
  const auto target = fs::weakly_canonical(path, error);
  return error ? fs::path(path) : target;
}

void make_directory(const fs::path& directory) {
  std::error_code error;
  if (fs::exists(directory, error)) return;
  if (directory.has_parent_path()) fs::create_directories(directory.parent_path(), error);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) fail_by_errno(directory);
}

void write_all(int file, std::string_view text, const fs::path& path) {
  while (!text.empty()) {
    const auto written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_by_errno(path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file) != 0) fail_by_errno(path);
}

// A new file beside the old one, then its name in one step.
void replace(const fs::path& path, const std::string& text) {
  auto pattern = path.string() + ".XXXXXX";
  const File file(::mkostemp(pattern.data(), O_CLOEXEC));  // mode 0600
  if (file.get() < 0) fail_by_errno(path);
  try {
    write_all(file.get(), text, path);
    if (::rename(pattern.c_str(), path.c_str()) != 0) fail_by_errno(path);
  } catch (...) {
    ::unlink(pattern.c_str());
    throw;
  }
}

}  // namespace

std::string login_file_for(const std::string& named, const registry::Surroundings& surroundings) {
  if (!named.empty()) return named;
  if (const auto docker = surroundings.variable("DOCKER_CONFIG"); !docker.empty())
    return docker + "/config.json";
  if (const auto file = surroundings.variable("REGISTRY_AUTH_FILE"); !file.empty()) return file;
  if (const auto home = surroundings.variable("HOME"); !home.empty()) return home + "/.docker/config.json";
  throw Failure(exit_code::usage,
                "there is no place for a login: $HOME is not set; name a file with --authfile");
}

std::string read_login_file(const std::string& path) {
  std::string why;
  auto text = read_file(path, registry::max_docker_config, why);
  if (!why.empty())
    throw Error(ErrorKind::invalid,
                "the login file " + printable(path, 300) + " cannot be read: " + printable(why, 200));
  return std::move(text).value_or("");
}

void change_login_file(const std::string& path,
                       const std::function<std::optional<std::string>(const std::string& text)>& change) {
  const auto target = target_of(path);
  const auto directory = target.has_parent_path() ? target.parent_path() : fs::path(".");
  make_directory(directory);
  // The directory is locked and not the file, which is another one after each change.
  const File lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.get() < 0) fail_by_errno(directory);
  while (::flock(lock.get(), LOCK_EX) != 0)
    if (errno != EINTR) fail_by_errno(directory);
  const auto text = change(read_login_file(target.string()));
  if (!text) return;
  replace(target, *text);
  ::fsync(lock.get());
}

}  // namespace sluice::daemon
