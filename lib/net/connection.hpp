#pragma once
// Connections to servers and the idle ones among them. Room-internal.

#include "core/clock.hpp"
#include "net/client.hpp"
#include "net/resolver.hpp"
#include "net/stream.hpp"
#include "net/tls.hpp"

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
  bool operator==(const ConnectionKey&) const = default;
};

ConnectionKey key_of(const Request& request);

struct Connection {
  Connection(ConnectionKey for_key, Socket socket, AddressClass at)
      : key(std::move(for_key)), reached_at(at), stream(std::move(socket)) {}
  ConnectionKey key;
  AddressClass reached_at;
  Stream stream;
  std::string received;  // bytes read and not yet used
  bool reused = false;
};

/// Opens connections.
class Connector {
 public:
  Connector(Clock& clock, Workers& workers, const ClientOptions& options)
      : clock_(clock), options_(options), resolver_(workers, options.lookup), contexts_(workers) {}
  /// Name lookup, connection and TLS handshake within request.connect_timeout. Throws Error with the phase.
  Task<std::unique_ptr<Connection>> open(const Request& request);

 private:
  using Address = boost::asio::ip::address;
  struct Connected {
    Socket socket;
    AddressClass reached_at;
  };
  Task<std::vector<Address>> look_up(const Request& request, Steady deadline);
  std::vector<Address> permitted(const Request& request, const std::vector<Address>& found) const;
  Task<Connected> open_tcp(const Request& request, Steady deadline);

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
  std::vector<Idle> idle_;  // oldest first
};

}  // namespace sluice::net
