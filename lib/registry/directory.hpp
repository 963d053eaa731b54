#pragma once
// The files of an image layout in a directory.

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
/// on with. Two processes that write one file at the same time: the second one is told so
/// (Error(unavailable), since it may try again when the first has ended).
class NewDirectory final : public NewFiles {
 public:
  NewDirectory(Workers& workers, std::filesystem::path path) : workers_(workers), path_(std::move(path)) {}
  const std::filesystem::path& path() const override { return path_; }
  std::optional<std::uint64_t> size(const std::string& name) const override;
  Task<> write(std::string name, std::uint64_t size, ContinuedBody& body) override;
  Task<> write(std::string name, std::string bytes) override;
  Task<std::optional<std::string>> read(std::string name, std::size_t limit) override;
  Task<bool> has_digest(std::string name, oci::Digest digest) override;
  Task<> finish() override;
  int lanes() const override { return 4; }

 private:
  Workers& workers_;
  std::filesystem::path path_;
};

}  // namespace sluice::registry
