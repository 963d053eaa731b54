#pragma once
// TLS contexts of clients and servers, and certificate checks. Room-internal.

#include "core/workers.hpp"
#include "net/client.hpp"
#include "net/server.hpp"

#include <map>
#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>

namespace sluice::net {

/// Keeps one context for each set of options, and loads it anew when one of its files changed (certificates
/// are renewed while the daemon runs).
class TlsContexts {
 public:
  explicit TlsContexts(Workers& workers) : workers_(workers) {}
  /// Throws Error(invalid) that names the file and the reason.
  Task<std::shared_ptr<boost::asio::ssl::context>> get(TlsOptions options);

 private:
  struct Entry {
    TlsOptions options;
    std::string stamp;  // times and sizes of the files
    std::shared_ptr<boost::asio::ssl::context> context;
  };
  Workers& workers_;
  std::vector<Entry> entries_;
};

struct ServerTls {
  boost::asio::ssl::context context{boost::asio::ssl::context::tls_server};
};

/// Sets server name indication and the name (or IP address) that the certificate must be for.
void expect_server(SSL* ssl, const std::string& host);

/// Why the server's certificate was refused, empty when it was not the certificate. `names` are those that
/// the certificate is for (the peer's certificate is not kept by OpenSSL when the handshake fails).
std::string refused_certificate(SSL* ssl, const std::string& names);

/// The first few DNS names and addresses of a certificate, for messages.
std::string names_of(X509* certificate);

}  // namespace sluice::net
