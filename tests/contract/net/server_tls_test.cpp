// The server with TLS, seen from outside.

#include "core/workers.hpp"
#include "net/client.hpp"
#include "server_fixture.hpp"
#include "support/certificates.hpp"

#include <fstream>
#include <sstream>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <openssl/ssl.h>

using namespace sluice;
using namespace sluice::test;
using std::chrono::milliseconds;

namespace {

namespace ssl = boost::asio::ssl;

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::shared_ptr<net::ServerTls> tls_of(const TlsFiles& files) {
  return net::make_server_tls(text_of(files.certificate), Secret(text_of(files.key)));
}

// A server with a certificate of `authority`, while `use(server)` runs.
template <class F>
void with_tls_server(Authority& authority, net::ServerLimits limits, F use) {
  const auto tls = tls_of(authority.issue());
  with_server(echo, limits, [&](net::Server& server) -> Task<> {
    server.use(tls);
    co_await use(server);
  });
}

/// A TLS client that shows what happens on its connection.
class TlsPeer {
 public:
  /// `prepare` sees the context before the stream is made of it: later settings would not reach that.
  TlsPeer(boost::asio::any_io_executor executor, const std::function<void(SSL_CTX*)>& prepare)
      : context_(prepared(prepare)), stream_(executor, context_) {}

  /// Empty when the handshake is done, else why not.
  Task<std::string> connect(std::uint16_t port) {
    const boost::asio::ip::tcp::endpoint to(boost::asio::ip::address_v4::loopback(), port);
    co_await stream_.next_layer().async_connect(to, boost::asio::use_awaitable);
    boost::system::error_code error;
    co_await stream_.async_handshake(ssl::stream_base::client,
                                     boost::asio::redirect_error(boost::asio::use_awaitable, error));
    co_return error ? error.message() : std::string();
  }
  Task<> send(std::string bytes) {
    co_await boost::asio::async_write(stream_, boost::asio::buffer(bytes), boost::asio::use_awaitable);
  }
  /// Everything until the end; `clean` when the server said that it is the end.
  Task<std::string> read_to_end(bool& clean) {
    std::string all;
    boost::system::error_code error;
    while (!error) {
      std::array<char, 4096> piece{};
      const std::size_t count = co_await stream_.async_read_some(
          boost::asio::buffer(piece), boost::asio::redirect_error(boost::asio::use_awaitable, error));
      all.append(piece.data(), count);
    }
    clean = error == boost::asio::error::eof;
    co_return all;
  }
  Task<std::string> read_until(std::string mark) {
    std::string received;
    co_await boost::asio::async_read_until(stream_, boost::asio::dynamic_buffer(received), mark,
                                           boost::asio::use_awaitable);
    co_return received;
  }
  std::string protocol() { return SSL_get_version(stream_.native_handle()); }
  std::string alpn() {
    const unsigned char* name = nullptr;
    unsigned int length = 0;
    SSL_get0_alpn_selected(stream_.native_handle(), &name, &length);
    return {reinterpret_cast<const char*>(name), length};
  }
  std::string subject() {
    std::array<char, 200> name{};
    X509_NAME_oneline(X509_get_subject_name(SSL_get0_peer_certificate(stream_.native_handle())), name.data(),
                      static_cast<int>(name.size()));
    return name.data();
  }

 private:
  static ssl::context prepared(const std::function<void(SSL_CTX*)>& prepare) {
    ssl::context context(ssl::context::tls_client);
    prepare(context.native_handle());
    return context;
  }

  ssl::context context_;
  ssl::stream<boost::asio::ip::tcp::socket> stream_;
};

Task<std::unique_ptr<TlsPeer>> tls_peer(std::function<void(SSL_CTX*)> prepare = [](SSL_CTX*) {}) {
  auto executor = co_await boost::asio::this_coro::executor;
  co_return std::make_unique<TlsPeer>(executor, prepare);
}

void offer(SSL_CTX* context, std::string_view protocols) {
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(protocols.data()),
                          static_cast<unsigned>(protocols.size()));
}

constexpr const char* last_request = "GET /last HTTP/1.0\r\n\r\n";

}  // namespace

TEST_CASE("a client that checks certificates is served, request after request on one connection") {
  Authority authority;
  with_tls_server(authority, {}, [&](net::Server& server) -> Task<> {
    SystemClock clock;
    Workers workers(1);
    auto client = net::make_client(clock, workers);
    for (int i = 0; i < 3; ++i) {
      net::Request request;
      request.method = "POST";
      request.url = net::Url::parse("https://localhost:" + std::to_string(server.port()) + "/hooks/a");
      request.tls.ca = {authority.certificate()};
      request.body = std::string(100'000, 'x');
      auto response = co_await client->send(std::move(request));
      CHECK(response->status() == 200);
      const std::string body = co_await response->read_all(1 << 20);
      CHECK(body == "POST /hooks/a " + std::string(100'000, 'x'));
    }
    client->close_idle();
  });
}

TEST_CASE("TLS 1.2 and 1.3 are spoken, nothing older") {
  Authority authority;
  with_tls_server(authority, {}, [](net::Server& server) -> Task<> {
    for (const auto& [version, name] :
         {std::pair(TLS1_2_VERSION, "TLSv1.2"), std::pair(TLS1_3_VERSION, "TLSv1.3")}) {
      std::function<void(SSL_CTX*)> prepare = [version = version](SSL_CTX* context) {
        SSL_CTX_set_max_proto_version(context, version);
      };
      auto peer = co_await tls_peer(std::move(prepare));
      const std::string failure = co_await peer->connect(server.port());
      CHECK(failure.empty());
      CHECK(peer->protocol() == name);
    }
    auto old = co_await tls_peer([](SSL_CTX* context) {
      SSL_CTX_set_security_level(context, 0);
      SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    });
    const std::string failure = co_await old->connect(server.port());
    CHECK(failure.find("version") != std::string::npos);
  });
}

TEST_CASE("by ALPN http/1.1 is chosen, and a client that speaks only something else is told so") {
  Authority authority;
  with_tls_server(authority, {}, [](net::Server& server) -> Task<> {
    auto both = co_await tls_peer([](SSL_CTX* context) { offer(context, "\x02h2\x08http/1.1"); });
    const std::string fine = co_await both->connect(server.port());
    CHECK(fine.empty());
    CHECK(both->alpn() == "http/1.1");
    auto neither = co_await tls_peer([](SSL_CTX* context) { offer(context, "\x02h2"); });
    const std::string refused = co_await neither->connect(server.port());
    CHECK(refused.find("no application protocol") != std::string::npos);
  });
}

TEST_CASE("the end of a connection is said, so that an answer cannot be cut short unseen") {
  Authority authority;
  with_tls_server(authority, {}, [](net::Server& server) -> Task<> {
    auto peer = co_await tls_peer();
    const std::string failure = co_await peer->connect(server.port());
    CHECK(failure.empty());
    co_await peer->send(last_request);
    bool clean = false;
    const std::string answer = co_await peer->read_to_end(clean);
    CHECK(answer.ends_with("GET /last "));
    CHECK(clean);
  });
}

TEST_CASE("D6: silence and half a handshake are ended by the deadline, and what is no TLS at once") {
  net::ServerLimits limits;
  limits.header_timeout = milliseconds(100);
  Authority authority;
  with_tls_server(authority, limits, [](net::Server& server) -> Task<> {
    const std::string silent = co_await exchange(server.port(), "");
    CHECK(silent.empty());
    // A record of 256 bytes begins, and never ends (RFC 8446 5.1).
    const std::string half = co_await exchange(server.port(), std::string("\x16\x03\x01\x01\x00\x01", 6));
    CHECK(half.empty());
    const std::string plain = co_await exchange(server.port(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(plain.find("HTTP/") == std::string::npos);
    auto peer = co_await tls_peer();
    const std::string failure = co_await peer->connect(server.port());
    CHECK(failure.empty());
    // After the handshake the header has its own deadline.
    bool clean = false;
    const std::string nothing = co_await peer->read_to_end(clean);
    CHECK(nothing.empty());
  });
}

TEST_CASE("D6: when silent handshakes take every place, an honest client still gets in") {
  net::ServerLimits limits;
  limits.connections = 4;
  limits.header_timeout = std::chrono::seconds(600);
  Authority authority;
  with_tls_server(authority, limits, [](net::Server& server) -> Task<> {
    std::vector<std::unique_ptr<RawPeer>> slow;
    for (int i = 0; i < 20; ++i)
      slow.push_back(co_await RawPeer::connect(server.port()));
    auto honest = co_await tls_peer();
    const std::string failure = co_await honest->connect(server.port());
    CHECK(failure.empty());
    co_await honest->send(last_request);
    bool clean = false;
    const std::string answer = co_await honest->read_to_end(clean);
    CHECK(answer.ends_with("GET /last "));
  });
}

TEST_CASE("another certificate is for new connections; those that are there go on") {
  Authority authority;
  with_tls_server(authority, {}, [&](net::Server& server) -> Task<> {
    auto old = co_await tls_peer();
    std::string failure = co_await old->connect(server.port());
    CHECK(failure.empty());
    server.use(tls_of(authority.issue()));
    auto young = co_await tls_peer();
    failure = co_await young->connect(server.port());
    CHECK(failure.empty());
    CHECK(old->subject() != young->subject());
    co_await old->send("GET /old HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string answer = co_await old->read_until("GET /old ");
    CHECK(answer.starts_with("HTTP/1.1 200"));
    server.use(nullptr);
    const std::string plain = co_await exchange(server.port(), last_request);
    CHECK(plain.ends_with("GET /last "));
  });
}

TEST_CASE("stop ends connections in the middle of a handshake") {
  Authority authority;
  with_tls_server(authority, {}, [](net::Server& server) -> Task<> {
    auto silent = co_await RawPeer::connect(server.port());
    auto idle = co_await tls_peer();
    const std::string failure = co_await idle->connect(server.port());
    CHECK(failure.empty());
    server.stop();
    const std::string nothing = co_await silent->read_to_end();
    CHECK(nothing.empty());
    bool clean = false;
    const std::string none = co_await idle->read_to_end(clean);
    CHECK(none.empty());
  });
}

TEST_CASE("what is no pair of certificate and key is refused") {
  Authority authority;
  const auto one = authority.issue();
  const auto other = authority.issue();
  CHECK_THROWS_AS(net::make_server_tls(text_of(one.certificate), Secret(text_of(other.key))), Error);
  CHECK_THROWS_AS(net::make_server_tls("", Secret(text_of(one.key))), Error);
}
