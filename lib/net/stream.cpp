#include "net/stream.hpp"

#include "core/error.hpp"
#include "net/tls.hpp"

#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/use_awaitable.hpp>

namespace sluice::net {

Stream::Stream(Clock& clock, Socket socket)
    : socket_(std::move(socket)),
      reading_(clock, socket_.get_executor()),
      writing_(clock, socket_.get_executor()) {
  // Requests are written in one piece; waiting for more (Nagle) only adds delay. Unix sockets refuse the
  // option.
  const int on = 1;
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // Child processes must not hold our connections open; Asio does not ask for it.
  ::fcntl(socket_.native_handle(), F_SETFD, FD_CLOEXEC);
}

Task<> Stream::secure(std::shared_ptr<boost::asio::ssl::context> context, std::string host) {
  tls_ = std::make_unique<boost::asio::ssl::stream<Socket&>>(socket_, *context);
  context_ = std::move(context);
  expect_server(tls_->native_handle(), host);
  auto names = std::make_shared<std::string>();
  tls_->set_verify_callback([names](bool accepted, boost::asio::ssl::verify_context& chain) {
    if (!accepted && X509_STORE_CTX_get_error_depth(chain.native_handle()) == 0)
      *names = names_of(X509_STORE_CTX_get_current_cert(chain.native_handle()));
    return accepted;
  });
  std::string refused;
  try {
    co_await tls_->async_handshake(boost::asio::ssl::stream_base::client, boost::asio::use_awaitable);
  } catch (const boost::system::system_error&) {
    refused = refused_certificate(tls_->native_handle(), *names);
    if (refused.empty()) throw;
  }
  if (!refused.empty()) throw Error(ErrorKind::unavailable, std::move(refused));
}

Task<> Stream::secure_as_server(std::shared_ptr<ServerTls> tls) {
  tls_ = std::make_unique<boost::asio::ssl::stream<Socket&>>(socket_, tls->context);
  context_ = std::move(tls);
  co_await tls_->async_handshake(boost::asio::ssl::stream_base::server, boost::asio::use_awaitable);
}

Task<> Stream::end_tls() {
  if (!tls_) co_return;
  tls_ended_ = true;
  co_await tls_->async_shutdown(boost::asio::use_awaitable);
}

Task<std::size_t> Stream::read_some(boost::asio::mutable_buffer buffer) {
  if (tls_ && !tls_ended_) co_return co_await tls_->async_read_some(buffer, boost::asio::use_awaitable);
  co_return co_await socket_.async_receive(buffer, boost::asio::use_awaitable);
}

Task<std::size_t> Stream::write_some(boost::asio::const_buffer buffer) {
  if (tls_) co_return co_await tls_->async_write_some(buffer, boost::asio::use_awaitable);
  co_return co_await socket_.async_send(buffer, boost::asio::use_awaitable);
}

Task<std::size_t> Stream::read_some(boost::asio::mutable_buffer buffer, Steady deadline) {
  if (tls_ && !tls_ended_)
    return reading_.run(deadline,
                        [this, buffer](auto token) { return tls_->async_read_some(buffer, token); });
  return reading_.run(deadline, [this, buffer](auto token) { return socket_.async_receive(buffer, token); });
}

Task<std::size_t> Stream::write_some(boost::asio::const_buffer buffer, Steady deadline) {
  if (tls_)
    return writing_.run(deadline,
                        [this, buffer](auto token) { return tls_->async_write_some(buffer, token); });
  return writing_.run(deadline, [this, buffer](auto token) { return socket_.async_send(buffer, token); });
}

bool Stream::is_quiet() {
  const bool waits_in_tls = tls_ && (SSL_pending(tls_->native_handle()) > 0 ||
                                     BIO_pending(SSL_get_rbio(tls_->native_handle())) > 0);
  if (waits_in_tls) return false;
  char byte = 0;
  const auto count = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace sluice::net
