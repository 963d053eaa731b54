// What a server proves itself with.

#include "core/error.hpp"
#include "net/tls.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/system/system_error.hpp>
#include <openssl/ssl.h>
#include <spdlog/fmt/fmt.h>

namespace sluice::net {
namespace {

namespace ssl = boost::asio::ssl;

// A client that offers protocols of which none is ours is told so (RFC 7301 3.2).
int choose_http1(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
                 unsigned int offered_length, void*) {
  static constexpr unsigned char ours[] = "\x08http/1.1";
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, length, ours, sizeof ours - 1, offered, offered_length) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

void expect_loaded(const boost::system::error_code& error, std::string_view what) {
  if (error)
    throw Error(ErrorKind::invalid,
                fmt::format("the {} of the listener cannot be used: {}", what, error.message()));
}

}  // namespace

std::shared_ptr<ServerTls> make_server_tls(std::string_view certificate, const Secret& key) {
  auto tls = std::make_shared<ServerTls>();
  auto& context = tls->context;
  auto* native = context.native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native,
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Of TLS 1.2 only what keeps its secrets when the key is lost later; TLS 1.3 has nothing else.
  SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM:ECDHE+CHACHA20");
  // Connections that wait for their next request need no buffers.
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(native, &choose_http1, nullptr);
  context.set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string(); });
  boost::system::error_code error;
  context.use_certificate_chain(boost::asio::buffer(certificate), error);
  expect_loaded(error, "certificate");
  context.use_private_key(boost::asio::buffer(key.reveal()), ssl::context::pem, error);
  expect_loaded(error, "key");
  return tls;
}

}  // namespace sluice::net
