#pragma once
// HTTP/1.1 client: pooled keep-alive connections, TLS, redirects, deadlines, streaming both ways.
// Used on the event-loop thread only. Cancelling the calling coroutine closes the connection in use.

#include "core/clock.hpp"
#include "core/workers.hpp"
#include "net/bandwidth.hpp"
#include "net/http.hpp"
#include "net/proxy.hpp"
#include "net/reach.hpp"
#include "net/url.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice::net {

/// Gives the next piece of a body. An empty result is the end.
class BodySource {
 public:
  virtual ~BodySource() = default;
  /// Fills at most buffer.size() bytes, returns how many; 0 at the end.
  virtual Task<std::size_t> read(std::span<char> buffer) = 0;
};

/// Bytes that must move within one Request::idle_timeout while a body is outstanding.
constexpr std::uint64_t minimum_progress = 1024;

struct TlsOptions {
  std::vector<std::filesystem::path> ca;  // PEM, added to the system roots
  std::optional<std::filesystem::path> certificate;
  std::optional<std::filesystem::path> key;
  bool operator==(const TlsOptions&) const = default;
};

struct Request {
  std::string method = "GET";
  Url url;
  Headers headers;
  std::string body;
  /// When set, streamed instead of `body`; the length must be known. Such a request is never repeated by the
  /// client.
  BodySource* stream = nullptr;
  std::uint64_t stream_length = 0;
  TlsOptions tls;
  /// Which addresses may be connected to; redirects to another origin narrow it.
  Reach reach;
  /// Which proxy, decided anew for each redirect; null: as ClientOptions::proxies says.
  std::shared_ptr<const Proxies> proxies;
  /// A limit for bodies besides that of the client; null: none.
  std::shared_ptr<Bandwidth> bandwidth;
  /// Redirects followed (GET and HEAD only): Authorization, Cookie and Proxy-Authorization are dropped
  /// whenever the origin (scheme, host or port) changes; https to http is refused. 0 returns the 3xx itself.
  int max_redirects = 0;
  /// When set, holds the URL that is being asked, at each hop: whose failure it was, when one is thrown.
  Url* asked = nullptr;
  Milliseconds connect_timeout{std::chrono::seconds(10)};
  /// Until the response header is complete.
  Milliseconds header_timeout{std::chrono::seconds(30)};
  /// Longest time without progress while a body is read or written. Progress is at least minimum_progress
  /// bytes (or all that is left, when that is less), so a peer that drips single bytes is given up too.
  Milliseconds idle_timeout{std::chrono::seconds(30)};
};

/// A response whose body is read piece by piece. Destroying it early closes the connection; reading it to its
/// end gives the connection back to the pool.
class Response : public BodySource {
 public:
  ~Response() override = default;
  virtual int status() const = 0;
  virtual const Headers& headers() const = 0;
  /// The URL that answered, after redirects.
  virtual const Url& url() const = 0;
  virtual std::optional<std::uint64_t> content_length() const = 0;
  /// The class of the address that answered; see Reach::naming().
  virtual AddressClass reached_at() const { return AddressClass::global; }
  /// Reads the rest. Throws Error(corrupt) when it is longer than `limit`.
  Task<std::string> read_all(std::size_t limit);
};

class Client {
 public:
  virtual ~Client() = default;
  /// Sends the request and returns when the response header is complete. Throws Error(unavailable) when
  /// connecting, TLS or the exchange fails (the message names host, phase and reason), Error(timeout) when a
  /// deadline passed, Error(corrupt) for a malformed answer, Error(denied) for a redirect from https to http
  /// and when Request::reach permits none of the addresses of the host.
  /// A kept-alive connection whose peer closed it before any response byte is replaced once by a fresh one,
  /// whatever the method, unless the request has a stream body: the peer closed it while idle and has not
  /// seen the request. After a deadline nothing is repeated.
  virtual Task<std::unique_ptr<Response>> send(Request request) = 0;
  /// Closes idle connections.
  virtual void close_idle() = 0;
};

struct ClientOptions {
  std::size_t idle_connections_per_host = 64;
  Milliseconds idle_lifetime{std::chrono::seconds(30)};
  std::size_t header_limit = 64 * 1024;
  std::string user_agent = "sluice/0.1";
  /// Shared with whoever changes them when the configuration is read again; null: none.
  std::shared_ptr<const Proxies> proxies;
  std::shared_ptr<Bandwidth> bandwidth;
  /// Name lookup, called on a worker thread; throws Error. The system's unless set.
  std::function<std::vector<boost::asio::ip::address>(const std::string& host)> lookup;
  /// What addresses are for; tests have loopback addresses stand for others.
  std::function<AddressClass(const boost::asio::ip::address&)> classify = net::classify;
};

/// The client over real sockets. `workers` resolve names and load certificates: better a pool of its own,
/// because a name server that hangs holds one thread for each name that is asked for.
std::unique_ptr<Client> make_client(Clock& clock, Workers& workers, ClientOptions options = {});

}  // namespace sluice::net
