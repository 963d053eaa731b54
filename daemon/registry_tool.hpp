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

/// How much a command puts up with. Nobody comes back for it by itself: it waits longer for its turn than a
/// job of the daemon does.
struct Endurance {
  Milliseconds patience = std::chrono::minutes(1);  // registry::Access::patience
  int attempts = 3;                                 // registry::Access::attempts
};

class RegistryTool {
 public:
  /// `config` is a configuration whose `registries`, `proxy` and `transfer` say how to reach them; none:
  /// public registries with the logins of docker and podman, loopback without TLS, and the environment's
  /// proxies. Throws Failure(usage) when it, or a proxy of the environment, has mistakes.
  explicit RegistryTool(const std::optional<std::string>& config, Endurance endurance = {});

  const config::Config& config() const { return *config_; }
  registry::Client& client() { return client_; }
  Clock& clock() { return world_.clock; }
  Random& random() { return world_.random; }
  /// Runs it to its end on this thread. The first SIGINT or SIGTERM cancels it: Failure(interrupted); the
  /// next one ends the program, whatever a thread hangs in. An Error becomes a Failure with the exit code
  /// that fits.
  void run(Task<> task);

 private:
  std::shared_ptr<const config::Config> config_;
  CommandWorld world_;
  engine::Network network_;
  registry::CredentialSources credentials_;
  registry::Client client_;
};

/// The configuration of that file, without one what is usual. Throws Failure(usage) when it has mistakes.
std::shared_ptr<const config::Config> load_reach(const std::optional<std::string>& file);
/// How the network is reached with it. Throws Failure(usage) when a proxy of the environment has mistakes.
net::ClientOptions network_for(const config::Config& config);

/// A place, a platform as a person wrote it. Throws Failure(usage).
registry::Place read_place(const std::string& text);
std::optional<oci::Platform> read_platform(const std::optional<std::string>& text);

/// What the error says, and when it may be tried again.
std::string text_of(const Error& error);

}  // namespace sluice::daemon
