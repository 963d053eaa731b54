#pragma once
// Connections to servers and the idle ones among them. Room-internal.

#include "core/clock.hpp"
#include "net/client.hpp"
#include "net/resolver.hpp"
#include "net/stream.hpp"
#include "net/tls.hpp"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace sluice::net {

/// Requests with equal keys may share a connection.
struct ConnectionKey {
  std::string scheme;
  std::string host;
  std::uint16_t port = 0;
  TlsOptions tls;
  std::optional<Proxy> proxy;
  bool operator==(const ConnectionKey&) const = default;
};

ConnectionKey key_of(const Request& request, std::optional<Proxy> proxy);

struct Connection {
  Connection(Clock& clock, ConnectionKey for_key, Socket socket, AddressClass at)
      : key(std::move(for_key)), reached_at(at), stream(clock, std::move(socket)) {}
  ConnectionKey key;
  AddressClass reached_at;
  Stream stream;
  std::string received;  // bytes read and not yet used
  bool reused = false;
  /// The proxy in messages, empty without one.
  std::string via() const { return key.proxy ? key.proxy->text() : std::string(); }
};

/// Opens connections.
class Connector {
 public:
  Connector(Clock& clock, Workers& workers, const ClientOptions& options)
      : clock_(clock), options_(options), resolver_(workers, options.lookup), contexts_(workers) {}
  /// Name lookup, connection, tunnel and TLS handshake within request.connect_timeout. Throws Error with the
  /// phase.
  Task<std::unique_ptr<Connection>> open(const Request& request, std::optional<Proxy> proxy);

 private:
  using Address = boost::asio::ip::address;
  struct Connected {
    Socket socket;
    AddressClass reached_at;
  };
  /// Whom to connect to for a request: its host, or a proxy.
  struct Goal {
    const Request& request;
    std::string host;
    std::uint16_t port;
    Reach reach;
    std::string via;
    Steady deadline;
  };
  Task<std::unique_ptr<Connection>> open_through(const Request& request, Proxy proxy, Steady deadline);
  Task<std::unique_ptr<Connection>> open_tunnel_to(const Request& request, Proxy proxy, std::string target,
                                                   AddressClass reached_at, Steady deadline);
  Task<std::vector<Address>> look_up(const Goal& goal);
  std::vector<Address> permitted(const Goal& goal, const std::vector<Address>& found) const;
  Task<Connected> open_tcp(const Goal& goal);

  Clock& clock_;
  const ClientOptions& options_;
  Resolver resolver_;
  TlsContexts contexts_;
};

/// Idle kept-alive connections.
class Pool {
 public:
  Pool(Clock& clock, std::size_t per_host, Milliseconds lifetime)
      : clock_(clock), per_host_(per_host), lifetime_(lifetime) {}
  /// One to an address that `reach` permits, which was idle for at most `youth` and still looks open; null
  /// when there is none.
  std::unique_ptr<Connection> take(const ConnectionKey& key, const Reach& reach, Milliseconds youth);
  void give(std::unique_ptr<Connection> connection);
  void clear() { idle_.clear(); }

 private:
  void drop_old();
  struct Idle {
    std::unique_ptr<Connection> connection;
    Steady since;
  };
  Clock& clock_;
  std::size_t per_host_;
  Milliseconds lifetime_;
  std::deque<Idle> idle_;  // oldest first
};

}  // namespace sluice::net
