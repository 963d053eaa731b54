#pragma once
// The files of an image layout by their names ("index.json", "blobs/sha256/..."), whether they are in a
// directory or in a tar archive.

#include "core/workers.hpp"
#include "net/client.hpp"
#include "oci/digest.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace sluice::registry {

/// Bytes of a file that are read or written at once.
inline constexpr std::size_t file_piece = 1024 * 1024;

/// Owns a file descriptor.
class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  /// Throws not_found, denied or internal (disk full, I/O error) with the path and the system's reason.
  /// `flags` and `mode` as of open(2); O_CLOEXEC and O_NONBLOCK are added.
  static std::shared_ptr<File> open(const std::filesystem::path& path, int flags, unsigned mode = 0);
  int descriptor() const { return descriptor_; }
  /// Throws as open().
  std::uint64_t size(const std::filesystem::path& path) const;
  /// Writes all of it at the offset. Throws as open().
  void write(std::string_view bytes, std::uint64_t offset, const std::filesystem::path& path) const;
  /// Makes it durable.
  void sync(const std::filesystem::path& path) const;

 private:
  int descriptor_;
};

/// Throws Error for errno: "path: No space left on device".
[[noreturn]] void throw_system_error(const std::filesystem::path& path);

/// Makes the names in a folder durable, where the file system can. Blocks.
void sync_folder(const std::filesystem::path& folder);

/// A file that has another name (with ".part") until it is whole. Ours alone until it is destroyed: it is
/// locked (flock(2), which ends with the process that holds it, and works over NFS since it is open for
/// writing). Where the file system refuses locks, the log says so, and keeping to one writer is up to people.
class Part {
 public:
  /// With what an earlier writer left in it, made when there is none. Null while another writer has it.
  /// Blocks. Throws as File::open().
  static std::shared_ptr<Part> open_free(std::filesystem::path path);
  /// The same; throws unavailable while another writer has it.
  static std::shared_ptr<Part> open(std::filesystem::path path);
  /// Removes it, unless it was published or what is in it is kept.
  ~Part();
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  const std::shared_ptr<File>& file() const { return file_; }
  /// Its name for now.
  const std::filesystem::path& name() const { return name_; }
  /// What is in it serves the next writer.
  void keep() { kept_ = true; }
  /// Makes it durable and gives it its name in one step, which is durable as well then. Blocks.
  void publish();

 private:
  Part(std::filesystem::path path, std::filesystem::path name, std::shared_ptr<File> file)
      : path_(std::move(path)), name_(std::move(name)), file_(std::move(file)) {}

  std::filesystem::path path_;
  std::filesystem::path name_;
  std::shared_ptr<File> file_;
  bool kept_ = false;
  bool published_ = false;
};

/// A part of a file as a body.
class FileBody final : public net::BodySource {
 public:
  FileBody(Workers& workers, std::shared_ptr<const File> file, std::string name, std::uint64_t begin,
           std::uint64_t end)
      : workers_(workers), file_(std::move(file)), name_(std::move(name)), at_(begin), end_(end) {}
  Task<std::size_t> read(std::span<char> buffer) override;

 private:
  Workers& workers_;
  std::shared_ptr<const File> file_;
  std::string name_;
  std::uint64_t at_;
  std::uint64_t end_;
};

/// A body whose receiver may have the beginning already.
class ContinuedBody : public net::BodySource {
 public:
  /// The receiver has these bytes, the next ones from the beginning: they count, and are not given. Before
  /// the first read().
  virtual void pass(std::string_view bytes) = 0;
};

/// Files to read.
class Files {
 public:
  virtual ~Files() = default;
  /// For messages.
  virtual const std::filesystem::path& path() const = 0;
  /// Bytes of a file; nullopt when there is none of this name.
  virtual std::optional<std::uint64_t> size(const std::string& name) const = 0;
  /// The bytes from an offset on. The file must be there.
  virtual std::unique_ptr<net::BodySource> open(const std::string& name, std::uint64_t from) const = 0;
  /// A whole small file. Throws not_found, and corrupt when it is larger than `limit`.
  Task<std::string> read(std::string name, std::size_t limit) const;
  /// Of the bytes of a file, which must be there.
  Task<oci::Digest> digest(std::string name, std::string algorithm) const;
};

/// Files to write.
class NewFiles {
 public:
  virtual ~NewFiles() = default;
  virtual const std::filesystem::path& path() const = 0;
  virtual std::optional<std::uint64_t> size(const std::string& name) const = 0;
  /// Exactly `size` bytes of `body`. When it fails, there is no file of this name (or the one before). A
  /// directory keeps what came so far, and goes on behind it the next time; not when the bytes were wrong
  /// (corrupt) or could not be had from there on (invalid). False: nothing was written, since a file
  /// of that size was there when another writer had been waited for.
  virtual Task<bool> write(std::string name, std::uint64_t size, ContinuedBody& body) = 0;
  /// A small file, replacing one of this name where that is possible. Must be the last ones in an archive.
  virtual Task<> write(std::string name, std::string bytes) = 0;
  /// What a small file that is there becomes; "" when there is none yet.
  using Change = std::function<std::string(const std::string& present)>;
  /// Replaces a small file by what `change` makes of it. No other writer changes it in between.
  virtual Task<> change(std::string name, std::size_t limit, Change change) = 0;
  /// A small file that is there; nullopt when it is not, or cannot be read back.
  virtual Task<std::optional<std::string>> read(std::string name, std::size_t limit) = 0;
  /// Whether the bytes of a file that is there have this digest.
  virtual Task<bool> has_digest(std::string name, oci::Digest digest) = 0;
  virtual Task<> finish() = 0;
  /// Files that may be written at once.
  virtual int lanes() const = 0;
};

}  // namespace sluice::registry
