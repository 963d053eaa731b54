#pragma once
// Absolute URLs (RFC 3986) as far as HTTP needs them.

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::net {

struct Url {
  std::string scheme;  // "http", "https" or "unix" (host is then the socket path)
  std::string host;    // without brackets
  std::uint16_t port = 0;
  std::string target;  // path and query, starts with '/'
  std::string text() const;
  /// host[:port] for the Host header, port left out when it is the scheme's default.
  std::string authority() const;
  /// scheme, host and port are equal.
  bool same_origin(const Url& other) const;
  /// Throws Error(invalid).
  static Url parse(std::string_view text);
  /// Resolves a Location or Link target (absolute, or relative to this URL). Throws Error(corrupt).
  Url resolve(std::string_view location) const;
};

}  // namespace sluice::net
