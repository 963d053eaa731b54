#include "registry/tar.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "registry/tar_headers.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::registry {
namespace {

namespace fs = std::filesystem;

std::uint64_t size_of_archive(const File& file, const fs::path& path) {
  struct stat facts {};
  if (::fstat(file.descriptor(), &facts) != 0) throw_system_error(path);
  if (!S_ISREG(facts.st_mode)) throw Error(ErrorKind::invalid, path.string() + " is not a file");
  return static_cast<std::uint64_t>(facts.st_size);
}

std::string read_block(const File& file, std::uint64_t at, std::size_t size, const fs::path& path) {
  std::string block(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const auto count =
        ::pread(file.descriptor(), block.data() + have, size - have, static_cast<off_t>(at + have));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_system_error(path);
    if (count == 0) throw Error(ErrorKind::corrupt, path.string() + " is cut off: not a whole tar archive");
    have += static_cast<std::size_t>(count);
  }
  return block;
}

}  // namespace

std::unique_ptr<Tar> Tar::open(Workers& workers, fs::path path) {
  auto file = File::open(path, O_RDONLY);
  const std::uint64_t total = size_of_archive(*file, path);
  TarIndex index;
  for (std::uint64_t at = 0; at + tar_block <= total && !index.ended();) {
    const std::string header = read_block(*file, at, tar_block, path);
    at += tar_block;
    try {
      const std::uint64_t size = index.begin(header, at);
      if (size > total - at) throw Error(ErrorKind::corrupt, "an entry is longer than the archive");
      if (index.wants_content()) index.content(read_block(*file, at, static_cast<std::size_t>(size), path));
      at += (size + tar_block - 1) / tar_block * tar_block;
    } catch (const Error& error) {
      throw Error(error).within(path.string());
    }
  }
  std::unique_ptr<Tar> tar(new Tar(workers, std::move(path), std::move(file)));
  tar->entries_ = index.finish();
  return tar;
}

std::optional<std::uint64_t> Tar::size(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) return std::nullopt;
  return found->second.size;
}

std::unique_ptr<net::BodySource> Tar::open(const std::string& name, std::uint64_t from) const {
  const auto found = entries_.find(name);
  if (found == entries_.end())
    throw Error(ErrorKind::not_found, path_.string() + " has no " + printable(name, 200));
  const auto [begin, size] = found->second;
  return std::make_unique<FileBody>(workers_, file_, path_.string(), begin + std::min(from, size),
                                    begin + size);
}

NewTar::NewTar(Workers& workers, fs::path path) : workers_(workers), path_(std::move(path)) {}

std::optional<std::uint64_t> NewTar::size(const std::string& name) const {
  const auto found = sizes_.find(name);
  if (found == sizes_.end()) return std::nullopt;
  return found->second;
}

Task<> NewTar::append(std::string bytes) {
  if (!part_) part_ = Part::open(path_);
  const std::uint64_t size = bytes.size();
  auto put = [part = part_, at = at_, bytes = std::move(bytes)] {
    part->file()->write(bytes, at, part->name());
  };
  co_await workers_.run(std::move(put));
  at_ += size;
}

Task<bool> NewTar::write(std::string name, std::uint64_t size, ContinuedBody& body) {
  const std::uint64_t begin = at_;
  std::exception_ptr failure;
  try {
    co_await append(tar_header(name, size));
    std::string buffer(file_piece, '\0');
    for (std::uint64_t left = size; left > 0;) {
      const std::size_t got = co_await body.read(std::span<char>(buffer));
      if (got == 0 || got > left) throw Error(ErrorKind::corrupt, name + ": its bytes end early");
      std::string piece = buffer.substr(0, got);
      co_await append(std::move(piece));
      left -= got;
    }
    std::string padding((tar_block - size % tar_block) % tar_block, '\0');
    co_await append(std::move(padding));
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    at_ = begin;  // the next entry is written over it
    std::rethrow_exception(failure);
  }
  sizes_[name] = size;
  co_return true;
}

Task<> NewTar::write(std::string name, std::string bytes) {
  const std::uint64_t size = bytes.size();
  std::string entry = tar_header(name, size) + bytes;
  entry.append((tar_block - size % tar_block) % tar_block, '\0');
  co_await append(std::move(entry));
  sizes_[name] = size;
}

Task<> NewTar::change(std::string name, std::size_t /*limit*/, Change change) {
  std::string bytes = change("");
  co_await write(std::move(name), std::move(bytes));
}

Task<std::optional<std::string>> NewTar::read(std::string /*name*/, std::size_t /*limit*/) {
  co_return std::nullopt;
}

// Nothing is there but what was verified while it was written.
Task<bool> NewTar::has_digest(std::string /*name*/, oci::Digest /*digest*/) {
  co_return true;
}

Task<> NewTar::finish() {
  std::string end(2 * tar_block, '\0');
  co_await append(std::move(end));
  auto end_file = [part = part_, size = at_] {
    if (::ftruncate(part->file()->descriptor(), static_cast<off_t>(size)) != 0)
      throw_system_error(part->name());
    part->publish();
  };
  co_await workers_.run(std::move(end_file));
}

}  // namespace sluice::registry
