#pragma once
// Certificates that docker, podman and skopeo find by a registry's name (containers-certs.d(5),
// https://docs.docker.com/engine/security/certificates/). Event-loop thread only.

#include "net/client.hpp"
#include "registry/surroundings.hpp"

#include <map>
#include <string>
#include <vector>

namespace sluice::registry {

/// Where certificates are looked for, in this order: ~/.config/containers/certs.d, /etc/containers/certs.d,
/// /etc/docker/certs.d.
std::vector<std::string> certificate_folders(const Surroundings& surroundings);

class RegistryCertificates {
 public:
  explicit RegistryCertificates(Surroundings surroundings = {}) : surroundings_(std::move(surroundings)) {}

  /// What is in REGISTRY/ of the first of the folders that has it: all `*.crt` are authorities, the first
  /// `*.cert` with a `*.key` of the same name is our own certificate. Looked for once.
  const net::TlsOptions& find(const std::string& registry);
  /// Looks again when asked the next time.
  void forget() { found_.clear(); }

 private:
  Surroundings surroundings_;
  std::map<std::string, net::TlsOptions> found_;
};

}  // namespace sluice::registry
