#pragma once
// Where the daemon is that a command talks to.

#include <string>

namespace sluice::daemon {

/// What was given on the command line; empty where nothing was.
struct Where {
  std::string socket;
  std::string url;
  std::string config;
};

struct Address {
  std::string socket;  // path of the Unix socket, or empty
  std::string url;     // "http://127.0.0.1:8480", when there is no socket
  std::string origin;  // what named it: "--socket", "$SLUICE_URL", ...
  /// For messages.
  const std::string& text() const { return socket.empty() ? url : socket; }
};

inline constexpr const char* default_socket = "/run/sluice/sluice.sock";

/// The command line first, then $SLUICE_SOCKET and $SLUICE_URL, then the configuration file that --config or
/// $SLUICE_CONFIG names, then default_socket. The file's secrets need not be readable for whoever asks.
/// Throws Failure(usage).
Address find_daemon(const Where& where);

}  // namespace sluice::daemon
