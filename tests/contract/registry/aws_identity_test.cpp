// The identities of Amazon against doubles of the services that give them, over real HTTP.

#include "cloud_scene.hpp"
#include "registry/sigv4.hpp"
#include "support/proxy_server.hpp"
#include "support/run.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;
using Catch::Contains;

namespace {

const std::string ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

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

}  // namespace

TEST_CASE("Amazon: keys of the environment sign the request for a login") {
  Cloud api;
  api.answers["POST /"] = ecr_login();
  api.wanted_header = {{"x-amz-target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"},
                       {"content-type", "application/x-amz-json-1.1"}};
  run([&]() -> Task<> {
    CloudScene scene;
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
    CloudScene scene;
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

TEST_CASE("D1: only the metadata service is asked at a link-local address, and only directly") {
  Cloud metadata;
  metadata.answers["PUT /latest/api/token"] = "canary-imds";
  metadata.answers["GET /latest/meta-data/iam/security-credentials/"] = "builder";
  metadata.answers["GET /latest/meta-data/iam/security-credentials/builder"] = instance_keys();
  Cloud api;
  api.answers["POST /"] = ecr_login();
  const ProxyServer proxy;
  // All of this machine stands for metadata services.
  net::ClientOptions network;
  network.classify = [](const boost::asio::ip::address&) { return net::AddressClass::metadata; };
  network.lookup = [](const std::string&) -> std::vector<boost::asio::ip::address> {
    return {boost::asio::ip::make_address("127.0.0.1")};
  };
  net::Proxies proxies;
  proxies.http = net::Proxy::parse(proxy.url());
  network.proxies = std::make_shared<const net::Proxies>(proxies);
  const auto error = run([&]() -> Task<std::optional<Error>> {
    CloudScene scene(network);
    scene.addresses.aws_metadata = "http://metadata.test:" + std::to_string(metadata.server.port());
    scene.addresses.aws_ecr = "http://127.0.0.1:" + std::to_string(api.server.port());
    co_return co_await failure_of(scene.find(registry::make_aws_identity(scene.world()), ecr));
  });
  CHECK(metadata.server.requests().size() == 3);
  CHECK(error->kind() == ErrorKind::denied);
  CHECK(api.server.connections() == 0);
  CHECK(proxy.asked().empty());
}

TEST_CASE("Amazon: the services of the cloud are asked through the registry's proxy") {
  Cloud api;
  const ProxyServer proxy;
  const std::string host = "ecr.test:" + std::to_string(api.server.port());
  api.answers["POST http://" + host + "/"] = ecr_login();  // the proxy hands on what it was asked for
  run([&]() -> Task<> {
    CloudScene scene;
    net::Proxies proxies;
    proxies.http = net::Proxy::parse(proxy.url());
    scene.access.proxies = std::make_shared<const net::Proxies>(proxies);
    scene.environment = {{"AWS_ACCESS_KEY_ID", "AKID"}, {"AWS_SECRET_ACCESS_KEY", "canary"}};
    scene.addresses.aws_ecr = "http://" + host;
    const auto found = co_await scene.find(registry::make_aws_identity(scene.world()), ecr);
    CHECK(found->username == "AWS");
  });
  CHECK(proxy.asked() == std::vector<std::string>{"POST http://" + host + "/"});
}

TEST_CASE("Amazon: a container's role is asked for at the address in its environment, with its token") {
  Cloud containers;
  containers.answers["GET /v2/credentials/1"] = instance_keys("ECSKEY");
  containers.wanted_header = {{"authorization", "canary-token"}};
  Cloud api;
  api.answers["POST /"] = ecr_login();
  const auto find = [&](std::map<std::string, std::string> environment) {
    return run([&]() -> Task<std::optional<Error>> {
      CloudScene scene;
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
    CloudScene scene;
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
    CloudScene scene;
    const Error error =
        co_await failure_of(scene.find(registry::make_aws_identity(scene.world()), "r.example.com"));
    CHECK(error.kind() == ErrorKind::invalid);
    CHECK_THAT(error.what(), Contains("r.example.com"));
  });
}
