#include "engine/access.hpp"

namespace sluice::engine {

registry::Access access_of(const config::Config& config, const std::string& host) {
  const auto settings = config.registry(host);
  registry::Access access;
  if (!settings.username.empty())
    access.credentials = registry::Credentials{.username = settings.username, .password = settings.password};
  if (!settings.ca.empty()) access.tls.ca = settings.ca;
  if (!settings.certificate.empty()) access.tls.certificate = settings.certificate;
  if (!settings.key.empty()) access.tls.key = settings.key;
  access.plain_http = config.plain_http(host);
  return access;
}

}  // namespace sluice::engine
