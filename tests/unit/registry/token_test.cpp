#include "registry/token.hpp"

#include "core/error.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace std::chrono_literals;
using registry::Access;
using registry::Challenge;
using registry::endpoint_of;
using registry::merged_scopes;
using registry::parse_token;
using registry::token_request;

namespace {

Access with_credentials() {
  Access access;
  access.credentials = registry::Credentials{"bot", Secret("canary")};
  return access;
}

Challenge bearer(const std::string& realm) {
  return {"bearer", {{"realm", realm}, {"service", "s v"}}};
}

bool refused(const std::string& registry, const Access& access, const std::string& realm) {
  try {
    token_request(endpoint_of(registry, access), bearer(realm), {});
  } catch (const Error& error) {
    return error.kind() == ErrorKind::unauthorized;
  }
  return false;
}

}  // namespace

TEST_CASE("a token is asked for with service and every scope, and the realm keeps its query") {
  const auto request =
      token_request(endpoint_of("r.example", with_credentials()), bearer("https://a.example/t?x=1"),
                    {"repository:a/b:pull,push", "repository:c:pull"});
  CHECK(request.url.text() ==
        "https://a.example/"
        "t?x=1&service=s%20v&scope=repository%3Aa%2Fb%3Apull%2Cpush&scope=repository%3Ac%3Apull");
  CHECK(request.with_credentials);
  CHECK_FALSE(token_request(endpoint_of("r.example", {}), bearer("https://a/t"), {}).with_credentials);
}

TEST_CASE("a relative realm is at the registry") {
  const auto request = token_request(endpoint_of("r.example:8443", {}), bearer("/jwt/auth"), {});
  CHECK(request.url.text() == "https://r.example:8443/jwt/auth?service=s%20v");
}

TEST_CASE("D2: which realms are refused") {
  Access plain = with_credentials();
  plain.plain_http = true;
  CHECK(refused("r.example", {}, "http://a.example/t"));
  CHECK(refused("r.example", with_credentials(), "http://r.example/t"));
  CHECK(refused("r.example", {}, "http://127.0.0.1/t"));
  CHECK(refused("127.0.0.1:5000", with_credentials(), "http://10.0.0.1/t"));
  CHECK(refused("r.example", plain, "http://a.example/t"));
  CHECK(refused("127.0.0.1:5000", with_credentials(), "http://a.example/t"));

  CHECK_FALSE(refused("r.example", with_credentials(), "https://a.example/t"));
  CHECK_FALSE(refused("r.example", plain, "http://r.example:5001/t"));
  CHECK_FALSE(refused("127.0.0.1:5000", with_credentials(), "http://127.0.0.1:5001/t"));
  CHECK_FALSE(refused("127.0.0.1:5000", with_credentials(), "http://localhost:5001/t"));
  Access anonymous_plain;
  anonymous_plain.plain_http = true;
  CHECK_FALSE(refused("r.example", anonymous_plain, "http://a.example/t"));
}

TEST_CASE("the scope that the registry demands comes first, none twice") {
  CHECK(merged_scopes({"a", "b"}, "b  c") == std::vector<std::string>{"b", "c", "a"});
  CHECK(merged_scopes({"a"}, "") == std::vector<std::string>{"a"});
}

TEST_CASE("a token comes as token or access_token, with or without its lifetime") {
  CHECK(parse_token(R"({"token":"t","expires_in":300})").value == Secret("t"));
  CHECK(parse_token(R"({"token":"t","expires_in":300})").lifetime == 300s);
  CHECK(parse_token(R"({"access_token":"t"})").value == Secret("t"));
  CHECK(parse_token(R"({"token":"","access_token":"t"})").value == Secret("t"));
  CHECK(parse_token(R"({"token":"t"})").lifetime == 60s);
  CHECK(parse_token(R"({"token":"t","expires_in":-1})").lifetime == 60s);
  CHECK(parse_token(R"({"token":"t","expires_in":"never"})").lifetime == 60s);
  CHECK(parse_token(R"({"token":"t","expires_in":1e300})").lifetime == 12h);
}

TEST_CASE("D11: an answer without a usable token is corrupt and not quoted") {
  for (const std::string body : {"", "no json canary", "[]", "{}", R"({"token":7,"x":"canary"})",
                                 R"({"token":"canary\r\n"})", R"({"token":"canary x"})"}) {
    INFO(body);
    try {
      parse_token(body);
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::corrupt);
      CHECK(std::string(error.what()).find("canary") == std::string::npos);
    }
  }
}

TEST_CASE("what has passed since a token was issued is taken off its lifetime, within bounds") {
  const Time now = *parse_time("2026-11-24T12:00:00Z");
  const auto lifetime = [&](const std::string& issued) {
    return parse_token(R"({"token":"t","expires_in":300,"issued_at":")" + issued + "\"}", now).lifetime;
  };
  CHECK(lifetime("2026-11-24T12:00:00Z") == 300s);
  CHECK(lifetime("2026-11-24T11:59:00Z") == 240s);
  CHECK(lifetime("2026-11-24T11:00:00Z") == 10s);
  CHECK(lifetime("1970-01-01T00:00:00Z") == 10s);
  CHECK(lifetime("2026-11-24T13:00:00Z") == 300s);
  CHECK(lifetime("yesterday") == 300s);
  CHECK(parse_token(R"({"token":"t","expires_in":5,"issued_at":"2026-11-24T11:00:00Z"})", now).lifetime ==
        5s);
}

TEST_CASE("a refresh token comes along, unless it cannot be sent") {
  CHECK(parse_token(R"({"token":"t","refresh_token":"r"})").refresh_token == Secret("r"));
  CHECK(parse_token(R"({"token":"t","refresh_token":"r\r\nx"})").refresh_token.empty());
  CHECK(parse_token(R"({"token":"t"})").refresh_token.empty());
}

TEST_CASE("a form has one scope of all, and everything in it is encoded") {
  CHECK(registry::refresh_form("s v", {"repository:a:pull,push", "repository:b:pull"}, Secret("r&x=")) ==
        Secret("grant_type=refresh_token&client_id=sluice&service=s%20v&scope=repository%3Aa%3Apull%2Cpush%20"
               "repository%3Ab%3Apull&refresh_token=r%26x%3D"));
  CHECK(registry::password_form("", {}, "me&you", Secret("p w")) ==
        Secret("grant_type=password&client_id=sluice&access_type=offline&username=me%26you&password=p%20w"));
}
