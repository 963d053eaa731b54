#include "registry/location.hpp"

#include "core/error.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using net::Url;
using registry::endpoint_of;
using registry::upload_location;
using registry::with_digest;

namespace {
const oci::Digest digest = oci::Digest::of("x");
const Url answered = Url::parse("https://r.example/v2/a/b/blobs/uploads/");
const registry::Endpoint tls = endpoint_of("r.example", {});

std::string location(const std::string& text) {
  return upload_location(tls, answered, text).text();
}
}  // namespace

TEST_CASE("an upload location may be absolute, a path or relative, and keeps its query") {
  CHECK(location("https://r.example/v2/a/b/blobs/uploads/1?_state=x") ==
        "https://r.example/v2/a/b/blobs/uploads/1?_state=x");
  CHECK(location("/v2/a/b/blobs/uploads/1") == "https://r.example/v2/a/b/blobs/uploads/1");
  CHECK(location("1?_state=a%2Fb") == "https://r.example/v2/a/b/blobs/uploads/1?_state=a%2Fb");
  CHECK(location("https://storage.example/u/1") == "https://storage.example/u/1");
}

TEST_CASE("the digest is added to the query that is there, percent-encoded") {
  const std::string encoded = "sha256%3A" + std::string(digest.hex());
  CHECK(with_digest(Url::parse("https://r/u/1"), digest).text() == "https://r/u/1?digest=" + encoded);
  CHECK(with_digest(Url::parse("https://r/u/1?_state=x"), digest).text() ==
        "https://r/u/1?_state=x&digest=" + encoded);
}

TEST_CASE("a registry behind a TLS proxy that names itself with http is asked with https") {
  CHECK(location("http://r.example/v2/a/b/blobs/uploads/1") == "https://r.example/v2/a/b/blobs/uploads/1");
}

TEST_CASE("an upload never goes to another host without TLS unless the registry has none either") {
  CHECK_THROWS_AS(location("http://evil.example/u/1"), Error);
  const auto plain = endpoint_of("127.0.0.1:5000", {});
  CHECK(upload_location(plain, Url::parse("http://127.0.0.1:5000/v2/"), "http://127.0.0.1:5001/u").port ==
        5001);
}

TEST_CASE("an answer without a usable Location is corrupt") {
  for (const char* text : {"", "ftp://r.example/x", "http://[::1/x", "https://r.example:99999/"}) {
    INFO(text);
    try {
      location(text);
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::corrupt);
    }
  }
}
