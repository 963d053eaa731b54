#include "engine/access.hpp"

namespace sluice::engine {
namespace {

registry::CloudIdentity identity_of(const config::CloudIdentity& settings) {
  using Kind = registry::CloudIdentity::Kind;
  registry::CloudIdentity identity{
      .client_id = settings.client_id, .tenant = settings.tenant, .account = settings.account};
  if (settings.kind == config::CloudIdentity::Kind::aws) identity.kind = Kind::aws;
  if (settings.kind == config::CloudIdentity::Kind::google) identity.kind = Kind::google;
  return identity;
}

// A registry's own settings come before the logins of other tools.
void give_credentials(registry::Access& access, const config::Config& config,
                      const config::Registry& settings, registry::CredentialSources& sources) {
  if (!settings.username.empty())
    access.credentials = registry::Credentials{.username = settings.username, .password = settings.password};
  else if (settings.identity.kind != config::CloudIdentity::Kind::none)
    access.source = sources.cloud(identity_of(settings.identity));
  else if (config.docker_config == "auto")
    access.source = sources.usual_files();
  else if (config.docker_config != "none")
    access.source = sources.file(config.docker_config);
}

std::optional<registry::Allowance> allowance_of(const std::optional<config::Budget>& budget) {
  using Counts = registry::Allowance::Counts;
  if (!budget) return std::nullopt;
  return registry::Allowance{budget->count, budget->period,
                             budget->counts_all ? Counts::requests : Counts::pulls};
}

}  // namespace

registry::Access access_of(const config::Config& config, const std::string& host,
                           registry::CredentialSources& sources, Network& network) {
  const auto settings = config.registry(host);
  registry::Access access;
  give_credentials(access, config, settings, sources);
  network.give_to(access, host, settings);
  access.transfers = settings.transfers;
  access.allowance = allowance_of(settings.budget);
  for (const auto& mirror : settings.mirrors)
    access.mirrors.push_back({mirror.host, mirror.path, mirror.tags});
  return access;
}

}  // namespace sluice::engine
