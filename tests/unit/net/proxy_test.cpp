#include "net/proxy.hpp"

#include "core/error.hpp"

#include <map>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::net;

namespace {

std::string refusal(const std::string& text) {
  try {
    Proxy::parse(text);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid);
    return error.what();
  }
  return "";
}

/// "direct", or the proxy for a URL.
std::string way(const Proxies& proxies, const std::string& url) {
  const auto proxy = proxies.choose(Url::parse(url));
  return proxy ? proxy->text() : "direct";
}

bool is_direct(const std::string& rule, const std::string& url) {
  Proxies proxies;
  proxies.https = proxies.http = Proxy::parse("p.example:3128");
  proxies.direct = {rule};
  return way(proxies, url) == "direct";
}

Proxies from(const std::map<std::string, std::string>& variables) {
  return proxies_from([&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

}  // namespace

TEST_CASE("a proxy is read with scheme, port and credentials, each optional") {
  CHECK(Proxy::parse("http://P.example:3128").text() == "http://p.example:3128");
  CHECK(Proxy::parse("p.example:3128").text() == "http://p.example:3128");
  CHECK(Proxy::parse("http://p.example/").text() == "http://p.example:80");
  CHECK(Proxy::parse("SOCKS5://p.example").text() == "socks5://p.example:1080");
  CHECK(Proxy::parse("socks5h://[::1]:9050").text() == "socks5h://[::1]:9050");
  CHECK(Proxy::parse("socks5h://[fd00::80]").text() == "socks5h://[fd00::80]:1080");
  const Proxy proxy = Proxy::parse("http://user:p%40ss%3A@p.example:1");
  CHECK(proxy.username == "user");
  CHECK(proxy.password == Secret("p@ss:"));
  CHECK(proxy.text() == "http://p.example:1");
}

TEST_CASE("D11: what is no proxy is refused, and its password not quoted") {
  for (const char* text :
       {"https://u:canary@p.example", "ftp://u:canary@p.example", "http://u:canary@",
        "http://u:canary@p.example:0", "http://u:canary@p.example/path", "http://u:can%ary@p.example",
        "http://:canary@p.example", "http://u:canary%0d%0a@p.example", "http://u%3av:canary@p.example",
        "http://u:canary@p .example"}) {
    INFO(text);
    const std::string message = refusal(text);
    CHECK_FALSE(message.empty());
    CHECK(message.find("canary") == std::string::npos);
  }
  CHECK_FALSE(refusal("").empty());
}

TEST_CASE("https and http URLs have each their proxy") {
  Proxies proxies;
  proxies.https = Proxy::parse("http://a.example:1");
  CHECK(way(proxies, "https://r.example/") == "http://a.example:1");
  CHECK(way(proxies, "http://r.example/") == "direct");
  proxies.http = Proxy::parse("http://b.example:2");
  CHECK(way(proxies, "http://r.example/") == "http://b.example:2");
}

TEST_CASE("this machine and Unix sockets never go through a proxy") {
  Proxies proxies;
  proxies.https = proxies.http = Proxy::parse("p.example:3128");
  for (const char* url : {"http://localhost:5000/", "https://localhost/", "http://registry.localhost/",
                          "http://localhost./", "http://127.0.0.1:5000/", "http://127.1/",
                          "http://2130706433/", "http://[::1]:5000/", "http://[::ffff:127.0.0.1]/"})
    CHECK(way(proxies, url) == "direct");
  CHECK_FALSE(proxies.choose(Url::on_socket("/run/x.sock", "/")));
  CHECK(way(proxies, "http://localhost.example/") != "direct");
}

TEST_CASE("which hosts a rule has asked directly") {
  const std::string url = "https://registry.example.com/v2/";
  for (const char* rule : {"*", "example.com", "registry.example.com", "EXAMPLE.com", ".example.com",
                           "*.example.com", "example.com:443", "*:443", "example.com."}) {
    INFO(rule);
    CHECK(is_direct(rule, url));
  }
  for (const char* rule : {"ample.com", "y.example.com", ".registry.example.com", "*.registry.example.com",
                           "example.com:80", "example.com.evil", "com/24", "", "registry"}) {
    INFO(rule);
    CHECK_FALSE(is_direct(rule, url));
  }
  CHECK(is_direct("10.0.0.0/8", "http://10.200.3.4:5000/"));
  CHECK(is_direct("10.1.2.3/8", "http://10.200.3.4:5000/"));
  CHECK(is_direct("10.200.3.4", "http://10.200.3.4:5000/"));
  CHECK(is_direct("10.200.3.4:5000", "http://10.200.3.4:5000/"));
  CHECK(is_direct("fd00::/8", "http://[fd12::1]/"));
  CHECK(is_direct("fd12::1", "http://[fd12::1]/"));
  CHECK(is_direct("[fd12::1]:80", "http://[fd12:0::1]/"));
  CHECK_FALSE(is_direct("10.0.0.0/8", "http://11.0.0.1/"));
  CHECK_FALSE(is_direct("10.0.0.0/8", "http://10.example.com/"));
  CHECK_FALSE(is_direct("[fd12::1]:81", "http://[fd12::1]/"));
  CHECK_FALSE(is_direct("0.4", "http://10.0.0.4/"));
}

TEST_CASE("the environment's variables are read as other programs do") {
  const auto proxies = from({{"https_proxy", "http://a.example:1"},
                             {"HTTPS_PROXY", "http://b.example:2"},
                             {"HTTP_PROXY", "http://c.example:3"},
                             {"ALL_PROXY", "socks5://d.example:4"},
                             {"NO_PROXY", "one.example, two.example\tthree.example,,"}});
  CHECK(proxies.https->text() == "http://a.example:1");
  CHECK(proxies.http->text() == "http://c.example:3");
  CHECK(proxies.direct == std::vector<std::string>{"one.example", "two.example", "three.example"});
  CHECK(from({{"ALL_PROXY", "socks5://d.example:4"}}).https->text() == "socks5://d.example:4");
  CHECK_FALSE(from({}).https);
  CHECK_FALSE(from({{"HTTPS_PROXY", ""}}).https);
  CHECK(from({{"no_proxy", "a"}, {"NO_PROXY", "b"}}).direct == std::vector<std::string>{"a"});
}

TEST_CASE("under CGI, HTTP_PROXY is a header of a client and does not count") {
  CHECK_FALSE(from({{"REQUEST_METHOD", "GET"}, {"HTTP_PROXY", "http://evil.example:1"}}).http);
  CHECK(from({{"REQUEST_METHOD", "GET"}, {"http_proxy", "http://good.example:1"}}).http);
}

TEST_CASE("D11: a bad variable is named, without its password") {
  try {
    from({{"HTTPS_PROXY", "gopher://u:canary@x"}});
    FAIL("accepted");
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK(message.find("HTTPS_PROXY") != std::string::npos);
    CHECK(message.find("canary") == std::string::npos);
  }
}
