#include "registry/directory.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace sluice::registry {
namespace {

namespace fs = std::filesystem;

std::optional<std::uint64_t> size_at(const fs::path& path) {
  std::error_code failure;
  if (!fs::is_regular_file(path, failure)) return std::nullopt;
  const auto size = fs::file_size(path, failure);
  if (failure) return std::nullopt;
  return size;
}

std::shared_ptr<File> begin_part(const fs::path& path) {
  std::error_code failure;
  fs::create_directories(path.parent_path(), failure);
  const auto part = part_of(path);
  auto file = File::open(part, O_WRONLY | O_CREAT | O_NOFOLLOW, 0644);
  if (::flock(file->descriptor(), LOCK_EX | LOCK_NB) != 0)
    throw Error(ErrorKind::conflict, "another process writes " + path.string() + " at this moment");
  if (::ftruncate(file->descriptor(), 0) != 0) throw_system_error(part);
  return file;
}

}  // namespace

std::optional<std::uint64_t> Directory::size(const std::string& name) const {
  return size_at(path_ / name);
}

std::unique_ptr<net::BodySource> Directory::open(const std::string& name, std::uint64_t from) const {
  const auto path = path_ / name;
  auto file = File::open(path, O_RDONLY);
  const auto size = size_at(path).value_or(0);
  return std::make_unique<FileBody>(workers_, std::move(file), path.string(), std::min(from, size), size);
}

std::optional<std::uint64_t> NewDirectory::size(const std::string& name) const {
  return size_at(path_ / name);
}

Task<> NewDirectory::write(std::string name, std::uint64_t size, net::BodySource& body) {
  const fs::path path = path_ / name;
  auto begin = [path] { return begin_part(path); };
  const auto file = co_await workers_.run(std::move(begin));
  std::string buffer(
      static_cast<std::size_t>(std::min<std::uint64_t>(file_piece, std::max<std::uint64_t>(size, 1))), '\0');
  std::uint64_t at = 0;
  while (at < size) {
    const std::size_t got = co_await body.read(std::span<char>(buffer));
    if (got == 0) throw Error(ErrorKind::corrupt, path.string() + ": its bytes end early");
    auto put = [file, path, at, piece = std::string_view(buffer).substr(0, got)] {
      file->write(piece, at, path);
    };
    co_await workers_.run(std::move(put));
    at += got;
  }
  auto end = [file, path] { publish(*file, path); };
  co_await workers_.run(std::move(end));
}

Task<> NewDirectory::write(std::string name, std::string bytes) {
  auto write = [path = path_ / name, bytes = std::move(bytes)] {
    const auto file = begin_part(path);
    file->write(bytes, 0, path);
    publish(*file, path);
  };
  co_await workers_.run(std::move(write));
}

Task<std::optional<std::string>> NewDirectory::read(std::string name, std::size_t limit) {
  const Directory present(workers_, path_);
  if (!present.size(name)) co_return std::nullopt;
  co_return co_await present.read(std::move(name), limit);
}

Task<> NewDirectory::finish() {
  co_return;
}

}  // namespace sluice::registry
