#pragma once
// Tar archives (POSIX.1-2001, pax interchange format, and the GNU forms of long names and large sizes), read
// in place and never unpacked, and written in one go.

#include "registry/files.hpp"

#include <map>
#include <string>

namespace sluice::registry {

/// Entries of an archive that are read.
inline constexpr std::size_t max_tar_entries = 100'000;

/// The regular files of an archive. Links within the archive are followed, other kinds of entries do not
/// exist; names begin without "./".
class Tar final : public Files {
 public:
  struct Entry {
    std::uint64_t begin = 0;
    std::uint64_t size = 0;
  };

  /// Reads the headers. Blocks. Throws not_found, corrupt when it is no tar archive or is cut off, invalid
  /// with advice when it is compressed.
  static std::unique_ptr<Tar> open(Workers& workers, std::filesystem::path path);

  const std::filesystem::path& path() const override { return path_; }
  std::optional<std::uint64_t> size(const std::string& name) const override;
  std::unique_ptr<net::BodySource> open(const std::string& name, std::uint64_t from) const override;

 private:
  Tar(Workers& workers, std::filesystem::path path, std::shared_ptr<File> file)
      : workers_(workers), path_(std::move(path)), file_(std::move(file)) {}

  Workers& workers_;
  std::filesystem::path path_;
  std::shared_ptr<File> file_;
  std::map<std::string, Entry> entries_;
};

/// Written beside the archive of this name, which it replaces at the end; removed when it was not finished.
class NewTar final : public NewFiles {
 public:
  /// Nothing is written before the first entry.
  NewTar(Workers& workers, std::filesystem::path path);
  const std::filesystem::path& path() const override { return path_; }
  std::optional<std::uint64_t> size(const std::string& name) const override;
  Task<bool> write(std::string name, std::uint64_t size, ContinuedBody& body) override;
  Task<> write(std::string name, std::string bytes) override;
  Task<> change(std::string name, std::size_t limit, Change change) override;
  Task<std::optional<std::string>> read(std::string name, std::size_t limit) override;
  Task<bool> has_digest(std::string name, oci::Digest digest) override;
  Task<> finish() override;
  int lanes() const override { return 1; }

 private:
  Task<> append(std::string bytes);

  Workers& workers_;
  std::filesystem::path path_;
  std::shared_ptr<Part> part_;
  std::uint64_t at_ = 0;
  std::map<std::string, std::uint64_t> sizes_;
};

/// The header blocks of a regular file, with a pax header where name or size need one. Pure.
std::string tar_header(const std::string& name, std::uint64_t size);

}  // namespace sluice::registry
