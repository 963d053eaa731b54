#pragma once
// Credentials from the login files of docker and podman, and from the helpers that these name.

#include "core/launcher.hpp"
#include "core/workers.hpp"
#include "registry/credential_cache.hpp"
#include "registry/docker_config.hpp"
#include "registry/surroundings.hpp"

#include <set>
#include <string>
#include <vector>

namespace sluice::registry {

/// Where login files are, in the order in which they are read: $DOCKER_CONFIG/config.json, else
/// ~/.docker/config.json; $REGISTRY_AUTH_FILE; $XDG_RUNTIME_DIR/containers/auth.json.
std::vector<std::string> login_files(const Surroundings& surroundings);

/// The first file that has something for a repository decides. A file that is not there is passed over; one
/// that cannot be read or used is an Error(invalid) that names it. Answers are kept for two minutes, those of
/// helpers for five.
class DockerCredentials final : public CredentialSource {
 public:
  DockerCredentials(Clock& clock, Workers& workers, Launcher& launcher, Surroundings surroundings,
                    std::vector<std::string> files);

  Task<std::optional<Credentials>> find(Endpoint endpoint, std::string path) override;
  void refused(const Endpoint& endpoint, const std::string& path) override;

 private:
  Task<Found> look(std::string registry, std::string path);
  Task<Found> ask_helper(std::string name, std::string registry);
  Task<std::optional<DockerConfig>> read(std::string file);

  Workers& workers_;
  Launcher& launcher_;
  const Surroundings surroundings_;
  const std::vector<std::string> files_;
  CredentialCache by_repository_;
  CredentialCache by_helper_;        // one program run serves all repositories of a registry
  std::set<std::string> helpers_{};  // that were asked
};

}  // namespace sluice::registry
