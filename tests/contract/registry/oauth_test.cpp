// Token services by OAuth2, identity and registry tokens, over real HTTP.

#include "guarded_registry.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;
using Catch::Contains;

namespace {

registry::Credentials identity(const std::string& username, const std::string& token) {
  registry::Credentials credentials;
  credentials.username = username;
  credentials.identity_token = Secret(token);
  return credentials;
}

using Methods = std::vector<std::string>;

}  // namespace

TEST_CASE("an identity token is exchanged by POST, with one scope parameter and no Basic") {
  Guarded guarded;
  CHECK_FALSE(guarded.resolve(identity("", "canary")));
  const auto requests = guarded.service.server.requests();
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].method == "POST");
  CHECK(requests[0].target == "/token");
  CHECK(requests[0].headers.at("content-type") == "application/x-www-form-urlencoded");
  CHECK(requests[0].headers.count("authorization") == 0);
  CHECK(
      requests[0].body ==
      "grant_type=refresh_token&client_id=sluice&service=s&scope=repository%3Aa%3Apull&refresh_token=canary");
  for (const auto& request : guarded.registry.requests())
    if (request.headers.count("authorization") != 0)
      CHECK(request.headers.at("authorization") == "Bearer token-1");
}

TEST_CASE(
    "where POST is not known, an identity token with a user name goes by GET; without one that is all") {
  for (const int status : {400, 401, 404, 405}) {
    INFO(status);
    Guarded named;
    named.service.post_status = status;
    CHECK_FALSE(named.resolve(identity("bot", "canary")));
    CHECK(named.service.asked() == Methods{"POST", "GET"});
    CHECK(named.service.server.requests().back().headers.at("authorization") ==
          "Basic " + net::base64_encode("bot:canary"));

    Guarded nameless;
    nameless.service.post_status = status;
    const auto error = nameless.resolve(identity("", "canary"));
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::unauthorized);
    CHECK(nameless.service.asked() == Methods{"POST"});
  }
}

TEST_CASE("an overloaded token service is not asked in another way") {
  for (const int status : {403, 429, 503}) {
    INFO(status);
    Guarded guarded;
    guarded.service.post_status = status;
    const auto error = guarded.resolve(identity("bot", "canary"));
    REQUIRE(error);
    CHECK(guarded.service.asked() == Methods{"POST"});
  }
}

TEST_CASE("where GET is not known, a password goes by POST") {
  for (const int status : {404, 405}) {
    INFO(status);
    Guarded guarded;
    guarded.service.get_status = status;
    CHECK_FALSE(guarded.resolve({"bot", Secret("canary&1")}));
    CHECK(guarded.service.asked() == Methods{"GET", "POST"});
    CHECK(guarded.service.server.requests().back().body ==
          "grant_type=password&client_id=sluice&service=s&scope=repository%3Aa%3Apull&access_type=offline&"
          "username=bot&password=canary%261");
  }
  Guarded anonymous;
  anonymous.service.get_status = 404;
  CHECK(run([&]() -> Task<ErrorKind> {
          Rig rig;
          const Error error =
              co_await failure_of(rig.client.resolve(anonymous.registry.repository("a"), "1"));
          co_return error.kind();
        }) == ErrorKind::unauthorized);
  CHECK(anonymous.service.asked() == Methods{"GET"});
}

TEST_CASE("a refresh token that came with a token is used for the next one, and forgotten when refused") {
  Guarded guarded;
  guarded.service.fields = R"(,"refresh_token":"canary-refresh","expires_in":60)";
  run([&]() -> Task<> {
    Rig rig;
    rig.log_in(guarded.registry.host(), "bot", "canary");
    co_await rig.client.resolve(guarded.registry.repository("a"), "1");
    rig.clock.advance(std::chrono::seconds(60));
    co_await rig.client.resolve(guarded.registry.repository("a"), "1");
    CHECK(guarded.service.asked() == Methods{"GET", "POST"});
    CHECK_THAT(guarded.service.server.requests().back().body, Contains("refresh_token=canary-refresh"));
    // One that is used goes on being used, though the service gives no new one with it.
    guarded.service.fields = R"(,"expires_in":60)";
    rig.clock.advance(std::chrono::seconds(60));
    co_await rig.client.resolve(guarded.registry.repository("a"), "1");
    CHECK(guarded.service.asked() == Methods{"GET", "POST", "POST"});
    guarded.service.post_status = 403;
    for (int i = 0; i < 2; ++i) {
      rig.clock.advance(std::chrono::seconds(60));
      co_await rig.client.resolve(guarded.registry.repository("a"), "1");
    }
    CHECK(guarded.service.asked() == Methods{"GET", "POST", "POST", "POST", "GET", "GET"});
  });
}

TEST_CASE("a registry token is sent as it is, and no token service is asked") {
  Guarded guarded;
  guarded.good = [](const std::string& header) { return header == "Bearer verbatim"; };
  registry::Credentials credentials;
  credentials.registry_token = Secret("verbatim");
  CHECK_FALSE(guarded.resolve(credentials));
  credentials.registry_token = Secret("canary-wrong");
  const auto error = guarded.resolve(credentials);
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::unauthorized);
  CHECK_THAT(error->what(), !Contains("canary"));
  CHECK(guarded.service.asked().empty());
}

TEST_CASE("D11: a token service that says back what it was sent does not bring it into an error") {
  for (const auto& credentials : {identity("", "canary identity"), identity("bot", "canary-identity"),
                                  registry::Credentials{"bot", Secret("canary&password")}}) {
    Guarded guarded;
    guarded.service.post_status = guarded.service.get_status = 405;
    const auto error = guarded.resolve(credentials);
    REQUIRE(error);
    CHECK_THAT(error->what(), !Contains("canary") && Contains("405"));
  }
}

TEST_CASE("D11: a registry that says back what it was sent does not bring it into an error") {
  const std::string basic = net::base64_encode("bot:canary");
  FakeRegistry registry([&](Exchange& exchange, const RecordedRequest& request) {
    const auto header = request.headers.find("authorization");
    if (header == request.headers.end())
      exchange.answer(401, "", "WWW-Authenticate: Basic realm=\"x\"\r\n");
    else
      exchange.answer(500, "cannot handle " + header->second);
    return true;
  });
  run([&]() -> Task<> {
    Rig rig;
    rig.log_in(registry.host(), "bot", "canary");
    const Error error =
        co_await failure_of(rig.client.small_blob(registry.repository("a"), image.blobs[0].digest()));
    CHECK_THAT(error.what(), Contains("500") && !Contains(basic) && !Contains("canary"));
  });
}

TEST_CASE("a scope that is demanded mid-session is asked for together with the others, once") {
  Guarded guarded;
  std::atomic<bool> second = false;
  const auto demanding = "WWW-Authenticate: Bearer realm=\"" + guarded.service.server.url("/token") +
                         "\",service=\"s\",scope=\"repository:b:pull\",error=\"insufficient_scope\"\r\n";
  FakeRegistry registry([&](Exchange& exchange, const RecordedRequest& request) {
    const auto header = request.headers.find("authorization");
    const bool token = header != request.headers.end();
    if (token && (!second || header->second == "Bearer token-2")) return false;
    exchange.answer(401, "", token ? demanding : guarded.service.challenge());
    return true;
  });
  registry.add("a", image);
  registry.tag("a", "1", image.manifest);
  run([&]() -> Task<> {
    Rig rig;
    co_await rig.client.resolve(registry.repository("a"), "1");
    second = true;
    const auto resolved = co_await rig.client.resolve(registry.repository("a"), "1");
    CHECK(resolved.has_value());
  });
  REQUIRE(guarded.service.server.requests().size() == 2);
  CHECK(guarded.service.server.requests().back().target ==
        "/token?service=s&scope=repository%3Ab%3Apull&scope=repository%3Aa%3Apull");
}

TEST_CASE("D2: what a cloud gave for a registry goes to no other host, whatever token service it names") {
  Service elsewhere;
  FakeRegistry registry([&](Exchange& exchange, const RecordedRequest&) {
    exchange.answer(401, "",
                    "WWW-Authenticate: Bearer realm=\"http://localhost:" +
                        std::to_string(elsewhere.server.port()) + "/token\",service=\"s\"\r\n");
    return true;
  });
  run([&]() -> Task<> {
    Rig rig;
    rig.log_in(registry.host(), "oauth2accesstoken", "canary");
    rig.access[registry.host()].credentials->own_host_only = true;
    const Error error = co_await failure_of(rig.client.resolve(registry.repository("a"), "1"));
    CHECK(error.kind() == ErrorKind::unauthorized);
    CHECK_THAT(error.what(), Contains("goes to no other host"));
  });
  CHECK(elsewhere.asked().empty());
}
