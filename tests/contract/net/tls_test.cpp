// Certificates and TLS.

#include "fixture.hpp"
#include "support/certificates.hpp"

#include <fstream>

using namespace sluice;
using namespace sluice::test;

namespace {

void answer_once(Exchange& x) {
  x.read_request();
  x.answer(200, "ok");
}

Outcome fetch_from(const TlsFiles& files, const std::optional<std::filesystem::path>& ca,
                   const std::string& host = "127.0.0.1") {
  ScriptedServer server(answer_once, files);
  auto request = get("https://" + host + ":" + std::to_string(server.port()) + "/");
  if (ca) request.tls.ca = {*ca};
  return fetch_once(std::move(request));
}

}  // namespace

TEST_CASE("a certificate of the configured authority is accepted for name and address") {
  Authority authority;
  CHECK(fetch_from(authority.issue(), authority.certificate()).body == "ok");
  CHECK(fetch_from(authority.issue(), authority.certificate(), "localhost").body == "ok");
}

TEST_CASE("C1: certificates that must not be trusted are refused with the exact reason") {
  Authority authority;
  const auto refused = [&](const TlsFiles& files, const std::optional<std::filesystem::path>& ca,
                           const std::string& host, const std::string& reason) {
    const Outcome outcome = fetch_from(files, ca, host);
    CHECK(outcome.error == ErrorKind::unavailable);
    CHECK(mentions(outcome, "TLS handshake"));
    CHECK(mentions(outcome, reason));
  };
  const auto ca = authority.certificate();
  refused(authority.issue({.valid_from = -7200, .valid_until = -3600}), ca, "localhost",
          "certificate has expired");
  refused(authority.issue({.valid_from = 3600, .valid_until = 7200}), ca, "localhost", "not yet valid");
  refused(authority.issue({.names = "DNS:other.example"}), ca, "localhost",
          "hostname mismatch (it is for other.example)");
  refused(authority.issue({.names = "DNS:localhost,IP:127.0.0.9"}), ca, "127.0.0.1",
          "IP address mismatch (it is for localhost, 127.0.0.9)");
  refused(authority.issue({.names = "DNS:127.0.0.1"}), ca, "127.0.0.1", "IP address mismatch");
  refused(authority.self_signed(), ca, "localhost", "self-signed certificate");
  refused(authority.issue(), std::nullopt, "localhost", "unable to get local issuer certificate");
}

TEST_CASE("a server that asks for a client certificate gets the configured one") {
  Authority authority;
  TlsFiles files = authority.issue();
  files.client_ca = authority.certificate();
  const TlsFiles mine = authority.issue({.names = "DNS:me"});
  ScriptedServer server(answer_once, files);
  auto request = get(server.url());
  request.tls.ca = {authority.certificate()};
  request.tls.certificate = mine.certificate;
  request.tls.key = mine.key;
  CHECK(fetch_once(request).body == "ok");
  request.tls.certificate.reset();
  request.tls.key.reset();
  CHECK(fetch_once(request).error == ErrorKind::unavailable);
}

TEST_CASE("a server without TLS is told to be one") {
  ScriptedServer server([](Exchange& x) {
    x.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    x.stall();
  });
  auto request = get(server.url());
  request.url.scheme = "https";
  const Outcome outcome = fetch_once(request);
  CHECK(outcome.error == ErrorKind::unavailable);
  CHECK(mentions(outcome, "does not speak TLS"));
}

TEST_CASE("an unusable certificate file is named") {
  Authority authority;
  ScriptedServer server(answer_once, authority.issue());
  auto request = get(server.url());
  request.tls.ca = {"/nonexistent/ca.pem"};
  const Outcome outcome = fetch_once(request);
  CHECK(outcome.error == ErrorKind::invalid);
  CHECK(mentions(outcome, "/nonexistent/ca.pem"));
}

TEST_CASE("a renewed authority file is seen without a restart") {
  Authority old_authority;
  Authority new_authority;
  const auto path = old_authority.certificate();
  ScriptedServer old_server(answer_once, old_authority.issue());
  ScriptedServer new_server(answer_once, new_authority.issue());
  with_client([&](net::Client& client) -> Task<> {
    auto request = get(old_server.url());
    request.tls.ca = {path};
    const Outcome before = co_await fetch(client, request);
    CHECK(before.body == "ok");
    std::filesystem::copy_file(new_authority.certificate(), path,
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) + std::chrono::seconds(5));
    request.url = net::Url::parse(new_server.url());
    const Outcome after = co_await fetch(client, request);
    CHECK(after.body == "ok");
  });
}

TEST_CASE("a connection in whose TLS more waits than was asked for is not used again") {
  Authority authority;
  ScriptedServer server(answer_all([](Exchange& x, const RecordedRequest&) {
                          x.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
                          x.write("hello HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
                        }),
                        authority.issue());
  with_client([&](net::Client& client) -> Task<> {
    for (int i = 0; i < 2; ++i) {
      auto request = get(server.url());
      request.tls.ca = {authority.certificate()};
      const Outcome outcome = co_await fetch(client, std::move(request));
      CHECK(outcome.body == "hello");
    }
  });
  CHECK(server.connections() == 2);
}

TEST_CASE("connections with different certificates are not mixed") {
  Authority authority;
  ScriptedServer server(answer_all([](Exchange& x, const RecordedRequest&) { x.answer(200, "ok"); }),
                        authority.issue());
  const TlsFiles mine = authority.issue();
  with_client([&](net::Client& client) -> Task<> {
    auto request = get(server.url());
    request.tls.ca = {authority.certificate()};
    co_await fetch(client, request);
    co_await fetch(client, request);
    request.tls.certificate = mine.certificate;
    request.tls.key = mine.key;
    co_await fetch(client, request);
  });
  CHECK(server.connections() == 2);
}

TEST_CASE("C2: a body that ends with the connection must end with a TLS close") {
  Authority authority;
  ScriptedServer server(
      [](Exchange& x) {
        x.read_request();
        x.write("HTTP/1.0 200 OK\r\n\r\npart");
        x.reset();
      },
      authority.issue());
  auto request = get(server.url());
  request.tls.ca = {authority.certificate()};
  CHECK(fetch_once(request).error == ErrorKind::unavailable);
}

TEST_CASE("https to a server without TLS fails in the handshake") {
  ScriptedServer server(
      [](Exchange& x) { x.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"); });
  const Outcome outcome = fetch_once(get("https://" + server.authority() + "/"));
  CHECK(outcome.error == ErrorKind::unavailable);
  CHECK(mentions(outcome, "TLS handshake"));
}

TEST_CASE("C1: a TLS handshake that stalls is given up after the connect timeout") {
  ScriptedServer server([](Exchange& x) { x.stall(); });
  auto request = get("https://" + server.authority() + "/");
  request.connect_timeout = std::chrono::milliseconds(200);
  const Outcome outcome = fetch_once(request);
  CHECK(outcome.error == ErrorKind::timeout);
  CHECK(mentions(outcome, "TLS handshake"));
}
