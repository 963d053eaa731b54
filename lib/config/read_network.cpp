// How the network is used: proxies, bandwidth, hosts that registries may name.

#include "config/read.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <arpa/inet.h>
#include <charconv>
#include <map>
#include <netinet/in.h>

namespace sluice::config {
namespace {

constexpr std::uint64_t least_rate = 10'000;
constexpr std::uint64_t most_rate = 1'000'000'000'000;

// With a port, single words ("minio") are hosts too.
bool is_host_or_word(const std::string& host) {
  return is_host(host) || is_host(host + ":443");
}

// Lower case, as hosts of URLs are.
std::vector<std::string> read_trusted_hosts(Section& section) {
  auto hosts = section.texts("trusted_hosts");
  for (std::size_t at = 0; at < hosts.size(); ++at) {
    hosts[at] = lower(hosts[at]);
    if (!is_host_or_word(hosts[at]))
      section.error(section.position("trusted_hosts", at),
                    "'" + printable(hosts[at], 80) + "' is not a host or host:port",
                    "for instance storage.example.com, or 10.1.2.3:9000");
  }
  return hosts;
}

// "50MB": bytes per second. Decimal units as networks have them, binary ones where they are written so.
std::optional<std::uint64_t> parse_rate(std::string text) {
  text = lower(text);
  if (text.ends_with("/s")) text.resize(text.size() - 2);
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || value > most_rate) return std::nullopt;
  static const std::map<std::string, std::uint64_t> units{{"kb", 1000},          {"mb", 1'000'000},
                                                          {"gb", 1'000'000'000}, {"kib", 1024},
                                                          {"mib", 1024 * 1024},  {"gib", 1024 * 1024 * 1024}};
  const auto unit = units.find(std::string(result.ptr, end));
  if (unit == units.end() || value > most_rate / unit->second) return std::nullopt;
  return value * unit->second;
}

std::uint64_t read_rate(Section& section) {
  if (!section.has("bandwidth")) return 0;
  const auto text = section.required_text("bandwidth");
  if (text == "none" || text.empty()) return 0;
  const auto rate = parse_rate(text);
  if (rate && *rate >= least_rate) return *rate;
  section.error(section.position("bandwidth"),
                "'" + printable(text, 80) + "' is not a number of bytes per second of at least 10kB",
                "for instance 500kB, 50MB or 1GiB; or none");
  return 0;
}

bool is_proxy(const std::string& url) {
  for (const std::string scheme : {"http://", "socks5://", "socks5h://"}) {
    if (!url.starts_with(scheme)) continue;
    std::string host = url.substr(scheme.size());
    if (host.ends_with('/')) host.pop_back();
    return is_host_or_word(lower(host));
  }
  return false;
}

Proxy read_proxy_url(Section& section, const std::string& key) {
  Proxy proxy;
  proxy.url = section.required_text(key);
  if (proxy.url.find('@') != std::string::npos)
    section.error(section.position(key), "a proxy's credentials do not stand in its address",
                  "give them as auth: {username: ..., password: {file: ...}} (a registry: proxy_auth)");
  else if (!proxy.url.empty() && !is_proxy(proxy.url))
    section.error(section.position(key), "'" + printable(proxy.url, 200) + "' is not a proxy",
                  "write it as http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT");
  return proxy;
}

// RFC 7617 2, RFC 1929 2: no colon in the name, 255 bytes each.
void read_proxy_credentials(Section& section, const std::string& key, const std::vector<Proxy*>& proxies) {
  if (!section.has(key)) return;
  auto auth = section.section(key);
  const auto username = auth.required_text("username");
  const auto password = auth.secret("password", true);
  if (username.find(':') != std::string::npos || username.size() > 255 || password.reveal().size() > 255)
    auth.error(auth.position(),
               "a proxy takes no colon in the name, and 255 bytes of name and password each");
  auth.done();
  for (auto* proxy : proxies) {
    proxy->username = username;
    proxy->password = password;
  }
}

bool is_network(const std::string& text) {
  const auto slash = text.find('/');
  const std::string address = text.substr(0, slash);
  int bits = -1;
  const auto* end = text.data() + text.size();
  const auto result = std::from_chars(text.data() + slash + 1, end, bits);
  if (result.ec != std::errc() || result.ptr != end || bits < 0) return false;
  in_addr four{};
  in6_addr six{};
  if (::inet_pton(AF_INET, address.c_str(), &four) == 1) return bits <= 32;
  return ::inet_pton(AF_INET6, address.c_str(), &six) == 1 && bits <= 128;
}

// "*", "host" with "." or "*." before it and ":port" behind it, an address, a network.
bool is_direct_rule(std::string rule) {
  if (rule.find('/') != std::string::npos) return is_network(rule);
  in6_addr six{};
  if (rule == "*" || ::inet_pton(AF_INET6, rule.c_str(), &six) == 1) return true;
  if (rule.starts_with("*:")) rule.replace(0, 1, "x");
  if (rule.starts_with("*.")) rule.erase(0, 1);
  if (rule.starts_with('.')) rule.erase(0, 1);
  return is_host_or_word(lower(rule));
}

void check_direct_rule(Section& section, std::size_t at, const std::string& rule) {
  if (is_direct_rule(rule)) return;
  section.error(section.position("no_proxy", at), "'" + printable(rule, 80) + "' names no hosts",
                "for instance example.com, .example.com, host:port, 10.0.0.0/8 or *");
}

Proxies read_proxies(Section section) {
  Proxies proxies;
  if (section.has("https")) proxies.https = read_proxy_url(section, "https");
  if (section.has("http")) proxies.http = read_proxy_url(section, "http");
  read_proxy_credentials(section, "auth", {&proxies.https, &proxies.http});
  proxies.no_proxy = section.texts("no_proxy");
  for (std::size_t at = 0; at < proxies.no_proxy.size(); ++at)
    check_direct_rule(section, at, proxies.no_proxy[at]);
  section.done();
  return proxies;
}

}  // namespace

bool is_host(const std::string& host) {
  try {
    return oci::Repository::parse(host + "/x").registry == host;
  } catch (const Error&) {
    return false;
  }
}

void read_network(Section& root, Config& config) {
  if (root.has("proxy")) config.proxy = read_proxies(root.section("proxy"));
  auto transfer = root.section("transfer");
  config.bandwidth = read_rate(transfer);
  config.foreign_layers = choice(transfer, "foreign_layers", "skip", {"skip", "copy"}) == "copy";
  transfer.done();
}

void read_network(Section& section, Registry& registry) {
  registry.trusted_hosts = read_trusted_hosts(section);
  registry.bandwidth = read_rate(section);
  if (section.has("proxy")) {
    const bool none = section.text("proxy") == "none";
    registry.proxy = none ? Proxy{} : read_proxy_url(section, "proxy");
  }
  if (section.has("proxy_auth") && !registry.proxy)
    section.error(section.position("proxy_auth"), "these are credentials for a proxy that is not set here",
                  "set 'proxy', or give them under the proxy of all: proxy: {auth: ...}");
  Proxy unused;
  read_proxy_credentials(section, "proxy_auth", {registry.proxy ? &*registry.proxy : &unused});
}

}  // namespace sluice::config
