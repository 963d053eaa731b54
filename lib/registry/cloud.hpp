#pragma once
// What the identities of the clouds have in common: how they are configured, where the clouds are asked, and
// how an answer is read. Event-loop thread only.

#include "core/clock.hpp"
#include "core/workers.hpp"
#include "net/client.hpp"
#include "registry/credentials.hpp"
#include "registry/endpoint.hpp"
#include "registry/surroundings.hpp"

#include <compare>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::registry {

/// An identity that the machine has in its cloud, instead of a stored secret.
struct CloudIdentity {
  enum class Kind { azure, aws, google };
  Kind kind = Kind::azure;
  std::string client_id;  // azure: which managed identity, empty for the machine's own
  std::string tenant;     // azure: of the registry, empty for its default
  std::string account;    // google: which service account, empty for the machine's own
  auto operator<=>(const CloudIdentity&) const = default;
};

/// Base addresses, without a slash behind them. Tests put others in their place.
struct CloudAddresses {
  std::string azure_metadata = "http://169.254.169.254";
  std::string aws_metadata = "http://169.254.169.254";
  /// Where AWS_CONTAINER_CREDENTIALS_RELATIVE_URI leads (Amazon ECS task role endpoint).
  std::string aws_containers = "http://169.254.170.2";
  /// Instead of the addresses that follow from the registry's name.
  std::string aws_ecr;
  std::string aws_sts;
  std::string google_metadata = "http://metadata.google.internal";
};

/// What a cloud identity works with; the references outlive it.
struct CloudWorld {
  net::Client& http;
  Clock& clock;
  Workers& workers;
  Surroundings surroundings;
  CloudAddresses addresses = {};
};

/// A request to a metadata service: the one place that may ask link-local addresses and those of metadata
/// services, and never through a proxy, which would be let in as whatever it runs on.
net::Request metadata_request(const std::string& base, const std::string& target);

/// Sends it and gives the body of a 200. `who` names the service in errors: rate_limited and unavailable as
/// they are, every other answer unauthorized, with the answer's error code where it has one; the rest of the
/// answer is never shown, it may hold a secret.
Task<std::string> ask_cloud(net::Client& http, Clock& clock, net::Request request, std::string who);

/// A request to a service of the cloud that an identity for this registry needs. The operator chose it with
/// the registry, nobody named it; it is asked through the registry's proxy.
net::Request cloud_request(const Endpoint& endpoint, const std::string& url);

/// A text member of a JSON object; throws Error(corrupt) that names `who` and the member when it is not there
/// or cannot be sent in a header.
Secret secret_in(std::string_view json, const char* member, const std::string& who);
/// "expires_in" as a number or as digits, from a minute to a day; an hour when there is none.
Milliseconds lifetime_in(std::string_view json);

/// A file that the environment names. Throws Error(invalid) when it cannot be read; its end of line goes.
Task<Secret> secret_file(CloudWorld& world, std::string path);

/// What a cloud gives must not leave without TLS. Throws Error(invalid).
void require_tls(const std::string& scheme, const std::string& host);

std::shared_ptr<CredentialSource> make_azure_identity(CloudWorld world, CloudIdentity identity);
std::shared_ptr<CredentialSource> make_aws_identity(CloudWorld world);
std::shared_ptr<CredentialSource> make_google_identity(CloudWorld world, CloudIdentity identity);

}  // namespace sluice::registry
