#pragma once
// The files of an image layout in a directory.

#include "core/clock.hpp"
#include "registry/files.hpp"

namespace sluice::registry {

class Directory final : public Files {
 public:
  Directory(Workers& workers, std::filesystem::path path) : workers_(workers), path_(std::move(path)) {}
  const std::filesystem::path& path() const override { return path_; }
  std::optional<std::uint64_t> size(const std::string& name) const override;
  std::unique_ptr<net::BodySource> open(const std::string& name, std::uint64_t from) const override;

 private:
  Workers& workers_;
  std::filesystem::path path_;
};

/// Each file gets its name when it is complete and durable; what a killed process left of a large one is gone
/// on with. A file that another writer is at, in this process or another, is waited for as long as that one
/// gets on, and for `patience` while it does not; then Error(unavailable) says so.
class NewDirectory final : public NewFiles {
 public:
  /// Longer than a slow disk may take to make durable what it was given.
  static constexpr Milliseconds patience{std::chrono::minutes(5)};

  NewDirectory(Workers& workers, Clock& clock, std::filesystem::path path)
      : workers_(workers), clock_(clock), path_(std::move(path)) {}
  const std::filesystem::path& path() const override { return path_; }
  std::optional<std::uint64_t> size(const std::string& name) const override;
  Task<bool> write(std::string name, std::uint64_t size, ContinuedBody& body) override;
  Task<> write(std::string name, std::string bytes) override;
  Task<> change(std::string name, std::size_t limit, Change change) override;
  Task<std::optional<std::string>> read(std::string name, std::size_t limit) override;
  Task<bool> has_digest(std::string name, oci::Digest digest) override;
  Task<> finish() override;
  int lanes() const override { return 4; }

 private:
  struct Turn {
    std::shared_ptr<Part> part;
    bool waited = false;
  };
  Task<Turn> turn(std::filesystem::path path);

  Workers& workers_;
  Clock& clock_;
  std::filesystem::path path_;
};

}  // namespace sluice::registry
