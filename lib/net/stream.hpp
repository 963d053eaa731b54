#pragma once
// One connected socket, TCP or Unix, with or without TLS. Room-internal.

#include "core/task.hpp"

#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

namespace sluice::net {

using Socket = boost::asio::generic::stream_protocol::socket;

/// Errors are boost::system::system_error; the end of the stream is asio::error::eof (or ssl
/// stream_truncated).
class Stream {
 public:
  explicit Stream(Socket socket);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// TLS as a client, with the server's certificate checked against `host`. Throws Error(unavailable) that
  /// names the reason when the certificate is not acceptable.
  Task<> secure(std::shared_ptr<boost::asio::ssl::context> context, std::string host);

  Task<std::size_t> read_some(boost::asio::mutable_buffer buffer);
  Task<std::size_t> write_some(boost::asio::const_buffer buffer);

  /// False when the peer closed the connection or sent something nobody asked for.
  bool is_quiet();
  Socket& socket() { return socket_; }

 private:
  Socket socket_;
  std::shared_ptr<boost::asio::ssl::context> context_;
  std::unique_ptr<boost::asio::ssl::stream<Socket&>> tls_;
};

}  // namespace sluice::net
