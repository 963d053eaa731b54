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
  /// The same without the query, for messages and logs: signed URLs carry secrets there.
  std::string without_query() const;
  /// host[:port] for the Host header, port left out when it is the scheme's default.
  std::string authority() const;
  /// scheme, host and port are equal.
  bool same_origin(const Url& other) const;
  /// Reads an http or https URL; a fragment is dropped. Throws Error(invalid), also for user information, an
  /// empty or percent-encoded host, port 0, control characters and everything that RFC 3986 does not allow
  /// unescaped.
  static Url parse(std::string_view text);
  /// `target` on the Unix socket `path`. parse() never gives such a URL: texts from outside must not reach
  /// sockets.
  static Url on_socket(std::string_view path, std::string_view target);
  /// Resolves a Location or Link target (absolute, or relative to this URL). Throws Error(corrupt), also when
  /// the result is not http or https, unless this is a Unix socket URL and `location` stays on it.
  Url resolve(std::string_view location) const;
  bool operator==(const Url&) const = default;
};

}  // namespace sluice::net
