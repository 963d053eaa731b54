#include "change_file.hpp"

#include "core/error.hpp"
#include "core/follow_links.hpp"
#include "core/text.hpp"
#include "read_file.hpp"

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

// One change of one file.
class Change {
 public:
  Change(const std::string& path, const FileRules& rules) : path_(follow_links(path)), rules_(rules) {}

  void make(const std::function<std::optional<std::string>(const std::optional<std::string>&)>& change) {
    const auto directory = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
    if (rules_.make_directory) make_directory(directory);
    // The directory is locked and not the file, which is another one after each change.
    const File lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (lock.get() < 0) fail_by_errno();
    while (::flock(lock.get(), LOCK_EX) != 0)
      if (errno != EINTR) fail_by_errno();
    before_ = look();
    const auto text = change(read_for_change(path_.string(), rules_));
    if (!text) return;
    replace(*text);
    ::fsync(lock.get());
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw Error(ErrorKind::invalid,
                rules_.what + " " + printable(path_.string(), 300) + " cannot be written: " + why);
  }
  [[noreturn]] void fail_by_errno() const { fail(std::strerror(errno)); }

  void make_directory(const fs::path& directory) const {
    std::error_code error;
    if (fs::exists(directory, error)) return;
    if (directory.has_parent_path()) fs::create_directories(directory.parent_path(), error);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) fail_by_errno();
  }

  // Nullopt when there is no file.
  std::optional<struct stat> look() const {
    struct stat status {};
    if (::stat(path_.c_str(), &status) == 0) return status;
    if (errno == ENOENT) return std::nullopt;
    fail_by_errno();
  }

  void expect_unchanged() const {
    const auto now = look();
    const bool same = before_ && now ? now->st_ino == before_->st_ino && now->st_size == before_->st_size &&
                                           now->st_mtim.tv_sec == before_->st_mtim.tv_sec &&
                                           now->st_mtim.tv_nsec == before_->st_mtim.tv_nsec
                                     : !before_ && !now;
    if (!same) fail("somebody else changed it just now; look at it, and try again");
  }

  void set_owner_and_mode(int file) const {
    if (!before_) {
      const auto mask = ::umask(0);
      ::umask(mask);
      if (::fchmod(file, rules_.mode & ~mask) != 0) fail_by_errno();
      return;
    }
    struct stat ours {};
    if (::fstat(file, &ours) != 0) fail_by_errno();
    const bool other = ours.st_uid != before_->st_uid || ours.st_gid != before_->st_gid;
    if (other && ::fchown(file, before_->st_uid, before_->st_gid) != 0)
      fail("its owner and group could not be kept; do this as its owner or as root");
    if (::fchmod(file, before_->st_mode & rules_.kept_mode) != 0) fail_by_errno();
  }

  void write_all(int file, std::string_view text) const {
    while (!text.empty()) {
      const auto written = ::write(file, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail_by_errno();
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(file) != 0) fail_by_errno();
  }

  // A new file beside the old one, then its name in one step.
  void replace(const std::string& text) const {
    auto pattern = path_.string() + ".XXXXXX";
    const File file(::mkostemp(pattern.data(), O_CLOEXEC));  // mode 0600
    if (file.get() < 0) fail_by_errno();
    try {
      set_owner_and_mode(file.get());
      write_all(file.get(), text);
      expect_unchanged();
      if (::rename(pattern.c_str(), path_.c_str()) != 0) fail_by_errno();
    } catch (...) {
      ::unlink(pattern.c_str());
      throw;
    }
  }

  fs::path path_;
  const FileRules& rules_;
  std::optional<struct stat> before_;
};

}  // namespace

std::optional<std::string> read_for_change(const std::string& path, const FileRules& rules) {
  std::string why;
  auto text = read_file(path, rules.most_bytes, why);
  if (!why.empty())
    throw Error(ErrorKind::invalid,
                rules.what + " " + printable(path, 300) + " cannot be read: " + printable(why, 200));
  return text;
}

void change_file(
    const std::string& path, const FileRules& rules,
    const std::function<std::optional<std::string>(const std::optional<std::string>& text)>& change) {
  Change(path, rules).make(change);
}

}  // namespace sluice::daemon
