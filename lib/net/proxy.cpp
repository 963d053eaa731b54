#include "net/proxy.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "net/http.hpp"
#include "net/reach.hpp"

#include <algorithm>
#include <charconv>

#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <spdlog/fmt/fmt.h>

namespace sluice::net {
namespace {

namespace ip = boost::asio::ip;

[[noreturn]] void refuse_proxy(const std::string& why) {
  throw Error(ErrorKind::invalid,
              "this is not a proxy: " + why + "; write it as http://HOST:PORT or socks5h://HOST:PORT");
}

Proxy::Kind kind_of(const std::string& scheme) {
  if (scheme == "http") return Proxy::Kind::http;
  if (scheme == "socks5") return Proxy::Kind::socks5;
  if (scheme == "socks5h") return Proxy::Kind::socks5h;
  refuse_proxy("only http, socks5 and socks5h are spoken");
}

std::string_view scheme_of(Proxy::Kind kind) {
  switch (kind) {
    case Proxy::Kind::http:
      return "http";
    case Proxy::Kind::socks5:
      return "socks5";
    case Proxy::Kind::socks5h:
      return "socks5h";
  }
  return "";
}

// Credentials go into a header of one line and into fields of 255 bytes (RFC 1929 2).
std::string decoded(std::string_view text) {
  auto plain = percent_decode(text);
  if (!plain || plain->size() > 255) refuse_proxy("its user name or password is malformed or too long");
  for (const char c : *plain)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f')
      refuse_proxy("its user name or password holds control characters");
  return std::move(*plain);
}

void read_credentials(Proxy& proxy, std::string_view text) {
  const auto colon = text.find(':');
  proxy.username = decoded(text.substr(0, colon));
  if (colon != std::string_view::npos) proxy.password = Secret(decoded(text.substr(colon + 1)));
  if (proxy.username.empty()) refuse_proxy("it has a password without a user name");
  // RFC 7617 2: the first colon ends the name.
  if (proxy.username.find(':') != std::string::npos) refuse_proxy("its user name holds a colon");
}

// A rule taken apart.
struct Rule {
  std::string host;  // lower case, without brackets, "*." and leading dot
  std::string port;  // empty: any
  bool only_below = false;
  std::optional<ip::network_v4> network4;
  std::optional<ip::network_v6> network6;
};

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<Rule> network_rule(const std::string& text) {
  boost::system::error_code no4;
  boost::system::error_code no6;
  Rule rule;
  const auto four = ip::make_network_v4(text, no4);
  const auto six = ip::make_network_v6(text, no6);
  if (!no4) rule.network4 = four.canonical();
  if (!no6) rule.network6 = six.canonical();
  if (no4 && no6) return std::nullopt;
  return rule;
}

std::optional<Rule> parse_rule(std::string_view text) {
  Rule rule;
  rule.host = lower(text);
  if (rule.host.find('/') != std::string::npos) return network_rule(rule.host);
  const bool bare_v6 = std::count(rule.host.begin(), rule.host.end(), ':') > 1 && rule.host.front() != '[';
  const auto colon = rule.host.rfind(':');
  if (!bare_v6 && colon != std::string::npos && rule.host.find(']', colon) == std::string::npos) {
    rule.port = rule.host.substr(colon + 1);
    rule.host.resize(colon);
    if (!is_number(rule.port)) return std::nullopt;
  }
  if (rule.host.size() > 2 && rule.host.front() == '[' && rule.host.back() == ']')
    rule.host = rule.host.substr(1, rule.host.size() - 2);
  if (rule.host == "*") return rule;
  rule.only_below = rule.host.starts_with('.') || rule.host.starts_with("*.");
  if (rule.only_below) rule.host.erase(0, rule.host.find('.') + 1);
  if (rule.host.ends_with('.')) rule.host.pop_back();
  const bool plain = !rule.host.empty() && rule.host.find_first_of("*/@[] \t") == std::string::npos;
  return plain ? std::optional<Rule>(std::move(rule)) : std::nullopt;
}

bool covers(const Rule& rule, const std::string& host, std::uint16_t port,
            const std::optional<ip::address>& address) {
  if (!rule.port.empty() && rule.port != std::to_string(port)) return false;
  if (rule.network4)
    return address && address->is_v4() &&
           ip::network_v4(address->to_v4(), rule.network4->prefix_length()).canonical() == *rule.network4;
  if (rule.network6)
    return address && address->is_v6() &&
           ip::network_v6(address->to_v6(), rule.network6->prefix_length()).canonical() == *rule.network6;
  if (rule.host == "*") return true;
  if (address) return literal_address(rule.host) == address;
  if (host == rule.host) return !rule.only_below;
  return host.ends_with("." + rule.host);
}

bool is_this_machine(const std::string& host, const std::optional<ip::address>& address) {
  if (address) return classify(*address) == AddressClass::loopback;
  return host == "localhost" || host.ends_with(".localhost");  // RFC 6761 6.3
}

}  // namespace

std::string Proxy::text() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return fmt::format("{}://{}:{}", scheme_of(kind), name, port);
}

Proxy Proxy::parse(std::string_view text) {
  Proxy proxy;
  const auto mark = text.find("://");
  proxy.kind = mark == std::string_view::npos ? Kind::http : kind_of(lower(text.substr(0, mark)));
  if (mark != std::string_view::npos) text.remove_prefix(mark + 3);
  if (text.ends_with('/')) text.remove_suffix(1);
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    read_credentials(proxy, text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  if (text.find_first_of("/?#") != std::string_view::npos) refuse_proxy("something follows its port");
  Url url;
  try {
    url = Url::parse("http://" + std::string(text) + "/");
  } catch (const Error&) {
    refuse_proxy("its host or port is malformed");
  }
  proxy.host = url.host;
  // 1080 is SOCKS' own port (RFC 1928 3). An http proxy has none: 80, as curl's http_proxy and Go have it.
  const bool has_port = text.ends_with(":" + std::to_string(url.port));
  proxy.port = has_port || proxy.kind == Kind::http ? url.port : std::uint16_t{1080};
  return proxy;
}

std::optional<Proxy> Proxies::choose(const Url& url) const {
  const auto& proxy = url.scheme == "https" ? https : http;
  if (!proxy || (url.scheme != "https" && url.scheme != "http")) return std::nullopt;
  std::string host = url.host;
  if (host.ends_with('.')) host.pop_back();
  const auto address = literal_address(host);
  if (is_this_machine(host, address)) return std::nullopt;
  for (const auto& text : direct) {
    const auto rule = parse_rule(text);
    if (rule && covers(*rule, host, url.port, address)) return std::nullopt;
  }
  return proxy;
}

Proxies proxies_from(const std::function<std::optional<std::string>(const std::string& name)>& environment) {
  const auto value = [&](const std::string& name) { return environment(name).value_or(""); };
  const auto proxy = [&](const std::vector<std::string>& names) -> std::optional<Proxy> {
    for (const auto& name : names) {
      const std::string text = value(name);
      if (text.empty()) continue;
      try {
        return Proxy::parse(text);
      } catch (const Error& error) {
        throw Error(error).within("the environment variable " + name);
      }
    }
    return std::nullopt;
  };
  Proxies proxies;
  proxies.https = proxy({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"});
  const bool is_cgi = environment("REQUEST_METHOD").has_value();
  proxies.http = is_cgi ? proxy({"http_proxy", "all_proxy", "ALL_PROXY"})
                        : proxy({"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"});
  std::string rules = value("no_proxy");
  if (rules.empty()) rules = value("NO_PROXY");
  // Other programs pass over what they do not understand in here, and so must we.
  for (std::size_t at = 0; at < rules.size();) {
    const auto end = std::min(rules.find_first_of(", \t", at), rules.size());
    if (end > at) proxies.direct.push_back(rules.substr(at, end - at));
    at = end + 1;
  }
  return proxies;
}

}  // namespace sluice::net
