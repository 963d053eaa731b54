#include "engine/network.hpp"

#include "core/error.hpp"

#include <catch2/catch.hpp>

using namespace sluice;

namespace {

std::optional<std::string> with_proxy(const std::string& name) {
  return name == "HTTPS_PROXY" ? std::optional<std::string>("http://environment.example:1") : std::nullopt;
}

const net::Url asked_url = net::Url::parse("https://r.example.com/v2/");

registry::Access access(engine::Network& network, const config::Config& config, const std::string& host) {
  registry::Access access;
  network.give_to(access, host, config.registry(host));
  return access;
}

}  // namespace

TEST_CASE("the environment's proxies count until the configuration has some, even none at all") {
  config::Config config;
  CHECK(engine::proxies_of(config, with_proxy).choose(asked_url)->text() == "http://environment.example:1");
  config.proxy = config::Proxies{};
  CHECK_FALSE(engine::proxies_of(config, with_proxy).choose(asked_url));
  config.proxy->https = {.url = "socks5h://p.example:9", .username = "bot", .password = Secret("canary")};
  const auto chosen = engine::proxies_of(config, with_proxy).choose(asked_url);
  REQUIRE(chosen);
  CHECK(chosen->text() == "socks5h://p.example:9");
  CHECK(chosen->password == Secret("canary"));
  config.proxy->no_proxy = {"example.com"};
  CHECK_FALSE(engine::proxies_of(config, with_proxy).choose(asked_url));
}

TEST_CASE("a registry gets its own proxy, none at all, or that of all") {
  config::Config config;
  config.registries["own.example"].proxy =
      config::Proxy{.url = "http://p.example:3128", .username = {}, .password = {}};
  config.registries["none.example"].proxy = config::Proxy{};
  config.registries["all.example"] = {};
  engine::Network network;
  CHECK(access(network, config, "own.example").proxies->choose(asked_url)->text() == "http://p.example:3128");
  const auto none = access(network, config, "none.example").proxies;
  REQUIRE(none);
  CHECK_FALSE(none->choose(asked_url));
  CHECK_FALSE(access(network, config, "all.example").proxies);
  CHECK_FALSE(access(network, config, "unlisted.example").proxies);
}

TEST_CASE("all requests to a registry share one limit, which follows the configuration") {
  config::Config config;
  config.registries["r.example"].bandwidth = 1'000'000;
  engine::Network network;
  const auto first = access(network, config, "r.example").bandwidth;
  REQUIRE(first);
  CHECK(access(network, config, "r.example").bandwidth == first);
  CHECK(first->piece(1'000'000) == 100'000);
  config.registries["r.example"].bandwidth = 2'000'000;
  CHECK(access(network, config, "r.example").bandwidth == first);
  CHECK(first->piece(1'000'000) == 200'000);
  config.registries["r.example"].bandwidth = 0;
  access(network, config, "r.example");
  CHECK_FALSE(first->is_limited());
  CHECK_FALSE(access(network, config, "unlisted.example").bandwidth);
}

TEST_CASE("certificates of other tools count for a registry that has none configured") {
  registry::Surroundings surroundings;
  surroundings.names = [](const std::string& folder) {
    if (!folder.starts_with("/etc/docker/certs.d/")) return std::vector<std::string>{};
    return std::vector<std::string>{"ca.crt", "client.cert", "client.key"};
  };
  engine::Network network(surroundings);
  config::Config config;
  config.registries["own.example"].ca = "/own.pem";
  config.registries["plain.example"].plain_http = true;
  config.registries["listed.example"] = {};
  CHECK(access(network, config, "own.example").tls ==
        net::TlsOptions{.ca = {"/own.pem"}, .certificate = {}, .key = {}});
  CHECK(access(network, config, "plain.example").tls == net::TlsOptions{});
  for (const std::string host : {"listed.example", "unlisted.example", "localhost:5000"}) {
    const auto found = access(network, config, host).tls;
    const std::string folder = "/etc/docker/certs.d/" + host + "/";
    CHECK(found == net::TlsOptions{.ca = {folder + "ca.crt"},
                                   .certificate = folder + "client.cert",
                                   .key = folder + "client.key"});
  }
}
