#pragma once
// The real CNCF registry (Debian package docker-registry), one process for one test.

#include "support/scripted_server.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>

namespace sluice::test {

struct RegistryOptions {
  struct Basic {
    std::string user;
    std::string password;
  };
  struct TokenService {
    std::string realm;
    std::string service;
    std::string issuer;
    std::filesystem::path certificates;  // PEM that the tokens' signatures lead to
  };
  std::optional<Basic> basic;
  std::optional<TokenService> token;
  std::optional<TlsFiles> tls;
};

/// Listens on 127.0.0.1 on a port that the kernel chooses, stores in a directory of its own, answers when the
/// constructor returns. The destructor kills it and removes the directory. Throws std::runtime_error with the
/// registry's own log when it does not start.
class RegistryProcess {
 public:
  explicit RegistryProcess(const RegistryOptions& options = {});
  ~RegistryProcess();
  RegistryProcess(const RegistryProcess&) = delete;
  RegistryProcess& operator=(const RegistryProcess&) = delete;

  std::uint16_t port() const { return port_; }
  /// "127.0.0.1:<port>", or "localhost:<port>" with TLS.
  std::string host() const;
  /// Everything that it has logged.
  std::string log() const;
  /// Kills it now; it does not come back.
  void stop();

 private:
  void start();
  void wait_until_it_listens();

  std::filesystem::path directory_;
  bool tls_ = false;
  pid_t process_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace sluice::test
