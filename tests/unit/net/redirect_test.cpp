#include "net/redirect.hpp"

#include "core/error.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::net;

namespace {

Request request(std::string_view url = "https://a.example/x") {
  Request result;
  result.url = Url::parse(url);
  result.headers = {
      {"Authorization", "secret"}, {"Cookie", "secret"}, {"Proxy-Authorization", "secret"}, {"Accept", "x"}};
  result.tls.ca = {"/ca.pem"};
  result.tls.certificate = "/me.pem";
  result.tls.key = "/me.key";
  return result;
}

constexpr AddressClass at = AddressClass::global;

Headers to(std::string location) {
  return {{"Location", std::move(location)}};
}

}  // namespace

TEST_CASE("a redirect on the same origin keeps credentials") {
  for (int status : {301, 302, 303, 307, 308}) {
    const auto next = follow(request(), status, to("/y"), at);
    REQUIRE(next);
    CHECK(next->url.text() == "https://a.example/y");
    CHECK(next->headers.get("Authorization") == "secret");
    CHECK(next->tls.certificate == "/me.pem");
  }
}

TEST_CASE("D2: a redirect to another origin drops every credential") {
  for (const char* location : {"https://b.example/y", "https://a.example:8443/x", "//b.example/"}) {
    const auto next = follow(request(), 307, to(location), at);
    REQUIRE(next);
    for (const char* name : {"Authorization", "Cookie", "Proxy-Authorization"})
      CHECK_FALSE(next->headers.get(name));
    CHECK(next->headers.get("Accept") == "x");
    CHECK_FALSE(next->tls.certificate);
    CHECK_FALSE(next->tls.key);
    CHECK(next->tls.ca == std::vector<std::filesystem::path>{"/ca.pem"});
  }
}

TEST_CASE("D1: https never falls to http, on the same host neither") {
  for (const char* location : {"http://a.example/x", "http://b.example/"}) {
    try {
      follow(request(), 302, to(location), at);
      FAIL("followed");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::denied);
    }
  }
  CHECK(follow(request("http://a.example/"), 302, to("https://a.example/"), at));
}

TEST_CASE("what is no redirect of a GET or HEAD is not followed") {
  CHECK_FALSE(follow(request(), 200, to("/y"), at));
  CHECK_FALSE(follow(request(), 304, to("/y"), at));
  CHECK_FALSE(follow(request(), 302, {}, at));
  auto post = request();
  post.method = "POST";
  CHECK_FALSE(follow(post, 307, to("/y"), at));
}

TEST_CASE("D1: another origin is a host that the peer named, the same one is not") {
  auto first = request();
  first.reach.trusted = {"storage.example"};
  const auto inside = AddressClass::private_network;
  CHECK(follow(first, 307, to("/y"), inside)->reach.named_by.empty());
  const auto other = follow(first, 307, to("https://b.example/y"), inside);
  CHECK(other->reach.named_by == "a.example");
  CHECK(other->reach.namer == inside);
  CHECK(follow(first, 307, to("https://storage.example/y"), inside)->reach.named_by.empty());
  // The next hop is named by the one before it, not by the first.
  const auto third = follow(*other, 307, to("https://c.example/y"), AddressClass::global);
  CHECK(third->reach.named_by == "b.example");
  CHECK_FALSE(third->reach.permits(inside));
}
