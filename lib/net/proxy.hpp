#pragma once
// Proxies, and which URL goes through which. Pure.

#include "core/secret.hpp"
#include "net/url.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::net {

struct Proxy {
  enum class Kind {
    http,     // CONNECT for https, absolute-form for http (RFC 9110 9.3.6, RFC 9112 3.2.2)
    socks5,   // names are looked up here (RFC 1928)
    socks5h,  // names are looked up by the proxy
  };
  Kind kind = Kind::http;
  std::string host;
  std::uint16_t port = 0;
  std::string username;  // empty: no credentials
  Secret password;

  /// "http://proxy.example.com:3128", never with the credentials.
  std::string text() const;
  /// True when it is the proxy that looks names up.
  bool resolves() const { return kind != Kind::socks5; }
  bool operator==(const Proxy&) const = default;
  /// Reads "scheme://[user[:password]@]host[:port][/]", user and password percent-encoded; without a scheme
  /// it is http. Throws Error(invalid), which quotes no credentials.
  static Proxy parse(std::string_view text);
};

struct Proxies {
  std::optional<Proxy> https;
  std::optional<Proxy> http;
  /// Hosts that are asked directly: "example.com" (and below), ".example.com" or "*.example.com" (only
  /// below), each also with ":port"; an address; a network "10.0.0.0/8"; "*" for all. Names are not looked up
  /// for this.
  std::vector<std::string> direct;

  /// The proxy for this URL, nullopt when it is asked directly. This machine (localhost, loopback addresses)
  /// and Unix sockets never go through a proxy.
  std::optional<Proxy> choose(const Url& url) const;
};

/// HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, the names in lower case first, as other programs read
/// them. HTTP_PROXY in capitals does not count where REQUEST_METHOD is set: there it is a header that a
/// client sent (CVE-2016-5385). Throws Error(invalid) that names the variable.
Proxies proxies_from(const std::function<std::optional<std::string>(const std::string& name)>& environment);

}  // namespace sluice::net
