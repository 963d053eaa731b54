#include "net/url.hpp"

#include "core/error.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using net::Url;

namespace {

ErrorKind kind_of_parse(std::string_view text) {
  try {
    Url::parse(text);
  } catch (const Error& error) {
    return error.kind();
  }
  FAIL("accepted: " << text);
  return ErrorKind::internal;
}

}  // namespace

TEST_CASE("a URL is read into its parts") {
  const Url url = Url::parse("HTTPS://Registry.Example.com:5000/v2/a%2Fb/tags?n=1&x=%20#fragment");
  CHECK(url.scheme == "https");
  CHECK(url.host == "registry.example.com");
  CHECK(url.port == 5000);
  CHECK(url.target == "/v2/a%2Fb/tags?n=1&x=%20");
  CHECK(url.text() == "https://registry.example.com:5000/v2/a%2Fb/tags?n=1&x=%20");
}

TEST_CASE("ports left out are those of the scheme, and stay out of the Host field") {
  CHECK(Url::parse("http://a").port == 80);
  CHECK(Url::parse("https://a:").port == 443);
  CHECK(Url::parse("https://a:443/").authority() == "a");
  CHECK(Url::parse("http://a:443/").authority() == "a:443");
  CHECK(Url::parse("http://a").target == "/");
  CHECK(Url::parse("http://a?x=1").target == "/?x=1");
}

TEST_CASE("IPv6 hosts are kept without brackets and shown with them") {
  const Url url = Url::parse("http://[2001:DB8::1]:5000/x");
  CHECK(url.host == "2001:db8::1");
  CHECK(url.authority() == "[2001:db8::1]:5000");
  CHECK(url.text() == "http://[2001:db8::1]:5000/x");
}

TEST_CASE("what is no safe http URL is refused as invalid") {
  for (const char* text : {"",
                           "/path",
                           "host/path",
                           "http:",
                           "http:///path",
                           "http://",
                           "ftp://a/",
                           "unix:/run/x.sock",
                           "file:///etc/passwd",
                           "http://user@a/",
                           "http://user:pass@a/",
                           "http://a:0/",
                           "http://a:65536/",
                           "http://a:99999999999/",
                           "http://a:5x/",
                           "http://a b/",
                           "http://a/b c",
                           "http://a/\r\nX: y",
                           "http://a\r\n/",
                           "http://a/\x01",
                           "http://a/%zz",
                           "http://%61/",
                           "http://a/\xc3\xa4",
                           "http://[::1/",
                           "http://[v1.x]/",
                           "http://a$b/",
                           "http://a\\b/",
                           "http://a/b\\c"})
    CHECK(kind_of_parse(text) == ErrorKind::invalid);
  CHECK(kind_of_parse(std::string("http://a/\0b", 11)) == ErrorKind::invalid);
  CHECK(kind_of_parse(std::string("http://[::1\0\r\nX: y]/", 21)) == ErrorKind::invalid);
  CHECK(kind_of_parse("http://" + std::string(300, 'a') + "/") == ErrorKind::invalid);
  CHECK(kind_of_parse("http://a/" + std::string(20000, 'a')) == ErrorKind::invalid);
}

TEST_CASE("a refused URL is quoted without its query") {
  try {
    Url::parse("ftp://a/b?signature=secret");
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("secret") == std::string::npos);
  }
  CHECK(Url::parse("https://a/b?signature=secret").without_query() == "https://a/b");
}

TEST_CASE("locations are resolved against the URL that sent them") {
  const Url base = Url::parse("https://a.example:8443/v2/x/blobs/uploads/1?state=2");
  const auto resolved = [&](std::string_view location) { return base.resolve(location).text(); };
  CHECK(resolved("http://b.example/y?z") == "http://b.example/y?z");
  CHECK(resolved("//b.example/y") == "https://b.example/y");
  CHECK(resolved("/v2/y?n=1") == "https://a.example:8443/v2/y?n=1");
  CHECK(resolved("2?state=3") == "https://a.example:8443/v2/x/blobs/uploads/2?state=3");
  CHECK(resolved("../y") == "https://a.example:8443/v2/x/blobs/y");
  CHECK(resolved("../../../../../../y") == "https://a.example:8443/y");
  CHECK(resolved("?state=4") == "https://a.example:8443/v2/x/blobs/uploads/1?state=4");
  CHECK(resolved("/y%2Fz?a=b%2Bc&d=%7E") == "https://a.example:8443/y%2Fz?a=b%2Bc&d=%7E");
}

TEST_CASE("D1: a location that leaves http or smuggles something is corrupt") {
  const Url base = Url::parse("https://a.example/x");
  for (const char* location :
       {"file:///etc/passwd", "unix:/run/podman.sock:/x", "ftp://b/", "javascript:alert(1)",
        "https://user:pass@b/", "/a\r\nX: y", "/a b", "http://", "https://b:0/", "\x01"}) {
    CAPTURE(location);
    try {
      base.resolve(location);
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::corrupt);
    }
  }
}

TEST_CASE("a location never leads off a Unix socket, and never onto one") {
  const Url base = Url::on_socket("/run/sluice.sock", "/api/v1/runs?limit=1");
  CHECK(base.resolve("/api/v1/runs/ca1a") == Url::on_socket("/run/sluice.sock", "/api/v1/runs/ca1a"));
  CHECK(base.resolve("?limit=2").target == "/api/v1/runs?limit=2");
  CHECK(base.authority() == "localhost");
  CHECK(base.text() == "unix:/run/sluice.sock:/api/v1/runs?limit=1");
  for (const char* location : {"http://b/", "//b/x", "//localhost/x", "http://localhost/x"})
    CHECK_THROWS_AS(base.resolve(location), Error);
}

TEST_CASE("an origin is scheme, host and port") {
  const Url url = Url::parse("https://a/x");
  CHECK(url.same_origin(Url::parse("https://A:443/y")));
  CHECK_FALSE(url.same_origin(Url::parse("http://a/x")));
  CHECK_FALSE(url.same_origin(Url::parse("https://b/x")));
  CHECK_FALSE(url.same_origin(Url::parse("https://a:444/x")));
}
