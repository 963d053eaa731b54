#include "registry/files.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include <spdlog/spdlog.h>

namespace sluice::registry {
namespace {

bool is_at(const File& file, const std::filesystem::path& path) {
  struct stat open {
  }, named{};
  if (::fstat(file.descriptor(), &open) != 0 || ::lstat(path.c_str(), &named) != 0) return false;
  return open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

/// False while another open file holds the lock.
bool lock(const File& file, const std::filesystem::path& path) {
  while (::flock(file.descriptor(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return false;
    static std::atomic<bool> told = false;
    if (!told.exchange(true))
      spdlog::warn("{} cannot be locked ({}): let only one process at a time write there",
                   printable(path.string(), 300), std::generic_category().message(errno));
    return true;
  }
  return true;
}

}  // namespace

void throw_system_error(const std::filesystem::path& path) {
  const int code = errno;
  const auto kind = code == ENOENT || code == ENOTDIR                  ? ErrorKind::not_found
                    : code == EACCES || code == EPERM || code == EROFS ? ErrorKind::denied
                                                                       : ErrorKind::internal;
  throw Error(kind, path.string() + ": " + std::generic_category().message(code));
}

File::~File() {
  ::close(descriptor_);
}

std::shared_ptr<File> File::open(const std::filesystem::path& path, int flags, unsigned mode) {
  // A pipe in the place of a file must not hold up who opens it.
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, mode);
  if (descriptor < 0) throw_system_error(path);
  return std::make_shared<File>(descriptor);
}

void File::write(std::string_view bytes, std::uint64_t offset, const std::filesystem::path& path) const {
  while (!bytes.empty()) {
    const auto count = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_system_error(path);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

std::uint64_t File::size(const std::filesystem::path& path) const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) throw_system_error(path);
  return static_cast<std::uint64_t>(status.st_size);
}

void File::sync(const std::filesystem::path& path) const {
  if (::fsync(descriptor_) != 0) throw_system_error(path);
}

// Not every file system knows it for folders, and who may write into one may not always read it.
void sync_folder(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder.empty() ? "." : folder;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0 && errno == EACCES) return;
  if (descriptor < 0) throw_system_error(path);
  const File file(descriptor);
  if (::fsync(descriptor) != 0 && errno != EINVAL && errno != ENOTSUP) throw_system_error(path);
}

std::shared_ptr<Part> Part::open_free(std::filesystem::path path) {
  const std::filesystem::path name = path.string() + ".part";
  for (;;) {
    auto file = File::open(name, O_RDWR | O_CREAT | O_NOFOLLOW, 0644);
    if (!lock(*file, path)) return nullptr;
    // Whoever had it before us may have given it its name, or removed it, since we opened it: then it is
    // theirs.
    if (is_at(*file, name)) return std::shared_ptr<Part>(new Part(path, name, std::move(file)));
  }
}

std::shared_ptr<Part> Part::open(std::filesystem::path path) {
  auto part = open_free(path);
  if (part) return part;
  throw Error(ErrorKind::unavailable, "another process writes " + path.string() +
                                          " at this moment: wait until it has ended, and try again");
}

// An empty one serves nobody.
Part::~Part() {
  if (published_) return;
  const bool serves = kept_ && ::lseek(file_->descriptor(), 0, SEEK_END) > 0;
  if (!serves) ::unlink(name_.c_str());
}

void Part::publish() {
  file_->sync(name_);
  if (::rename(name_.c_str(), path_.c_str()) != 0) throw_system_error(path_);
  published_ = true;
  sync_folder(path_.parent_path());
}

Task<std::size_t> FileBody::read(std::span<char> buffer) {
  const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), end_ - at_));
  if (most == 0) co_return 0;
  auto take = [file = file_, name = name_, data = buffer.data(), most, at = at_] {
    for (;;) {
      const auto count = ::pread(file->descriptor(), data, most, static_cast<off_t>(at));
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EINTR) throw_system_error(name);
    }
  };
  const std::size_t got = co_await workers_.run(std::move(take));
  at_ += got;
  co_return got;
}

Task<oci::Digest> Files::digest(std::string name, std::string algorithm) const {
  const auto body = open(name, 0);
  oci::Hasher hasher(algorithm);
  std::string buffer(file_piece, '\0');
  for (;;) {
    const std::size_t got = co_await body->read(std::span<char>(buffer));
    if (got == 0) co_return hasher.finish();
    hasher.update(std::string_view(buffer).substr(0, got));
  }
}

// What another process replaces meanwhile is read as it was when it was opened, whatever its size was before.
Task<std::string> Files::read(std::string name, std::size_t limit) const {
  const auto size = this->size(name);
  if (!size) throw Error(ErrorKind::not_found, path().string() + " has no " + name);
  const auto body = open(name, 0);
  std::string bytes;
  std::string buffer(static_cast<std::size_t>(std::min<std::uint64_t>(*size, limit)) + 1, '\0');
  for (;;) {
    const std::size_t got = co_await body->read(std::span<char>(buffer));
    if (got == 0) co_return bytes;
    bytes.append(buffer, 0, got);
    if (bytes.size() > limit)
      throw Error(ErrorKind::corrupt,
                  name + " of " + path().string() + " has more than " + std::to_string(limit) + " bytes");
  }
}

}  // namespace sluice::registry
