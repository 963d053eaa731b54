#pragma once
// A proxy on loopback: HTTP (CONNECT and absolute-form) and SOCKS5 on one port, told apart by the first byte.
// Every name leads to 127.0.0.1, so that tests can use names that never bypass a proxy.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sluice::test {

struct ProxyWish {
  /// When set, clients must log in with these.
  std::string username{};
  std::string password{};
  /// Answers every CONNECT with this status instead of connecting; 0: connects.
  int refuse_with = 0;
  /// Answers every SOCKS request with this code instead of connecting.
  int socks_code = 0;
  /// Answers SOCKS requests for IPv6 addresses with "address type not supported".
  bool refuses_ipv6 = false;
  /// Answers no SOCKS request for an IPv6 address.
  bool ignores_ipv6 = false;
  /// Sends these bytes to every client and nothing else.
  std::string garbage{};
  /// Takes everything and answers nothing.
  bool hangs = false;
};

class ProxyServer {
 public:
  explicit ProxyServer(ProxyWish wish = {});
  ~ProxyServer();
  ProxyServer(const ProxyServer&) = delete;
  ProxyServer& operator=(const ProxyServer&) = delete;

  /// "scheme://127.0.0.1:port", with the credentials that it wants when `logged_in`.
  std::string url(const std::string& scheme = "http", bool logged_in = false) const;
  /// What was asked for, in order: "CONNECT host:port", "GET http://host:port/", "SOCKS name host:port",
  /// "SOCKS address 127.0.0.1:port".
  std::vector<std::string> asked() const;
  /// All that clients sent before they got through, as bytes.
  std::string heard() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::test
