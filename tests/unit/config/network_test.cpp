// proxy, transfer, and what registries have of the kind.

#include "unit/config/support.hpp"

using namespace sluice::config;
using namespace sluice::config::test;
using Catch::Contains;

TEST_CASE("proxies are read with their credentials and rules") {
  const auto config = good(R"(
proxy:
  https: http://proxy.example.com:3128
  http: socks5h://socks
  auth: {username: bot, password: {file: /secret}}
  no_proxy: [example.com, .example.org, 10.0.0.0/8, "host:80", "*", "[fd00::1]:5000", "*.example.net:443", "fd00::/8", "fd00::1", "*:443"]
)");
  REQUIRE(config->proxy);
  CHECK(config->proxy->https.url == "http://proxy.example.com:3128");
  CHECK(config->proxy->https.password.reveal() == "from-file");
  CHECK(config->proxy->http.url == "socks5h://socks");
  CHECK(config->proxy->http.username == "bot");
  CHECK(config->proxy->no_proxy.size() == 10);
  CHECK_FALSE(good("log: {}")->proxy);
  CHECK(good("proxy: {}")->proxy->https.url.empty());
}

TEST_CASE("mistakes about proxies are told, and a password in an address is not quoted") {
  for (const auto* url : {"https://p.example.com:1", "p.example.com:3128", "http://",
                          "http://p.example.com/x", "ftp://p.example.com"})
    CHECK_THAT(wrong("proxy: {https: '" + std::string(url) + "'}"), Contains("is not a proxy"));
  const auto told = wrong("proxy: {http: 'http://bot:canary@p.example.com:1'}");
  CHECK_THAT(told, Contains("credentials do not stand in its address") && !Contains("canary"));
  for (const auto* rule :
       {"a b", "http://a", "10.0.0.0/33", "fd00::/129", "a/8", "10.0.0.0/", "host:x", "a,b"})
    CHECK_THAT(wrong("proxy: {no_proxy: ['" + std::string(rule) + "']}"), Contains("names no hosts"));
  CHECK_THAT(wrong("proxy: {auth: {username: 'a:b', password: {file: /secret}}}"), Contains("no colon"));
}

TEST_CASE("a registry has the proxy of all, its own, or none") {
  const auto config = good(R"(
registries:
  one.example.com: {proxy: none}
  two.example.com: {proxy: "socks5://10.0.0.1:1080", proxy_auth: {username: bot, password: {file: /secret}}}
  three.example.com: {}
)");
  CHECK(config->registry("one.example.com").proxy->url.empty());
  CHECK(config->registry("two.example.com").proxy->url == "socks5://10.0.0.1:1080");
  CHECK(config->registry("two.example.com").proxy->password.reveal() == "from-file");
  CHECK_FALSE(config->registry("three.example.com").proxy);
  CHECK_THAT(wrong("registries: {one.example.com: {proxy_auth: {username: a, password: {file: /secret}}}}"),
             Contains("a proxy that is not set here"));
  CHECK_THAT(wrong("registries: {one.example.com: {proxy: nope}}"), Contains("is not a proxy"));
}

TEST_CASE("foreign layers are skipped unless they are to be copied") {
  CHECK_FALSE(good("log: {}")->foreign_layers);
  CHECK_FALSE(good("transfer: {foreign_layers: skip}")->foreign_layers);
  CHECK(good("transfer: {foreign_layers: copy}")->foreign_layers);
  CHECK_THAT(wrong("transfer: {foreign_layers: maybe}"), Contains("skip"));
}

TEST_CASE("bandwidth is bytes per second in decimal or binary units") {
  const std::pair<const char*, std::uint64_t> rates[] = {{"10kB", 10'000},          {"500kB/s", 500'000},
                                                         {"50MB", 50'000'000},      {"1GiB", 1'073'741'824},
                                                         {"2mib", 2 * 1024 * 1024}, {"none", 0}};
  for (const auto& [text, rate] : rates) {
    INFO(text);
    CHECK(good("transfer: {bandwidth: " + std::string(text) + "}")->bandwidth == rate);
    CHECK(good("registries: {r.example.com: {bandwidth: " + std::string(text) + "}}")
              ->registry("r.example.com")
              .bandwidth == rate);
  }
  CHECK(good("log: {}")->bandwidth == 0);
  for (const auto* text :
       {"50", "9kB", "MB", "-1MB", "1.5MB", "50Mbit", "99999999999999999999MB", "100000GB", "0kB"}) {
    INFO(text);
    CHECK_THAT(wrong("transfer: {bandwidth: " + std::string(text) + "}"),
               Contains("not a number of bytes per second"));
  }
}
