// Answers of servers, good and bad.

#include "fixture.hpp"

using namespace sluice;
using namespace sluice::test;

TEST_CASE("a request goes out as RFC 9112 says") {
  ScriptedServer server([](Exchange& x) {
    x.read_request();
    x.answer(200, "ok");
  });
  auto request = get(server.url("/a%2Fb?c=d"));
  request.headers = {{"Accept", "x/y"}, {"content-length", "77"}, {"Transfer-Encoding", "chunked"}};
  const Outcome outcome = fetch_once(request);
  CHECK(outcome.status == 200);
  CHECK(outcome.body == "ok");
  CHECK(outcome.url == server.url("/a%2Fb?c=d"));
  const auto seen = server.requests().at(0);
  CHECK(seen.method == "GET");
  CHECK(seen.target == "/a%2Fb?c=d");
  CHECK(seen.headers.at("host") == server.authority());
  CHECK(seen.headers.at("accept") == "x/y");
  CHECK(seen.headers.at("accept-encoding") == "identity");
  CHECK(seen.headers.at("user-agent") == "sluice/0.1");
  CHECK_FALSE(seen.headers.contains("content-length"));
  CHECK_FALSE(seen.headers.contains("transfer-encoding"));
}

TEST_CASE("a body goes out with its length, an empty POST with length 0") {
  ScriptedServer server(answer_all([](Exchange& x, const RecordedRequest&) { x.answer(201); }));
  auto request = get(server.url());
  request.method = "POST";
  request.body = std::string(300'000, 'b');
  CHECK(fetch_once(request).status == 201);
  request.body.clear();
  CHECK(fetch_once(request).status == 201);
  CHECK(server.requests().at(0).body == std::string(300'000, 'b'));
  CHECK(server.requests().at(1).headers.at("content-length") == "0");
}

TEST_CASE("a chunked body is put together") {
  CHECK(fetch_bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n "
                    "world\r\n0\r\nT: x\r\n\r\n")
            .body == "hello world");
}

TEST_CASE("a body without any length ends with the connection") {
  CHECK(fetch_bytes("HTTP/1.0 200 OK\r\n\r\nuntil the end").body == "until the end");
}

TEST_CASE("answers to HEAD, 204 and 304 are complete without a body") {
  const auto head = fetch_bytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD");
  CHECK(head.status == 200);
  CHECK(head.body.empty());
  CHECK(fetch_bytes("HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n").status == 204);
  CHECK(fetch_bytes("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n").status == 304);
}

TEST_CASE("HEAD tells the length of the body that it leaves out, whatever the limit of the reader") {
  ScriptedServer server([](Exchange& x) {
    x.read_request();
    x.write("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n");
  });
  auto request = get(server.url());
  request.method = "HEAD";
  with_client([&](net::Client& client) -> Task<> {
    auto response = co_await client.send(request);
    CHECK(response->content_length() == 99999999999U);
    const std::string body = co_await response->read_all(10);
    CHECK(body.empty());
  });
}

TEST_CASE("interim answers are passed over") {
  CHECK(fetch_bytes("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 "
                    "OK\r\nContent-Length: 1\r\n\r\na")
            .body == "a");
}

TEST_CASE("interim answers without end are corrupt") {
  std::string bytes;
  for (int i = 0; i < 200; ++i)
    bytes += "HTTP/1.1 100 Continue\r\n\r\n";
  CHECK(fetch_bytes(bytes).error == ErrorKind::corrupt);
}

TEST_CASE("C2: a connection cut anywhere is an error that tells the phase, never a short body") {
  const std::string bytes = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789";
  with_client([&](net::Client& client) -> Task<> {
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      ScriptedServer server([&, cut](Exchange& x) {
        x.read_request();
        x.write(std::string_view(bytes).substr(0, cut));
      });
      const Outcome outcome = co_await fetch(client, get(server.url("/x?token=secret")));
      INFO("cut after " << cut << " bytes: " << outcome.message);
      CHECK(outcome.error == ErrorKind::unavailable);
      CHECK(mentions(outcome, "GET " + server.url("/x")));
      CHECK_FALSE(mentions(outcome, "secret"));
      CHECK(mentions(outcome, cut < 39 ? "waiting for the answer" : "reading the body"));
    }
  });
}

TEST_CASE("C2: a chunked body cut anywhere is an error") {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string body = "5\r\nhello\r\n0\r\n\r\n";
  with_client([&](net::Client& client) -> Task<> {
    for (std::size_t cut = 0; cut < body.size(); ++cut) {
      ScriptedServer server([&, cut](Exchange& x) {
        x.read_request();
        x.write(head + body.substr(0, cut));
      });
      const Outcome outcome = co_await fetch(client, get(server.url()));
      CHECK(outcome.error == ErrorKind::unavailable);
    }
  });
}

TEST_CASE("C2: a reset in the middle of a body is an error that tells the phase") {
  ScriptedServer server([](Exchange& x) {
    x.read_request();
    x.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234");
    x.reset();
  });
  const Outcome outcome = fetch_once(get(server.url()));
  CHECK(outcome.error == ErrorKind::unavailable);
}

TEST_CASE("C5: what is not HTTP is corrupt, quoted and escaped") {
  const Outcome outcome = fetch_bytes("<html>\x1b[31m nonsense</html>\r\n\r\n");
  CHECK(outcome.error == ErrorKind::corrupt);
  CHECK(mentions(outcome, "<html>"));
  CHECK_FALSE(mentions(outcome, "\x1b"));
}

TEST_CASE("D6: malformed and ambiguous answers are corrupt") {
  for (const char* bytes :
       {"HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\na",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\na", "HTTP/1.1 101 Switching\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    const Outcome outcome = fetch_bytes(bytes);
    CAPTURE(bytes);
    CHECK(outcome.error == ErrorKind::corrupt);
  }
}

TEST_CASE("D4: a header without end is corrupt after the limit") {
  ScriptedServer server([](Exchange& x) {
    x.read_request();
    x.write("HTTP/1.1 200 OK\r\n");
    while (true)
      x.write("X-Flood: " + std::string(1000, 'x') + "\r\n");
  });
  const Outcome outcome = fetch_once(get(server.url()));
  CHECK(outcome.error == ErrorKind::corrupt);
  CHECK(mentions(outcome, "larger than 65536 bytes"));
}

TEST_CASE("D4: read_all stops at its limit, announced or not") {
  for (const std::string& bytes : {std::string("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx"),
                                   "HTTP/1.0 200 OK\r\n\r\n" + std::string((1 << 20) + 1, 'x')})
    CHECK(fetch_bytes(bytes).error == ErrorKind::corrupt);
  CHECK(fetch_bytes("HTTP/1.0 200 OK\r\n\r\n" + std::string(1 << 20, 'x')).body.size() == 1 << 20);
}

TEST_CASE("a request that would break the protocol apart is not sent") {
  ScriptedServer server([](Exchange& x) { x.stall(); });
  auto request = get(server.url());
  request.headers = {{"X", "a\r\nY: b"}};
  CHECK(fetch_once(request).error == ErrorKind::invalid);
  request = get(server.url());
  request.method = "GET / HTTP/1.1\r\nX:";
  CHECK(fetch_once(request).error == ErrorKind::invalid);
  request = get(server.url());
  request.url.target = "/ HTTP/1.1\r\nX: y";
  CHECK(fetch_once(request).error == ErrorKind::invalid);
}
