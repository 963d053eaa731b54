// Azure Container Registry by managed identity ("How to use managed identities on an Azure VM to acquire an
// access token") or workload identity (Azure Workload Identity, "Microsoft identity platform and the
// OAuth 2.0 client credentials flow"), exchanged for a refresh token of the registry (Azure/acr,
// docs/AAD-OAuth.md).

#include "core/error.hpp"
#include "registry/cloud.hpp"
#include "registry/credential_cache.hpp"
#include "registry/endpoint.hpp"
#include "registry/form.hpp"

namespace sluice::registry {
namespace {

// The registry's refresh tokens are good for three hours.
constexpr Milliseconds fresh{std::chrono::hours(1)};
constexpr Milliseconds valid{std::chrono::minutes(150)};
constexpr const char* nobody = "00000000-0000-0000-0000-000000000000";

// Each national cloud has its own.
std::string resource_for(const std::string& registry_host) {
  if (registry_host.ends_with(".azurecr.cn")) return "https://management.chinacloudapi.cn/";
  if (registry_host.ends_with(".azurecr.us")) return "https://management.usgovcloudapi.net/";
  return "https://management.azure.com/";
}

class AzureIdentity final : public CredentialSource {
 public:
  AzureIdentity(CloudWorld world, CloudIdentity identity)
      : world_(std::move(world)), identity_(std::move(identity)), cache_(world_.clock) {}

  Task<std::optional<Credentials>> find(Endpoint endpoint, std::string /*path*/) override {
    std::string key = endpoint.registry;
    CredentialCache::Fetch fetch = [this, endpoint] { return refresh_token(endpoint); };
    co_return co_await cache_.get(std::move(key), std::move(fetch));
  }
  void refused(const Endpoint& endpoint, const std::string& /*path*/) override {
    cache_.forget(endpoint.registry);
  }

 private:
  Task<Found> refresh_token(Endpoint endpoint) {
    require_tls(endpoint.base.scheme, endpoint.base.host);
    std::string resource = resource_for(endpoint.base.host);
    Secret access;
    if (world_.surroundings.variable("AZURE_FEDERATED_TOKEN_FILE").empty())
      access = co_await of_machine(std::move(resource));
    else
      access = co_await of_workload(endpoint, std::move(resource));

    std::vector<std::pair<std::string, std::string>> fields{{"grant_type", "access_token"},
                                                            {"service", endpoint.base.authority()}};
    if (!identity_.tenant.empty()) fields.emplace_back("tenant", identity_.tenant);
    fields.emplace_back("access_token", std::string(access.reveal()));
    const auto place = endpoint.base.resolve("/oauth2/exchange");
    net::Request request = with_form(request_to(endpoint, place, net::AddressClass::global), form_of(fields));
    const std::string who = "the exchange of the Azure identity for a token of " + endpoint.registry;
    const std::string answer = co_await ask_cloud(world_.http, world_.clock, std::move(request), who);
    Credentials credentials;
    credentials.username = nobody;
    credentials.identity_token = secret_in(answer, "refresh_token", who);
    credentials.own_host_only = true;
    co_return Found{std::move(credentials), fresh, valid};
  }

  Task<Secret> of_machine(std::string resource) {
    const std::string who = "the managed identity of this machine";
    std::string target =
        "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" + net::percent_encode(resource);
    if (!identity_.client_id.empty()) target += "&client_id=" + net::percent_encode(identity_.client_id);
    net::Request request = metadata_request(world_.addresses.azure_metadata, target);
    request.headers.add("Metadata", "true");
    const std::string answer = co_await ask_cloud(world_.http, world_.clock, std::move(request), who);
    co_return secret_in(answer, "access_token", who);
  }

  Task<Secret> of_workload(Endpoint endpoint, std::string resource) {
    const std::string who = "the workload identity of this process";
    const auto& surroundings = world_.surroundings;
    const auto client =
        identity_.client_id.empty() ? surroundings.variable("AZURE_CLIENT_ID") : identity_.client_id;
    const auto tenant = surroundings.variable("AZURE_TENANT_ID");
    std::string authority = surroundings.variable("AZURE_AUTHORITY_HOST");
    if (authority.empty()) authority = "https://login.microsoftonline.com/";
    if (!authority.ends_with('/')) authority += '/';
    if (client.empty() || tenant.empty())
      throw Error(ErrorKind::invalid, who + " needs AZURE_CLIENT_ID and AZURE_TENANT_ID in the environment");
    const auto url = net::Url::parse(authority + net::percent_encode(tenant) + "/oauth2/v2.0/token");
    require_tls(url.scheme, url.host);
    std::string file = surroundings.variable("AZURE_FEDERATED_TOKEN_FILE");
    const Secret assertion = co_await secret_file(world_, std::move(file));
    const Secret form =
        form_of({{"client_id", client},
                 {"scope", resource + ".default"},
                 {"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
                 {"client_assertion", std::string(assertion.reveal())},
                 {"grant_type", "client_credentials"}});
    net::Request request = with_form(cloud_request(endpoint, url.text()), form);
    const std::string answer = co_await ask_cloud(world_.http, world_.clock, std::move(request), who);
    co_return secret_in(answer, "access_token", who);
  }

  CloudWorld world_;
  const CloudIdentity identity_;
  CredentialCache cache_;
};

}  // namespace

std::shared_ptr<CredentialSource> make_azure_identity(CloudWorld world, CloudIdentity identity) {
  return std::make_shared<AzureIdentity>(std::move(world), std::move(identity));
}

}  // namespace sluice::registry
