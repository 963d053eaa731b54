// Identities of Azure and Google against doubles of the services that give them, over real HTTP.

#include "registry/cloud.hpp"

#include "cloud_scene.hpp"
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
using registry::CredentialSource;

namespace {

const TestImage image = make_image("amd64", 61, {100});
const std::string ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

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

Task<> resolve_into(CloudScene& scene, oci::Repository repository, int& done) {
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
    CloudScene scene;
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
    CloudScene scene;
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
    CloudScene scene;
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

TEST_CASE("Google: the token of the machine's service account is the password") {
  Cloud metadata;
  metadata.wanted_header = {{"metadata-flavor", "Google"}};
  metadata.answers["GET /computeMetadata/v1/instance/service-accounts/default/token"] =
      R"({"access_token":"ya29.canary","expires_in":3599,"token_type":"Bearer"})";
  run([&]() -> Task<> {
    CloudScene scene;
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
    CloudScene scene;
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
    CloudScene scene;
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
