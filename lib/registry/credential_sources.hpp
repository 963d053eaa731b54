#pragma once
// All sources of credentials that a configuration uses, made once and kept over its reloads, so that nothing
// is looked up again because a file was read again. Event-loop thread only.

#include "core/launcher.hpp"
#include "registry/cloud.hpp"
#include "registry/credentials.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sluice::registry {

class CredentialSources {
 public:
  /// The references in `world`, and the launcher, outlive this object.
  CredentialSources(CloudWorld world, Launcher& launcher) : world_(std::move(world)), launcher_(launcher) {}

  std::shared_ptr<CredentialSource> cloud(const CloudIdentity& identity);
  /// The login files of docker and podman at their usual places.
  std::shared_ptr<CredentialSource> usual_files();
  /// This login file only.
  std::shared_ptr<CredentialSource> file(const std::string& path);

 private:
  std::shared_ptr<CredentialSource> files(std::vector<std::string> paths);

  CloudWorld world_;
  Launcher& launcher_;
  std::map<CloudIdentity, std::shared_ptr<CredentialSource>> clouds_;
  std::map<std::vector<std::string>, std::shared_ptr<CredentialSource>> files_;
};

}  // namespace sluice::registry
