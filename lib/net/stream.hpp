#pragma once
// One connected socket, TCP or Unix, with or without TLS. Room-internal.

#include "net/watchdog.hpp"

#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

namespace sluice::net {

struct ServerTls;

using Socket = boost::asio::generic::stream_protocol::socket;

/// Errors are boost::system::system_error; the end of the stream is asio::error::eof (or ssl
/// stream_truncated).
class Stream {
 public:
  Stream(Clock& clock, Socket socket);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// TLS as a client, with the server's certificate checked against `host`. Throws Error(unavailable) that
  /// names the reason when the certificate is not acceptable.
  Task<> secure(std::shared_ptr<boost::asio::ssl::context> context, std::string host);

  /// TLS as a server.
  Task<> secure_as_server(std::shared_ptr<ServerTls> tls);
  /// Tells the peer that nothing more comes, and waits for its word; from then on read_some() gives what is
  /// on the wire. Nothing without TLS.
  Task<> end_tls();

  Task<std::size_t> read_some(boost::asio::mutable_buffer buffer);
  Task<std::size_t> write_some(boost::asio::const_buffer buffer);
  /// The same, given up with system_error(timed_out) at `deadline`; the stream is of no use then.
  Task<std::size_t> read_some(boost::asio::mutable_buffer buffer, Steady deadline);
  Task<std::size_t> write_some(boost::asio::const_buffer buffer, Steady deadline);

  /// False when the peer closed the connection or sent something nobody asked for.
  bool is_quiet();
  Socket& socket() { return socket_; }

 private:
  Socket socket_;
  std::shared_ptr<void> context_;  // outlives tls_
  std::unique_ptr<boost::asio::ssl::stream<Socket&>> tls_;
  bool tls_ended_ = false;
  Watchdog reading_, writing_;
};

}  // namespace sluice::net
