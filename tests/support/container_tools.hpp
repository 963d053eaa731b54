#pragma once
// The real podman and buildah, in a storage of the test's own, and small images that run.

#include "support/registry_process.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace sluice::test {

/// What this machine needs is found out by trying, as an operator would: nothing on an ordinary machine,
/// another runtime and lower limits on a restricted one. Throws std::runtime_error with what the tools said
/// when nothing works.
class ContainerTools {
 public:
  ContainerTools();
  ~ContainerTools();
  ContainerTools(const ContainerTools&) = delete;
  ContainerTools& operator=(const ContainerTools&) = delete;

  /// `tools:` of a configuration.
  const std::string& yaml() const { return yaml_; }
  /// A directory that goes with the object.
  const std::filesystem::path& directory() const { return directory_; }
  /// Makes a directory to build from: these files, and a static busybox with its applets in bin/.
  std::filesystem::path source(const std::string& name,
                               const std::map<std::string, std::string>& files) const;

  /// Builds an image from scratch with busybox and these lines of a Containerfile, and pushes it. Gives its
  /// digest.
  std::string push(const std::string& repository, const std::string& tag,
                   const std::string& lines = "") const;
  /// Makes an index of one image that is in a registry already, and pushes it. Gives the digest of the index.
  std::string push_index(const std::string& repository, const std::string& digest,
                         const std::string& tag) const;

  /// Names or ids of all that is in the storage.
  std::vector<std::string> containers() const;
  std::vector<std::string> images() const;
  std::vector<std::string> build_containers() const;

 private:
  std::string call(std::vector<std::string> argv) const;
  bool works(const std::vector<std::string>& flags, const std::string& image, std::string& why) const;
  std::vector<std::string> listed(std::vector<std::string> argv) const;

  std::filesystem::path directory_;
  std::string yaml_;
};

}  // namespace sluice::test
