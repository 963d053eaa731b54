#pragma once
// The registry client for commands that work without a daemon.

#include "command_world.hpp"
#include "config/config.hpp"
#include "core/error.hpp"
#include "engine/network.hpp"
#include "registry/client.hpp"
#include "registry/credential_sources.hpp"
#include "registry/place.hpp"

#include <memory>
#include <optional>
#include <string>

namespace sluice::daemon {

class RegistryTool {
 public:
  /// `config` is a configuration whose `registries`, `proxy` and `transfer` say how to reach them; none:
  /// public registries with the logins of docker and podman, loopback without TLS, and the environment's
  /// proxies. Throws Failure(usage) when it, or a proxy of the environment, has mistakes.
  explicit RegistryTool(const std::optional<std::string>& config);

  const config::Config& config() const { return *config_; }
  registry::Client& client() { return client_; }
  Clock& clock() { return world_.clock; }
  Random& random() { return world_.random; }
  /// Runs it to its end on this thread. SIGINT and SIGTERM cancel it: Failure(interrupted). An Error becomes
  /// a Failure with the exit code that fits.
  void run(Task<> task);

 private:
  std::shared_ptr<const config::Config> config_;
  CommandWorld world_;
  engine::Network network_;
  registry::CredentialSources credentials_;
  registry::Client client_;
};

/// A place, a platform as a person wrote it. Throws Failure(usage).
registry::Place read_place(const std::string& text);
std::optional<oci::Platform> read_platform(const std::optional<std::string>& text);

/// The exit code that fits an error of a registry.
int exit_code_of(ErrorKind kind);

}  // namespace sluice::daemon
