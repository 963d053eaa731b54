// Cloud identities against doubles of the services that give them, over real HTTP.

#include "registry/cloud.hpp"

#include "fake_registry.hpp"
#include "registry/endpoint.hpp"
#include "registry/sigv4.hpp"
#include "rig.hpp"
#include "support/run.hpp"

#include <atomic>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;
using Catch::Contains;
using registry::CloudAddresses;
using registry::Credentials;
using registry::CredentialSource;

namespace {

const TestImage image = make_image("amd64", 61, {100});
const std::string ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

/// A service of a cloud: answers by "METHOD target"; what is not here is 404. Every answer can be refused.
struct Cloud {
  std::map<std::string, std::string> answers;
  std::map<std::string, std::string> wanted_header;  // name and value that each request must have
  std::atomic<int> refuse_with = 0;
  ScriptedServer server{answer_all([this](Exchange& exchange, const RecordedRequest& request) {
    if (refuse_with != 0)
      return exchange.answer(refuse_with, R"({"error":"invalid_grant","error_description":"canary"})");
    for (const auto& [name, value] : wanted_header) {
      const auto found = request.headers.find(name);
      if (found == request.headers.end() || found->second != value) return exchange.answer(400, "canary");
    }
    const auto found = answers.find(request.method + " " + request.target);
    if (found == answers.end()) return exchange.answer(404, "canary");
    exchange.answer(200, found->second);
  })};
  std::string base() const { return "http://" + server.authority(); }
};

struct Scene {
  Rig rig;
  std::map<std::string, std::string> environment;
  std::map<std::string, std::string> files;
  CloudAddresses addresses;

  registry::CloudWorld world() {
    registry::Surroundings surroundings;
    surroundings.environment = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = environment.find(name);
      if (found == environment.end()) return std::nullopt;
      return found->second;
    };
    surroundings.file = [this](const std::string& path) {
      registry::Surroundings::File file;
      if (const auto found = files.find(path); found != files.end()) file.content = found->second;
      return file;
    };
    return {*rig.http, rig.clock, rig.workers, surroundings, addresses};
  }
  Task<std::optional<Credentials>> find(std::shared_ptr<CredentialSource> source,
                                        const std::string& registry) {
    auto endpoint = registry::endpoint_of(registry, {});
    std::string path = "a";
    co_return co_await source->find(std::move(endpoint), std::move(path));
  }
};

const std::string managed_identity =
    "GET /metadata/identity/oauth2/"
    "token?api-version=2018-02-01&resource=https%3A%2F%2Fmanagement.azure.com%2F";

/// An Azure registry: exchanges "aad-token" for "acr-refresh", and that for access tokens.
struct Acr {
  std::vector<std::string> exchanges;
  FakeRegistry registry{[this](Exchange& exchange, const RecordedRequest& request) {
    if (request.target == "/oauth2/exchange") {
      const auto body = read_body(exchange, request);
      exchanges.push_back(body);
      const bool good = body.find("access_token=aad-token") != std::string::npos;
      exchange.answer(good ? 200 : 401, good ? R"({"refresh_token":"acr-refresh"})" : "{}");
      return true;
    }
    if (request.target == "/oauth2/token") {
      const auto body = read_body(exchange, request);
      const bool good = body.find("refresh_token=acr-refresh") != std::string::npos;
      exchange.answer(good ? 200 : 401, good ? R"({"access_token":"acr-access"})" : "{}");
      return true;
    }
    const auto header = request.headers.find("authorization");
    if (header != request.headers.end() && header->second == "Bearer acr-access") return false;
    exchange.answer(401, "",
                    "WWW-Authenticate: Bearer realm=\"http://" + request.headers.at("host") +
                        "/oauth2/token\",service=\"acr\",scope=\"repository:a:pull\"\r\n");
    return true;
  }};
  Acr() {
    registry.add("a", image);
    registry.tag("a", "1", image.manifest);
  }
};

std::string instance_keys(const std::string& id = "AKID") {
  return R"({"Code":"Success","AccessKeyId":")" + id +
         R"(","SecretAccessKey":"canary-key","Token":"canary-session","Expiration":"2030-01-01T00:00:00Z"})";
}

std::string ecr_login() {
  return R"({"authorizationData":[{"authorizationToken":")" + net::base64_encode("AWS:ecr-password") +
         R"(","expiresAt":4000000000.5,"proxyEndpoint":"https://)" + ecr + "\"}]}";
}

/// Signs again what was received, with the key that it should have been signed with.
bool is_signed_with(const RecordedRequest& request, const std::string& url, const registry::AwsKeys& keys) {
  auto date = request.headers.at("x-amz-date");
  const auto at = parse_time(date.substr(0, 4) + "-" + date.substr(4, 2) + "-" + date.substr(6, 5) + ":" +
                             date.substr(11, 2) + ":" + date.substr(13, 2) + "Z");
  const net::Headers headers{{"Content-Type", request.headers.at("content-type")},
                             {"X-Amz-Target", request.headers.at("x-amz-target")}};
  // The signed names are those of the request; Accept and the like are not among them.
  const auto again = registry::sign_v4(keys, {"eu-west-1", "ecr", at.value()}, request.method,
                                       net::Url::parse(url), headers, request.body);
  return again.get("Authorization") == request.headers.at("authorization");
}

Task<> resolve_into(Scene& scene, oci::Repository repository, int& done) {
  co_await scene.rig.client.resolve(repository, "1");
  ++done;
}

}  // namespace

TEST_CASE("Azure: a managed identity becomes a token of the registry, without any stored secret") {
  Cloud metadata;
  metadata.wanted_header = {{"metadata", "true"}};
  metadata.answers[managed_identity] =
      R"({"access_token":"aad-token","expires_in":"3599","token_type":"Bearer"})";
  Acr acr;
  run([&](boost::asio::io_context& loop) -> Task<> {
    Scene scene;
    scene.addresses.azure_metadata = metadata.base();
    auto source = registry::make_azure_identity(scene.world(), {});
    scene.rig.access[acr.registry.host()].source = source;
    int done = 0;
    for (int i = 0; i < 8; ++i)
      boost::asio::co_spawn(loop, resolve_into(scene, acr.registry.repository("a"), done),
                            boost::asio::detached);
    while (done < 8)
      co_await scene.rig.clock.sleep_for(std::chrono::milliseconds(2));
    CHECK(metadata.server.requests().size() == 1);
    REQUIRE(acr.exchanges.size() == 1);
    CHECK(acr.exchanges[0] == "grant_type=access_token&service=" + net::percent_encode(acr.registry.host()) +
                                  "&access_token=aad-token");
    // The registry's own refresh token is renewed before its end.
    scene.rig.clock.advance(std::chrono::hours(2));
    co_await scene.rig.client.resolve(acr.registry.repository("a"), "1");
    CHECK(acr.exchanges.size() == 2);
  });
}

TEST_CASE("Azure: which identity and which tenant can be said") {
  Cloud metadata;
  metadata.answers[managed_identity + "&client_id=client-1"] = R"({"access_token":"aad-token"})";
  Acr acr;
  run([&]() -> Task<> {
    Scene scene;
    scene.addresses.azure_metadata = metadata.base();
    registry::CloudIdentity identity;
    identity.client_id = "client-1";
    identity.tenant = "tenant-1";
    scene.rig.access[acr.registry.host()].source = registry::make_azure_identity(scene.world(), identity);
    co_await scene.rig.client.resolve(acr.registry.repository("a"), "1");
  });
  REQUIRE(acr.exchanges.size() == 1);
  CHECK_THAT(acr.exchanges[0], Contains("&tenant=tenant-1&"));
}

TEST_CASE("Azure: a workload identity shows its federated token instead") {
  Cloud authority;
  authority.answers["POST /tenant-1/oauth2/v2.0/token"] = R"({"access_token":"aad-token","expires_in":3599})";
  Acr acr;
  run([&]() -> Task<> {
    Scene scene;
    scene.environment = {{"AZURE_FEDERATED_TOKEN_FILE", "/var/run/token"},
                         {"AZURE_CLIENT_ID", "client-1"},
                         {"AZURE_TENANT_ID", "tenant-1"},
                         {"AZURE_AUTHORITY_HOST", authority.base() + "/"}};
    scene.files["/var/run/token"] = "canary.jwt\n";
    scene.rig.access[acr.registry.host()].source = registry::make_azure_identity(scene.world(), {});
    co_await scene.rig.client.resolve(acr.registry.repository("a"), "1");
  });
  const auto requests = authority.server.requests();
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].body ==
        "client_id=client-1&scope=https%3A%2F%2Fmanagement.azure.com%2F.default&client_assertion_type="
        "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=canary.jwt&"
        "grant_type=client_credentials");
}

TEST_CASE("Amazon: keys of the environment sign the request for a login") {
  Cloud api;
  api.answers["POST /"] = ecr_login();
  api.wanted_header = {{"x-amz-target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"},
                       {"content-type", "application/x-amz-json-1.1"}};
  run([&]() -> Task<> {
    Scene scene;
    scene.environment = {{"AWS_ACCESS_KEY_ID", "AKID"},
                         {"AWS_SECRET_ACCESS_KEY", "canary-key"},
                         {"AWS_SESSION_TOKEN", "canary-session"}};
    scene.addresses.aws_ecr = api.base();
    auto source = registry::make_aws_identity(scene.world());
    const auto found = co_await scene.find(source, ecr);
    REQUIRE(found);
    CHECK(found->username == "AWS");
    CHECK(found->password == Secret("ecr-password"));
    CHECK(found->own_host_only);
    co_await scene.find(source, ecr);
    CHECK(api.server.requests().size() == 1);
    scene.rig.clock.advance(std::chrono::hours(11));
    co_await scene.find(source, ecr);
    CHECK(api.server.requests().size() == 2);
  });
  const auto request = api.server.requests().front();
  CHECK(request.body == R"({"registryIds":["123456789012"]})");
  CHECK(is_signed_with(request, api.base() + "/", {"AKID", Secret("canary-key"), Secret("canary-session")}));
  CHECK_FALSE(is_signed_with(request, api.base() + "/", {"AKID", Secret("other"), Secret("canary-session")}));
  CHECK(request.headers.at("x-amz-security-token") == "canary-session");
}

TEST_CASE("Amazon: the instance's role is asked for by version 2 of the metadata service") {
  Cloud metadata;
  metadata.answers["PUT /latest/api/token"] = "canary-imds";
  metadata.answers["GET /latest/meta-data/iam/security-credentials/"] = "builder";
  metadata.answers["GET /latest/meta-data/iam/security-credentials/builder"] = instance_keys();
  Cloud api;
  api.answers["POST /"] = ecr_login();
  run([&]() -> Task<> {
    Scene scene;
    scene.addresses.aws_metadata = metadata.base();
    scene.addresses.aws_ecr = api.base();
    const auto found = co_await scene.find(registry::make_aws_identity(scene.world()), ecr);
    CHECK(found->username == "AWS");
  });
  const auto requests = metadata.server.requests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].headers.at("x-aws-ec2-metadata-token-ttl-seconds") == "60");
  CHECK(requests[1].headers.at("x-aws-ec2-metadata-token") == "canary-imds");
  CHECK(requests[2].headers.at("x-aws-ec2-metadata-token") == "canary-imds");
  CHECK(is_signed_with(api.server.requests().front(), api.base() + "/",
                       {"AKID", Secret("canary-key"), Secret("canary-session")}));
}

TEST_CASE("Amazon: a container's role is asked for at the address in its environment, with its token") {
  Cloud containers;
  containers.answers["GET /v2/credentials/1"] = instance_keys("ECSKEY");
  containers.wanted_header = {{"authorization", "canary-token"}};
  Cloud api;
  api.answers["POST /"] = ecr_login();
  const auto find = [&](std::map<std::string, std::string> environment) {
    return run([&]() -> Task<std::optional<Error>> {
      Scene scene;
      scene.environment = environment;
      scene.files["/token"] = "canary-token\n";
      scene.addresses.aws_containers = containers.base();
      scene.addresses.aws_ecr = api.base();
      std::optional<Error> failure;
      try {
        co_await scene.find(registry::make_aws_identity(scene.world()), ecr);
      } catch (const Error& error) {
        failure = error;
      }
      co_return failure;
    });
  };
  CHECK_FALSE(find({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1"},
                    {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "canary-token"}}));
  CHECK_FALSE(find({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", containers.base() + "/v2/credentials/1"},
                    {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/token"}}));
  CHECK(containers.server.requests().size() == 2);
  const auto refused = find({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://203.0.113.7/x"},
                             {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "canary-token"}});
  REQUIRE(refused);
  CHECK(refused->kind() == ErrorKind::invalid);
}

TEST_CASE("Amazon: a service account of Kubernetes takes its role by the token that it has as a file") {
  Cloud sts;
  sts.answers["POST /"] =
      "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
      "<AssumeRoleWithWebIdentityResult><Credentials><SessionToken>canary-session</SessionToken>"
      "<SecretAccessKey>canary-key</SecretAccessKey><AccessKeyId>WEBKEY</AccessKeyId></Credentials>"
      "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
  Cloud api;
  api.answers["POST /"] = ecr_login();
  run([&]() -> Task<> {
    Scene scene;
    scene.environment = {{"AWS_WEB_IDENTITY_TOKEN_FILE", "/token"},
                         {"AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/sluice"}};
    scene.files["/token"] = "canary.jwt";
    scene.addresses.aws_sts = sts.base();
    scene.addresses.aws_ecr = api.base();
    const auto found = co_await scene.find(registry::make_aws_identity(scene.world()), ecr);
    CHECK(found->username == "AWS");
    sts.answers["POST /"] = "<AccessKeyId>canary</AccessKeyId>";
    const Error error = co_await failure_of(scene.find(registry::make_aws_identity(scene.world()), ecr));
    CHECK(error.kind() == ErrorKind::corrupt);
    CHECK_THAT(error.what(), !Contains("canary"));
  });
  CHECK(sts.server.requests().front().body ==
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%"
        "3Arole%2F"
        "sluice&RoleSessionName=sluice&WebIdentityToken=canary.jwt");
  CHECK(is_signed_with(api.server.requests().front(), api.base() + "/",
                       {"WEBKEY", Secret("canary-key"), Secret("canary-session")}));
}

TEST_CASE("Amazon: a registry that is not ECR is told apart before anything is asked") {
  run([&]() -> Task<> {
    Scene scene;
    const Error error =
        co_await failure_of(scene.find(registry::make_aws_identity(scene.world()), "r.example.com"));
    CHECK(error.kind() == ErrorKind::invalid);
    CHECK_THAT(error.what(), Contains("r.example.com"));
  });
}

TEST_CASE("Google: the token of the machine's service account is the password") {
  Cloud metadata;
  metadata.wanted_header = {{"metadata-flavor", "Google"}};
  metadata.answers["GET /computeMetadata/v1/instance/service-accounts/default/token"] =
      R"({"access_token":"ya29.canary","expires_in":3599,"token_type":"Bearer"})";
  run([&]() -> Task<> {
    Scene scene;
    scene.addresses.google_metadata = metadata.base();
    auto source = registry::make_google_identity(scene.world(), {});
    const auto found = co_await scene.find(source, "europe-docker.pkg.dev");
    REQUIRE(found);
    CHECK(found->username == "oauth2accesstoken");
    CHECK(found->password == Secret("ya29.canary"));
    co_await scene.find(source, "gcr.io");
    CHECK(metadata.server.requests().size() == 1);
    scene.rig.clock.advance(std::chrono::minutes(50));
    co_await scene.find(source, "gcr.io");
    CHECK(metadata.server.requests().size() == 2);
  });
}

TEST_CASE("a cloud that fails is not asked in a storm, and what was had is used as long as it is good") {
  Cloud metadata;
  metadata.answers["GET /computeMetadata/v1/instance/service-accounts/default/token"] =
      R"({"access_token":"canary","expires_in":1000})";
  run([&]() -> Task<> {
    Scene scene;
    scene.addresses.google_metadata = metadata.base();
    auto source = registry::make_google_identity(scene.world(), {});
    metadata.refuse_with = 503;
    for (int i = 0; i < 5; ++i) {
      const Error error = co_await failure_of(scene.find(source, "gcr.io"));
      CHECK(error.kind() == ErrorKind::unavailable);
    }
    CHECK(metadata.server.requests().size() == 1);
    metadata.refuse_with = 0;
    scene.rig.clock.advance(std::chrono::seconds(10));
    co_await scene.find(source, "gcr.io");
    metadata.refuse_with = 503;
    scene.rig.clock.advance(std::chrono::seconds(850));
    const auto old = co_await scene.find(source, "gcr.io");
    CHECK(old->password == Secret("canary"));
    scene.rig.clock.advance(std::chrono::seconds(150));
    co_await failure_of(scene.find(source, "gcr.io"));
  });
}

TEST_CASE("D11: what a cloud refuses is told by its code, never by what it said") {
  Cloud cloud;
  cloud.refuse_with = 400;
  run([&]() -> Task<> {
    Scene scene;
    scene.addresses.azure_metadata = cloud.base();
    scene.addresses.aws_metadata = cloud.base();
    scene.addresses.google_metadata = cloud.base();
    const std::vector<std::pair<std::shared_ptr<CredentialSource>, std::string>> sources{
        {registry::make_azure_identity(scene.world(), {}), "x.azurecr.io"},
        {registry::make_aws_identity(scene.world()), ecr},
        {registry::make_google_identity(scene.world(), {}), "gcr.io"}};
    for (const auto& [source, host] : sources) {
      INFO(host);
      const Error error = co_await failure_of(scene.find(source, host));
      CHECK(error.kind() == ErrorKind::unauthorized);
      CHECK_THAT(error.what(),
                 Contains("400 (invalid_grant)") && !Contains("canary") && Contains("of this "));
    }
  });
}
