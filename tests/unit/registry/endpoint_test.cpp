#include "registry/endpoint.hpp"

#include "core/error.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using registry::Access;
using registry::endpoint_of;

TEST_CASE("Docker Hub answers at registry-1.docker.io") {
  CHECK(endpoint_of("docker.io", {}).base.text() == "https://registry-1.docker.io/v2/");
  CHECK(endpoint_of("index.docker.io", {}).base.text() == "https://registry-1.docker.io/v2/");
}

TEST_CASE("plain http is for loopback and for hosts where the operator says so") {
  Access plain;
  plain.plain_http = true;
  Access encrypted;
  encrypted.plain_http = false;
  Access with_ca;
  with_ca.tls.ca = {"/ca.pem"};
  CHECK(endpoint_of("r.example:5000", {}).base.text() == "https://r.example:5000/v2/");
  CHECK(endpoint_of("r.example:5000", plain).base.text() == "http://r.example:5000/v2/");
  CHECK(endpoint_of("localhost:5000", {}).base.text() == "http://localhost:5000/v2/");
  CHECK(endpoint_of("127.9.9.9:5000", {}).base.text() == "http://127.9.9.9:5000/v2/");
  CHECK(endpoint_of("[::1]:5000", {}).base.text() == "http://[::1]:5000/v2/");
  CHECK(endpoint_of("localhost:5000", encrypted).base.text() == "https://localhost:5000/v2/");
  CHECK(endpoint_of("localhost:5000", with_ca).base.text() == "https://localhost:5000/v2/");
  CHECK(endpoint_of("127.evil.example", {}).base.scheme == "https");
  CHECK(endpoint_of("localhost.evil.example", {}).base.scheme == "https");
}

TEST_CASE("a name that is no host is refused") {
  for (const char* name : {"r.example/x", "u@r.example", "r.example?x", "", "r example"}) {
    INFO(name);
    CHECK_THROWS_AS(endpoint_of(name, {}), Error);
  }
}

TEST_CASE("the client certificate is shown to the registry's own host only") {
  Access access;
  access.tls.ca = {"/ca.pem"};
  access.tls.certificate = "/c.pem";
  access.tls.key = "/k.pem";
  const auto endpoint = endpoint_of("r.example", access);
  CHECK(tls_for(endpoint, net::Url::parse("https://r.example/x")) == access.tls);
  const auto other = tls_for(endpoint, net::Url::parse("https://s.example/x"));
  CHECK(other.ca == access.tls.ca);
  CHECK_FALSE(other.certificate.has_value());
  CHECK_FALSE(other.key.has_value());
}
