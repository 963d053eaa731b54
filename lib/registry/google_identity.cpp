// Google Artifact Registry by the service account of the machine: an access token of the metadata server is
// the password (Google Cloud, "Configure authentication to Artifact Registry for Docker", "Access token";
// Compute Engine, "Authenticate workloads by using service accounts").

#include "core/error.hpp"
#include "registry/cloud.hpp"
#include "registry/credential_cache.hpp"
#include "registry/endpoint.hpp"

namespace sluice::registry {
namespace {

class GoogleIdentity final : public CredentialSource {
 public:
  GoogleIdentity(CloudWorld world, CloudIdentity identity)
      : world_(std::move(world)), identity_(std::move(identity)), cache_(world_.clock) {}

  Task<std::optional<Credentials>> find(Endpoint endpoint, std::string /*path*/) override {
    require_tls(endpoint.base.scheme, endpoint.base.host);
    // One token is good for every registry.
    std::string key = "token";
    CredentialCache::Fetch fetch = [this] { return access_token(); };
    co_return co_await cache_.get(std::move(key), std::move(fetch));
  }
  void refused(const Endpoint& /*endpoint*/, const std::string& /*path*/) override { cache_.forget("token"); }

 private:
  Task<Found> access_token() {
    const std::string who = "the service account of this machine";
    const std::string account = identity_.account.empty() ? "default" : identity_.account;
    net::Request request =
        metadata_request(world_.addresses.google_metadata, "/computeMetadata/v1/instance/service-accounts/" +
                                                               net::percent_encode(account) + "/token");
    request.headers.add("Metadata-Flavor", "Google");
    const std::string answer = co_await ask_cloud(world_.http, world_.clock, std::move(request), who);
    Credentials credentials;
    credentials.username = "oauth2accesstoken";
    credentials.password = secret_in(answer, "access_token", who);
    credentials.own_host_only = true;
    // The server gives the same token until five minutes before its end.
    const auto lifetime = lifetime_in(answer);
    co_return Found{std::move(credentials), lifetime * 4 / 5, lifetime * 19 / 20};
  }

  CloudWorld world_;
  const CloudIdentity identity_;
  CredentialCache cache_;
};

}  // namespace

std::shared_ptr<CredentialSource> make_google_identity(CloudWorld world, CloudIdentity identity) {
  return std::make_shared<GoogleIdentity>(std::move(world), std::move(identity));
}

}  // namespace sluice::registry
