#include "registry/files.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace sluice::registry {
namespace {

bool is_at(const File& file, const std::filesystem::path& path) {
  struct stat open {
  }, named{};
  if (::fstat(file.descriptor(), &open) != 0 || ::lstat(path.c_str(), &named) != 0) return false;
  return open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

}  // namespace

void throw_system_error(const std::filesystem::path& path) {
  const int code = errno;
  const auto kind = code == ENOENT || code == ENOTDIR                  ? ErrorKind::not_found
                    : code == EACCES || code == EPERM || code == EROFS ? ErrorKind::denied
                                                                       : ErrorKind::unavailable;
  throw Error(kind, path.string() + ": " + std::generic_category().message(code));
}

File::~File() {
  ::close(descriptor_);
}

std::shared_ptr<File> File::open(const std::filesystem::path& path, int flags, unsigned mode) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, mode);
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

void File::sync(const std::filesystem::path& path) const {
  if (::fsync(descriptor_) != 0) throw_system_error(path);
}

std::filesystem::path part_of(const std::filesystem::path& path) {
  return path.string() + ".part";
}

std::shared_ptr<File> open_part(const std::filesystem::path& path) {
  const auto part = part_of(path);
  for (;;) {
    auto file = File::open(part, O_RDWR | O_CREAT | O_NOFOLLOW, 0644);
    if (::flock(file->descriptor(), LOCK_EX | LOCK_NB) != 0)
      throw Error(ErrorKind::unavailable, "another process writes " + path.string() +
                                              " at this moment: wait until it has ended, and try again");
    // Whoever had it before us may have given it its name, or removed it, since we opened it: then it is
    // theirs.
    if (is_at(*file, part)) return file;
  }
}

void publish(const File& part, const std::filesystem::path& path) {
  part.sync(part_of(path));
  if (::rename(part_of(path).c_str(), path.c_str()) != 0) throw_system_error(path);
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  File::open(folder, O_RDONLY | O_DIRECTORY)->sync(folder);
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

Task<std::string> Files::read(std::string name, std::size_t limit) const {
  const auto size = this->size(name);
  if (!size) throw Error(ErrorKind::not_found, path().string() + " has no " + name);
  if (*size > limit)
    throw Error(ErrorKind::corrupt, name + " of " + path().string() + " has " + std::to_string(*size) +
                                        " bytes, more than " + std::to_string(limit));
  const auto body = open(name, 0);
  std::string bytes(static_cast<std::size_t>(*size), '\0');
  std::size_t have = 0;
  while (have < bytes.size()) {
    const std::size_t got = co_await body->read(std::span<char>(bytes).subspan(have));
    if (got == 0) throw Error(ErrorKind::corrupt, name + " of " + path().string() + " is cut off");
    have += got;
  }
  co_return bytes;
}

}  // namespace sluice::registry
