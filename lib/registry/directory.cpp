#include "registry/directory.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
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

/// With the folders that it is in. Each of them is durable, so that none of its files can be lost with it.
void make_folder(const fs::path& folder) {
  std::error_code none;
  if (folder.empty() || fs::is_directory(folder, none)) return;
  make_folder(folder.parent_path());
  if (::mkdir(folder.c_str(), 0777) != 0) {
    if (errno == EEXIST && fs::is_directory(folder, none)) return;  // another process made it
    if (errno == EEXIST) errno = ENOTDIR;
    throw_system_error(folder);
  }
  sync_folder(folder.parent_path());
}

void empty(const Part& part) {
  if (::ftruncate(part.file()->descriptor(), 0) != 0) throw_system_error(part.name());
}

void replace(Part& part, std::string_view bytes) {
  empty(part);
  part.file()->write(bytes, 0, part.name());
  part.publish();
}

/// How many bytes of the part may be what a file of this size begins with. Never all of them: the end of the
/// body, which the source still has to give, is where it is verified.
std::uint64_t usable_bytes(const Part& part, std::uint64_t size) {
  const auto bytes = part.file()->size(part.name());
  if (bytes > size) empty(part);
  return bytes > size || size == 0 ? 0 : std::min(bytes, size - 1);
}

Task<> pass_part(Workers& workers, std::shared_ptr<Part> part, std::uint64_t bytes, ContinuedBody& body) {
  FileBody there(workers, part->file(), part->name().string(), 0, bytes);
  std::string buffer(static_cast<std::size_t>(std::min<std::uint64_t>(file_piece, bytes)), '\0');
  for (std::uint64_t passed = 0; passed < bytes;) {
    const std::size_t got = co_await there.read(std::span<char>(buffer));
    if (got == 0) throw Error(ErrorKind::unavailable, part->name().string() + " was cut meanwhile");
    body.pass(std::string_view(buffer).substr(0, got));
    passed += got;
  }
}

Task<> write_part(Workers& workers, std::shared_ptr<Part> part, std::uint64_t at, std::uint64_t size,
                  ContinuedBody& body) {
  std::string buffer(
      static_cast<std::size_t>(std::min<std::uint64_t>(file_piece, std::max<std::uint64_t>(size, 1))), '\0');
  while (at < size) {
    const std::size_t got = co_await body.read(std::span<char>(buffer));
    if (got == 0) throw Error(ErrorKind::corrupt, part->name().string() + ": its bytes end early");
    auto put = [part, at, piece = std::string_view(buffer).substr(0, got)] {
      part->file()->write(piece, at, part->name());
    };
    co_await workers.run(std::move(put));
    at += got;
  }
}

Error is_busy(const fs::path& path) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(NewDirectory::patience).count();
  return {ErrorKind::unavailable, "another process writes " + path.string() + " and has not got on for " +
                                      std::to_string(minutes) +
                                      " minutes: wait until it has ended, or end it, and try again"};
}

}  // namespace

std::optional<std::uint64_t> Directory::size(const std::string& name) const {
  return size_at(path_ / name);
}

std::unique_ptr<net::BodySource> Directory::open(const std::string& name, std::uint64_t from) const {
  const auto path = path_ / name;
  auto file = File::open(path, O_RDONLY);
  const auto size = file->size(path);
  return std::make_unique<FileBody>(workers_, std::move(file), path.string(), std::min(from, size), size);
}

std::optional<std::uint64_t> NewDirectory::size(const std::string& name) const {
  return size_at(path_ / name);
}

// Asked for again and again, since a thread of the pool that waited in the system could not be called back.
Task<NewDirectory::Turn> NewDirectory::turn(fs::path path) {
  using namespace std::chrono_literals;
  const auto open = [path] {
    make_folder(path.parent_path());
    return Part::open_free(path);
  };
  Turn turn;
  std::optional<std::uint64_t> seen;
  Steady since = clock_.steady();
  for (Milliseconds pause = 5ms;; pause = std::min<Milliseconds>(2 * pause, 200ms)) {
    auto attempt = open;
    turn.part = co_await workers_.run(std::move(attempt));
    if (turn.part) co_return turn;
    const auto size = size_at(path.string() + ".part");
    if (!turn.waited || size != seen) since = clock_.steady();
    if (clock_.steady() - since > patience) throw is_busy(path);
    turn.waited = true;
    seen = size;
    co_await clock_.sleep_for(pause);
  }
}

Task<bool> NewDirectory::write(std::string name, std::uint64_t size, ContinuedBody& body) {
  const fs::path path = path_ / name;
  const Turn turn = co_await this->turn(path);
  if (turn.waited && size_at(path) == size) co_return false;
  const auto part = turn.part;
  const std::uint64_t there = usable_bytes(*part, size);
  try {
    co_await pass_part(workers_, part, there, body);
    co_await write_part(workers_, part, there, size, body);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::corrupt && error.kind() != ErrorKind::invalid) part->keep();
    throw;
  } catch (...) {
    part->keep();
    throw;
  }
  auto end = [part] { part->publish(); };
  co_await workers_.run(std::move(end));
  co_return true;
}

Task<> NewDirectory::write(std::string name, std::string bytes) {
  const Turn turn = co_await this->turn(path_ / name);
  auto write = [part = turn.part, bytes = std::move(bytes)] { replace(*part, bytes); };
  co_await workers_.run(std::move(write));
}

Task<> NewDirectory::change(std::string name, std::size_t limit, Change change) {
  const Turn turn = co_await this->turn(path_ / name);
  const auto present = co_await read(std::move(name), limit);
  std::string bytes = change(present.value_or(""));
  if (present == bytes) co_return;
  auto write = [part = turn.part, bytes = std::move(bytes)] { replace(*part, bytes); };
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
