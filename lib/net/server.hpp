#pragma once
// HTTP/1.1 server with limits, on TCP or a Unix socket. Handlers are coroutines on the event-loop thread.

#include "core/clock.hpp"
#include "core/secret.hpp"
#include "net/http.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <variant>

namespace sluice::net {

struct ServerRequest {
  std::string method;
  std::string target;  // as sent: path and query
  std::string path;    // percent-decoded path
  std::vector<std::pair<std::string, std::string>> query;
  Headers headers;
  std::string body;
  std::string peer;  // address, or "uid:1000" for a Unix socket
  std::optional<std::string> parameter(std::string_view name) const;
};

struct ServerResponse {
  int status = 200;
  Headers headers;  // "Connection: close" makes this answer the last of its connection
  std::string body;
};

/// After stop() a handler that still runs is cancelled after this long.
constexpr Milliseconds stop_grace{std::chrono::seconds(5)};

using Handler = std::function<Task<ServerResponse>(ServerRequest)>;

struct ServerLimits {
  /// When all are taken, a new connection gets the place of the one that has owed us the rest of a request,
  /// header or body, for longest (for 250 ms at least). Until there is one it waits in the backlog of the
  /// kernel, and every connection ends after its answer.
  std::size_t connections = 256;
  std::size_t header_bytes = 16 * 1024;
  std::size_t body_bytes = 1024 * 1024;
  /// Of the bodies of all connections together, while they are read and answered; beyond it, those of
  /// more than 64 KiB are refused with 503.
  std::size_t all_bodies_bytes = 64 * 1024 * 1024;
  Milliseconds header_timeout{std::chrono::seconds(10)};
  Milliseconds body_timeout{std::chrono::seconds(30)};
  Milliseconds keep_alive{std::chrono::seconds(60)};
};

struct TcpEndpoint {
  std::string address;     // "127.0.0.1"
  std::uint16_t port = 0;  // 0: chosen by the kernel
};
struct UnixEndpoint {
  std::filesystem::path path;
  unsigned mode = 0660;
};

/// What a server proves itself with, ready for use.
struct ServerTls;

/// From PEM texts: a certificate (the server's own, then those that lead to its authority) and the key of the
/// first one. TLS 1.2 or 1.3 with forward secrecy; by ALPN only http/1.1 is taken (RFC 7301). Throws
/// Error(invalid) when they do not belong together; fault_of_pair() in core tells more.
std::shared_ptr<ServerTls> make_server_tls(std::string_view certificate, const Secret& key);

class Server {
 public:
  virtual ~Server() = default;
  /// Accepts until stop(), and returns only after the last connection ended; destroy the server after that. A
  /// handler that throws sluice::Error becomes a JSON answer {"error":{"kind","message"}} with a fitting
  /// status, never a dropped connection.
  virtual Task<> serve() = 0;
  /// No new connections; those in hand may end their request within stop_grace, then are closed and their
  /// handlers cancelled. Removes the Unix socket file.
  virtual void stop() = 0;
  /// From now on new connections are spoken to with this (null: without TLS); those that are there keep what
  /// they have. A handshake has ServerLimits::header_timeout, and gives its place to another like a slow
  /// header.
  virtual void use(std::shared_ptr<ServerTls> tls) = 0;
  /// Port in use (TCP), 0 for Unix sockets.
  virtual std::uint16_t port() const = 0;
};

/// Binds at once; throws Error(unavailable) naming address and reason ("address already in use"). A stale
/// Unix socket file that nobody listens on is replaced; must be called on the thread that runs the event loop
/// `executor`.
std::unique_ptr<Server> listen(boost::asio::any_io_executor executor, Clock& clock,
                               std::variant<TcpEndpoint, UnixEndpoint> endpoint, Handler handler,
                               ServerLimits limits = {}, std::shared_ptr<ServerTls> tls = nullptr);

}  // namespace sluice::net
