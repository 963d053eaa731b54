#include "engine/tool_logins.hpp"

#include "core/text.hpp"

#include <optional>
#include <utility>

namespace sluice::engine {
namespace {

void fill_in(config::Config& config, const std::string& host,
             const std::optional<registry::Credentials>& credentials) {
  if (!credentials || !credentials->has_basic()) return;
  auto settings = config.registry(host);
  settings.username = credentials->username;
  settings.password = credentials->password.empty() ? credentials->identity_token : credentials->password;
  config.registries[host] = std::move(settings);
}

bool has_login(const config::Config& config, const std::string& host) {
  return !config.registry(host).username.empty();
}

}  // namespace

Task<std::shared_ptr<const config::Config>> with_logins(Work work, std::vector<oci::Repository> wanted) {
  auto filled = std::make_shared<config::Config>(*work.config);
  for (const auto& repository : wanted) {
    if (has_login(*filled, repository.registry)) continue;
    oci::Repository asked = repository;
    const auto credentials = co_await work.registry.credentials(std::move(asked));
    fill_in(*filled, repository.registry, credentials);
  }
  for (const auto& [host, settings] : work.config->registries) {
    if (has_login(*filled, host)) continue;
    std::string trouble;
    try {
      oci::Repository asked{host, {}};
      const auto credentials = co_await work.registry.credentials(std::move(asked));
      fill_in(*filled, host, credentials);
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::cancelled) throw;
      trouble = error.what();
    }
    if (!trouble.empty()) work.log("going on without a login for " + printable(host, 200) + ": " + trouble);
  }
  co_return filled;
}

}  // namespace sluice::engine
