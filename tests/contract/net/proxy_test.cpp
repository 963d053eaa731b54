// Through real proxies. The names of the targets lead nowhere but through them.

#include "fixture.hpp"
#include "support/certificates.hpp"
#include "support/proxy_server.hpp"

using namespace sluice;
using namespace sluice::test;

namespace {

std::shared_ptr<const net::Proxies> through(const std::string& url) {
  net::Proxies proxies;
  proxies.https = proxies.http = net::Proxy::parse(url);
  return std::make_shared<const net::Proxies>(std::move(proxies));
}

net::Request get_through(const std::string& proxy, const std::string& url) {
  auto request = get(url);
  request.proxies = through(proxy);
  return request;
}

std::string target_of(const ScriptedServer& server, const std::string& scheme = "http") {
  return scheme + "://target.test:" + std::to_string(server.port()) + "/x?y=1";
}

ScriptedServer::Script answer_ok() {
  return answer_all([](Exchange& x, const RecordedRequest&) { x.answer(200, "ok"); });
}

const CertificateWish for_target{.names = "DNS:target.test"};

bool no_canary(const Outcome& outcome) {
  return !mentions(outcome, "canary") && !mentions(outcome, "Y2FuYXJ5");
}

}  // namespace

TEST_CASE("http goes through an http proxy in absolute form, on one connection, with its credentials") {
  ScriptedServer server(answer_ok());
  ProxyServer proxy({.username = "bot", .password = "canary"});
  with_client([&](net::Client& client) -> Task<> {
    for (int i = 0; i < 2; ++i) {
      auto request = get_through(proxy.url("http", true), target_of(server));
      request.headers.add("Proxy-Authorization", "mine");
      const Outcome outcome = co_await fetch(client, std::move(request));
      CHECK(outcome.body == "ok");
      CHECK(outcome.url == target_of(server));
    }
  });
  CHECK(proxy.asked() == std::vector<std::string>{"GET " + target_of(server)});
  CHECK(server.connections() == 1);
  CHECK(server.requests().at(0).headers.at("host") == "target.test:" + std::to_string(server.port()));
  CHECK(proxy.heard().find("mine") == std::string::npos);
}

TEST_CASE("https goes through an http proxy by CONNECT, and the certificate is checked against the target") {
  Authority authority;
  ScriptedServer server(answer_ok(), authority.issue(for_target));
  ScriptedServer other(answer_ok(), authority.issue({.names = "DNS:other.test"}));
  ProxyServer proxy({.username = "bot", .password = "canary"});
  const auto ask = [&](const ScriptedServer& whom) {
    auto request = get_through(proxy.url("http", true), target_of(whom, "https"));
    request.tls.ca = {authority.certificate()};
    return fetch_once(std::move(request));
  };
  CHECK(ask(server).body == "ok");
  CHECK(proxy.asked().at(0) == "CONNECT target.test:" + std::to_string(server.port()));
  CHECK_FALSE(server.requests().at(0).headers.contains("proxy-authorization"));
  const Outcome wrong = ask(other);
  CHECK(wrong.error == ErrorKind::unavailable);
  CHECK(mentions(wrong, "hostname mismatch"));
  CHECK(mentions(wrong, "proxy " + proxy.url()));
}

TEST_CASE("SOCKS5 looks names up here, SOCKS5h at the proxy, with and without credentials, with TLS inside") {
  Authority authority;
  ScriptedServer server(answer_ok(), authority.issue(for_target));
  net::ClientOptions options;
  options.lookup = [](const std::string& host) -> std::vector<boost::asio::ip::address> {
    if (host != "target.test") throw Error(ErrorKind::unavailable, "no such name");
    return {boost::asio::ip::make_address("127.0.0.1")};
  };
  const std::string port = ":" + std::to_string(server.port());
  for (const bool login : {false, true}) {
    ProxyServer proxy(login ? ProxyWish{.username = "bot", .password = "canary"} : ProxyWish{});
    for (const char* scheme : {"socks5", "socks5h"}) {
      auto request = get_through(proxy.url(scheme, login), target_of(server, "https"));
      request.tls.ca = {authority.certificate()};
      CHECK(fetch_once(std::move(request), options).body == "ok");
    }
    CHECK(proxy.asked() ==
          std::vector<std::string>{"SOCKS address 127.0.0.1" + port, "SOCKS name target.test" + port});
  }
}

TEST_CASE("SOCKS5 tries each address of a name that may be connected to") {
  ScriptedServer server(answer_ok());
  ProxyServer proxy({.refuses_ipv6 = true});
  net::ClientOptions options;
  options.lookup = [](const std::string&) -> std::vector<boost::asio::ip::address> {
    return {boost::asio::ip::make_address("169.254.169.254"), boost::asio::ip::make_address("2606:4700::1"),
            boost::asio::ip::make_address("127.0.0.1")};
  };
  CHECK(fetch_once(get_through(proxy.url("socks5"), target_of(server)), options).body == "ok");
  const std::string port = ":" + std::to_string(server.port());
  CHECK(proxy.asked() ==
        std::vector<std::string>{"SOCKS address 2606:4700::1" + port, "SOCKS address 127.0.0.1" + port});
}

TEST_CASE("SOCKS5 leaves an address that does not answer to the next one in time") {
  ScriptedServer server(answer_ok());
  ProxyServer proxy({.ignores_ipv6 = true});
  net::ClientOptions options;
  options.lookup = [](const std::string&) -> std::vector<boost::asio::ip::address> {
    return {boost::asio::ip::make_address("2606:4700::1"), boost::asio::ip::make_address("127.0.0.1")};
  };
  auto request = get_through(proxy.url("socks5"), target_of(server));
  request.connect_timeout = std::chrono::seconds(3);
  CHECK(fetch_once(std::move(request), options).body == "ok");
  CHECK(proxy.asked().size() == 2);
}

TEST_CASE("D11: a proxy that refuses the credentials is named, they are not") {
  ScriptedServer server(answer_ok());
  ProxyServer proxy({.username = "bot", .password = "right"});
  for (const char* scheme : {"http", "socks5h"})
    for (const char* target : {"http", "https"})
      for (const char* login : {"", "bot:canary@"}) {
        INFO(scheme << " " << target << " " << login);
        std::string url = proxy.url(scheme);
        url.insert(url.find("://") + 3, login);
        const Outcome outcome = fetch_once(get_through(url, target_of(server, target)));
        CHECK(outcome.error == ErrorKind::unauthorized);
        CHECK(mentions(outcome, "proxy " + proxy.url(scheme)));
        CHECK(no_canary(outcome));
      }
  CHECK(server.connections() == 0);
}

TEST_CASE("what a proxy says about the target becomes an error of that kind") {
  ScriptedServer server(answer_ok());
  const auto connect = [&](ProxyWish wish, const char* scheme) {
    ProxyServer proxy(std::move(wish));
    return fetch_once(get_through(proxy.url(scheme), target_of(server, "https")));
  };
  CHECK(connect({.refuse_with = 403}, "http").error == ErrorKind::denied);
  CHECK(connect({.refuse_with = 503}, "http").error == ErrorKind::unavailable);
  CHECK(connect({.refuse_with = 302}, "http").error == ErrorKind::denied);
  CHECK(connect({.socks_code = 2}, "socks5h").error == ErrorKind::denied);
  const Outcome unreachable = connect({.socks_code = 4}, "socks5h");
  CHECK(unreachable.error == ErrorKind::unavailable);
  CHECK(mentions(unreachable, "host unreachable"));
  CHECK(connect({.socks_code = 8}, "socks5h").error == ErrorKind::invalid);
}

TEST_CASE("a proxy that speaks something else, too much or nothing at all is given up") {
  ScriptedServer server(answer_ok());
  const auto ask = [&](ProxyWish wish, const char* scheme) {
    ProxyServer proxy(std::move(wish));
    auto request = get_through(proxy.url(scheme), target_of(server, "https"));
    request.connect_timeout = std::chrono::milliseconds(1500);
    const Outcome outcome = fetch_once(std::move(request));
    CHECK(mentions(outcome, "proxy " + proxy.url(scheme)));
    return outcome.error;
  };
  CHECK(ask({.garbage = "SSH-2.0-OpenSSH\r\n"}, "http") == ErrorKind::corrupt);
  CHECK(ask({.garbage = "HTTP/1.1 200 OK\r\n\r\nand more"}, "http") == ErrorKind::corrupt);
  CHECK(ask({.garbage = "HTTP/1.1 200 OK\r\n" + std::string(20'000, 'x')}, "http") == ErrorKind::corrupt);
  CHECK(ask({.garbage = "HTTP/1.1 200 OK\r\nVia: "}, "http") == ErrorKind::unavailable);
  CHECK(ask({.garbage = "HTTP/1.1 400 Bad Request\r\n\r\n"}, "socks5h") == ErrorKind::corrupt);
  CHECK(ask({.garbage = "\x05"}, "socks5h") == ErrorKind::unavailable);
  CHECK(ask({.hangs = true}, "http") == ErrorKind::timeout);
  CHECK(ask({.hangs = true}, "socks5h") == ErrorKind::timeout);
}

TEST_CASE("a proxy that is not there is named") {
  std::string gone;
  {
    ProxyServer proxy;
    gone = proxy.url();
  }
  const Outcome outcome = fetch_once(get_through(gone, "https://target.test/"));
  CHECK(outcome.error == ErrorKind::unavailable);
  CHECK(mentions(outcome, "connecting, proxy " + gone));
}

TEST_CASE("connections through different proxies, and with different credentials, are not mixed") {
  ScriptedServer server(answer_ok());
  ProxyServer one;
  ProxyServer two;
  with_client([&](net::Client& client) -> Task<> {
    for (const std::string& url : {one.url(), two.url(), one.url("socks5h"), one.url()}) {
      const Outcome outcome = co_await fetch(client, get_through(url, target_of(server)));
      CHECK(outcome.body == "ok");
    }
  });
  CHECK(one.asked().size() == 2);
  CHECK(two.asked().size() == 1);
  CHECK(server.connections() == 3);
}

TEST_CASE("each hop of a redirect chooses its own way") {
  ScriptedServer inside(answer_ok());
  ScriptedServer server(answer_all([&](Exchange& x, const RecordedRequest&) {
    x.answer(302, "", "Location: http://second.test:" + std::to_string(inside.port()) + "/\r\n");
  }));
  ProxyServer proxy;
  net::Proxies proxies;
  proxies.http = net::Proxy::parse(proxy.url());
  proxies.direct = {"second.test"};
  net::ClientOptions options;
  options.proxies = std::make_shared<const net::Proxies>(proxies);
  options.lookup = [](const std::string&) {
    return std::vector<boost::asio::ip::address>{boost::asio::ip::make_address("127.0.0.1")};
  };
  // What stands behind the proxy is taken for global; so must be what the test has on loopback.
  options.classify = [](const boost::asio::ip::address&) { return net::AddressClass::global; };
  auto request = get(target_of(server));
  request.max_redirects = 2;
  CHECK(fetch_once(request, options).body == "ok");
  CHECK(proxy.asked() == std::vector<std::string>{"GET " + target_of(server)});
  CHECK(inside.connections() == 1);
}

TEST_CASE(
    "D1: a spelled address is judged behind a proxy too, and what is asked directly keeps to its own rule") {
  ProxyServer proxy;
  const auto redirected = [&](const std::string& location) {
    ScriptedServer server(answer_all(
        [&](Exchange& x, const RecordedRequest&) { x.answer(302, "", "Location: " + location + "\r\n"); }));
    auto request = get_through(proxy.url(), target_of(server));
    request.max_redirects = 2;
    return fetch_once(request);
  };
  for (const char* location :
       {"http://169.254.169.254/latest/", "http://10.0.0.1/", "http://127.0.0.1:1/", "http://2852039166/"}) {
    INFO(location);
    CHECK(redirected(location).error == ErrorKind::denied);
  }
  for (const auto& asked : proxy.asked())
    CHECK(asked.find("target.test") != std::string::npos);
}

TEST_CASE("loopback is asked directly, whatever proxy there is") {
  ScriptedServer server(answer_ok());
  ProxyServer proxy;
  CHECK(fetch_once(get_through(proxy.url(), server.url())).body == "ok");
  CHECK(proxy.asked().empty());
}
