// Amazon Elastic Container Registry by the identity that the environment, the container or the instance has
// (AWS SDKs and Tools Reference Guide, "Standardized credential providers").

#include "core/error.hpp"
#include "core/text.hpp"
#include "registry/cloud.hpp"
#include "registry/credential_cache.hpp"
#include "registry/ecr.hpp"
#include "registry/endpoint.hpp"
#include "registry/form.hpp"
#include "registry/sigv4.hpp"

namespace sluice::registry {
namespace {

constexpr const char* action = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";

AwsKeys keys_in(const std::string& answer, const std::string& who) {
  const Secret id = secret_in(answer, "AccessKeyId", who);
  return {std::string(id.reveal()), secret_in(answer, "SecretAccessKey", who),
          secret_in(answer, "Token", who)};
}

// The answer of STS is XML; its values have no characters that XML would write in another way.
Secret element_in(const std::string& xml, const std::string& name, const std::string& who) {
  const auto open = xml.find("<" + name + ">");
  const auto from = open + name.size() + 2;
  const auto close = open == std::string::npos ? open : xml.find("</" + name + ">", from);
  if (close == std::string::npos) throw Error(ErrorKind::corrupt, who + " gave an answer without a " + name);
  const auto value = xml.substr(from, close - from);
  if (value.empty() || value.find_first_of(" \t\r\n<&") != std::string::npos)
    throw Error(ErrorKind::corrupt, who + " gave an answer without a usable " + name);
  return Secret(value);
}

// "Container credential provider": without TLS only where the address cannot leave the machine.
void check_container_host(const net::Url& url) {
  if (url.scheme == "https" || is_loopback_host(url.host) || url.host == "169.254.170.2" ||
      url.host == "169.254.170.23" || url.host == "fd00:ec2::23")
    return;
  throw Error(ErrorKind::invalid, "AWS_CONTAINER_CREDENTIALS_FULL_URI names " +
                                      printable(url.authority(), 200) +
                                      ", which is neither https nor the address of a container service");
}

class AwsIdentity final : public CredentialSource {
 public:
  explicit AwsIdentity(CloudWorld world) : world_(std::move(world)), cache_(world_.clock) {}

  Task<std::optional<Credentials>> find(Endpoint endpoint, std::string /*path*/) override {
    require_tls(endpoint.base.scheme, endpoint.base.host);
    std::string key = endpoint.registry;
    CredentialCache::Fetch fetch = [this, endpoint] { return login(endpoint); };
    co_return co_await cache_.get(std::move(key), std::move(fetch));
  }
  void refused(const Endpoint& endpoint, const std::string& /*path*/) override {
    cache_.forget(endpoint.registry);
  }

 private:
  Task<Found> login(Endpoint endpoint) {
    const auto host = parse_ecr_host(endpoint.registry);
    if (!host)
      throw Error(ErrorKind::invalid,
                  "\"" + printable(endpoint.registry, 200) +
                      "\" is not the name of an Amazon ECR registry (ACCOUNT.dkr.ecr.REGION.amazonaws.com)");
    const AwsKeys keys = co_await this->keys(endpoint, host->region);
    const std::string who = "the login of the AWS identity at " + host->api;
    const auto base = world_.addresses.aws_ecr.empty() ? "https://" + host->api : world_.addresses.aws_ecr;
    net::Request request = cloud_request(endpoint, base + "/");
    request.method = "POST";
    request.body = R"({"registryIds":[")" + host->account + R"("]})";
    request.headers.add("Content-Type", "application/x-amz-json-1.1");
    request.headers.add("X-Amz-Target", action);
    const SigningScope scope{host->region, "ecr", world_.clock.now()};
    const auto added = sign_v4(keys, scope, request.method, request.url, request.headers, request.body);
    for (const auto& [name, value] : added.fields())
      request.headers.add(name, value);
    const std::string answer = co_await ask_cloud(world_.http, world_.clock, std::move(request), who);
    EcrLogin login = parse_ecr_answer(answer, world_.clock.now());
    co_return Found{std::move(login.credentials), login.lifetime * 4 / 5, login.lifetime * 19 / 20};
  }

  Task<AwsKeys> keys(Endpoint endpoint, std::string region) {
    const auto& surroundings = world_.surroundings;
    AwsKeys keys;
    keys.id = surroundings.variable("AWS_ACCESS_KEY_ID");
    keys.secret = Secret(surroundings.variable("AWS_SECRET_ACCESS_KEY"));
    keys.session_token = Secret(surroundings.variable("AWS_SESSION_TOKEN"));
    if (!keys.id.empty() && !keys.secret.empty()) co_return keys;
    if (!surroundings.variable("AWS_WEB_IDENTITY_TOKEN_FILE").empty())
      co_return co_await of_web_identity(std::move(endpoint), std::move(region));
    const bool container = !surroundings.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").empty() ||
                           !surroundings.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI").empty();
    if (container) co_return co_await of_container();
    co_return co_await of_instance();
  }

  // Roles for service accounts of Kubernetes: AssumeRoleWithWebIdentity (AWS STS API Reference).
  Task<AwsKeys> of_web_identity(Endpoint endpoint, std::string region) {
    const std::string who = "the AWS role of this service account";
    const auto& surroundings = world_.surroundings;
    const auto role = surroundings.variable("AWS_ROLE_ARN");
    if (role.empty()) throw Error(ErrorKind::invalid, who + " needs AWS_ROLE_ARN in the environment");
    auto session = surroundings.variable("AWS_ROLE_SESSION_NAME");
    if (session.empty()) session = "sluice";
    std::string file = surroundings.variable("AWS_WEB_IDENTITY_TOKEN_FILE");
    const Secret token = co_await secret_file(world_, std::move(file));
    const Secret form = form_of({{"Action", "AssumeRoleWithWebIdentity"},
                                 {"Version", "2011-06-15"},
                                 {"RoleArn", role},
                                 {"RoleSessionName", session},
                                 {"WebIdentityToken", std::string(token.reveal())}});
    const std::string domain = region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com";
    const auto base =
        world_.addresses.aws_sts.empty() ? "https://sts." + region + domain : world_.addresses.aws_sts;
    net::Request request = with_form(cloud_request(endpoint, base + "/"), form);
    request.headers.set("Accept", "application/xml");
    const std::string answer = co_await ask_cloud(world_.http, world_.clock, std::move(request), who);
    const Secret id = element_in(answer, "AccessKeyId", who);
    AwsKeys keys;
    keys.id = std::string(id.reveal());
    keys.secret = element_in(answer, "SecretAccessKey", who);
    keys.session_token = element_in(answer, "SessionToken", who);
    co_return keys;
  }

  Task<AwsKeys> of_container() {
    const std::string who = "the AWS role of this container";
    const auto& surroundings = world_.surroundings;
    const auto relative = surroundings.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    net::Request request;
    if (relative.empty())
      request = metadata_request(surroundings.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"), {});
    else
      request = metadata_request(world_.addresses.aws_containers, relative);
    if (relative.empty()) check_container_host(request.url);
    Secret token(surroundings.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
    std::string file = surroundings.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    if (!file.empty()) token = co_await secret_file(world_, std::move(file));
    if (!token.empty()) request.headers.add("Authorization", std::string(token.reveal()));
    const std::string answer = co_await ask_cloud(world_.http, world_.clock, std::move(request), who);
    co_return keys_in(answer, who);
  }

  // "Use the Instance Metadata Service": version 2, with a session token.
  Task<AwsKeys> of_instance() {
    const std::string who = "the AWS role of this instance";
    const auto& base = world_.addresses.aws_metadata;
    net::Request open = metadata_request(base, "/latest/api/token");
    open.method = "PUT";
    open.headers.add("X-aws-ec2-metadata-token-ttl-seconds", "60");
    const std::string session = co_await ask_cloud(world_.http, world_.clock, std::move(open), who);
    if (session.empty() || session.find_first_of(" \r\n") != std::string::npos)
      throw Error(ErrorKind::corrupt, who + ": the metadata service gave no session token");
    const auto ask = [&](const std::string& target) {
      net::Request request = metadata_request(base, target);
      request.headers.add("X-aws-ec2-metadata-token", session);
      return request;
    };
    const std::string roles = "/latest/meta-data/iam/security-credentials/";
    net::Request first = ask(roles);
    const std::string names = co_await ask_cloud(world_.http, world_.clock, std::move(first), who);
    const std::string role = names.substr(0, names.find_first_of("\r\n"));
    if (role.empty()) throw Error(ErrorKind::unauthorized, who + ": none is attached");
    net::Request second = ask(roles + net::percent_encode(role));
    const std::string answer = co_await ask_cloud(world_.http, world_.clock, std::move(second), who);
    co_return keys_in(answer, who);
  }

  CloudWorld world_;
  CredentialCache cache_;
};

}  // namespace

std::shared_ptr<CredentialSource> make_aws_identity(CloudWorld world) {
  return std::make_shared<AwsIdentity>(std::move(world));
}

}  // namespace sluice::registry
