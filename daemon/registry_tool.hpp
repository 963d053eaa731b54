#pragma once
// The registry client for commands that work without a daemon.

#include "config/config.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "core/workers.hpp"
#include "net/client.hpp"
#include "registry/client.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>

namespace sluice::daemon {

class RegistryTool {
 public:
  /// `config` is a configuration whose `registries` say how to reach them; none: public registries, and
  /// loopback without TLS. Throws Failure(usage) when it has mistakes.
  explicit RegistryTool(const std::optional<std::string>& config);

  registry::Client& client() { return client_; }
  const Clock& clock() const { return clock_; }
  /// Runs it to its end on this thread. SIGINT and SIGTERM cancel it: Failure(interrupted). An Error becomes
  /// a Failure with the exit code that fits.
  void run(Task<> task);

 private:
  boost::asio::io_context loop_{1};
  SystemClock clock_;
  SeededRandom random_;
  Workers workers_{2};
  std::unique_ptr<net::Client> http_;
  std::shared_ptr<const config::Config> config_;
  registry::Client client_;
};

/// A place, a platform as a person wrote it. Throws Failure(usage).
registry::Place read_place(const std::string& text);
std::optional<oci::Platform> read_platform(const std::optional<std::string>& text);

/// The exit code that fits an error of a registry.
int exit_code_of(ErrorKind kind);

}  // namespace sluice::daemon
