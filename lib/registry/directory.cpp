#include "registry/directory.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <fcntl.h>
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

std::shared_ptr<File> open_part_in_folder(const fs::path& path) {
  std::error_code failure;
  fs::create_directories(path.parent_path(), failure);
  return open_part(path);
}

void empty(const File& part, const fs::path& path) {
  if (::ftruncate(part.descriptor(), 0) != 0) throw_system_error(part_of(path));
}

/// How many bytes of the part may be what a file of this size begins with. Never all of them: the end of the
/// body, which the source still has to give, is where it is verified.
std::uint64_t usable_bytes(const File& part, const fs::path& path, std::uint64_t size) {
  const auto there = ::lseek(part.descriptor(), 0, SEEK_END);
  if (there < 0) throw_system_error(part_of(path));
  const auto bytes = static_cast<std::uint64_t>(there);
  if (bytes > size) empty(part, path);
  return bytes > size || size == 0 ? 0 : std::min(bytes, size - 1);
}

Task<> pass_part(Workers& workers, std::shared_ptr<File> part, fs::path path, std::uint64_t bytes,
                 ContinuedBody& body) {
  FileBody there(workers, part, part_of(path).string(), 0, bytes);
  std::string buffer(static_cast<std::size_t>(std::min<std::uint64_t>(file_piece, bytes)), '\0');
  for (std::uint64_t passed = 0; passed < bytes;) {
    const std::size_t got = co_await there.read(std::span<char>(buffer));
    if (got == 0) throw Error(ErrorKind::unavailable, part_of(path).string() + " was cut meanwhile");
    body.pass(std::string_view(buffer).substr(0, got));
    passed += got;
  }
}

Task<> write_part(Workers& workers, std::shared_ptr<File> part, fs::path path, std::uint64_t at,
                  std::uint64_t size, ContinuedBody& body) {
  std::string buffer(
      static_cast<std::size_t>(std::min<std::uint64_t>(file_piece, std::max<std::uint64_t>(size, 1))), '\0');
  while (at < size) {
    const std::size_t got = co_await body.read(std::span<char>(buffer));
    if (got == 0) throw Error(ErrorKind::corrupt, path.string() + ": its bytes end early");
    auto put = [part, path, at, piece = std::string_view(buffer).substr(0, got)] {
      part->write(piece, at, path);
    };
    co_await workers.run(std::move(put));
    at += got;
  }
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

Task<> NewDirectory::write(std::string name, std::uint64_t size, ContinuedBody& body) {
  const fs::path path = path_ / name;
  auto begin = [path] { return open_part_in_folder(path); };
  const auto part = co_await workers_.run(std::move(begin));
  const std::uint64_t there = usable_bytes(*part, path, size);
  try {
    co_await pass_part(workers_, part, path, there, body);
    co_await write_part(workers_, part, path, there, size, body);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::corrupt || error.kind() == ErrorKind::invalid) empty(*part, path);
    throw;
  }
  auto end = [part, path] { publish(*part, path); };
  co_await workers_.run(std::move(end));
}

Task<> NewDirectory::write(std::string name, std::string bytes) {
  auto write = [path = path_ / name, bytes = std::move(bytes)] {
    const auto part = open_part_in_folder(path);
    empty(*part, path);
    part->write(bytes, 0, path);
    publish(*part, path);
  };
  co_await workers_.run(std::move(write));
}

Task<std::optional<std::string>> NewDirectory::read(std::string name, std::size_t limit) {
  const Directory present(workers_, path_);
  if (!present.size(name)) co_return std::nullopt;
  co_return co_await present.read(std::move(name), limit);
}

Task<bool> NewDirectory::has_digest(std::string name, oci::Digest digest) {
  const Directory present(workers_, path_);
  const auto found = co_await present.digest(std::move(name), std::string(digest.algorithm()));
  co_return found == digest;
}

Task<> NewDirectory::finish() {
  co_return;
}

}  // namespace sluice::registry
