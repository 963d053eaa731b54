// Kept-alive connections.

#include "fixture.hpp"
#include "support/eventually.hpp"

using namespace sluice;
using namespace sluice::test;

namespace {

ScriptedServer::Script answer_again_and_again(std::string extra = "") {
  return answer_all([extra](Exchange& x, const RecordedRequest&) { x.answer(200, "ok", extra); });
}

int connections_of_two(ScriptedServer& server, net::ClientOptions options = {}) {
  with_client(
      [&](net::Client& client) -> Task<> {
        for (int i = 0; i < 2; ++i) {
          const Outcome outcome = co_await fetch(client, get(server.url()));
          CHECK(outcome.status == 200);
        }
      },
      options);
  return server.connections();
}

}  // namespace

TEST_CASE("a connection whose answer was read to its end is used again") {
  ScriptedServer server(answer_again_and_again());
  CHECK(connections_of_two(server) == 1);
}

TEST_CASE("a chunked answer gives its connection back as well") {
  ScriptedServer server(answer_all([](Exchange& x, const RecordedRequest&) {
    x.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n");
  }));
  CHECK(connections_of_two(server) == 1);
}

TEST_CASE("a connection is not used again when the peer says close or speaks HTTP/1.0") {
  ScriptedServer closing(answer_again_and_again("Connection: close\r\n"));
  CHECK(connections_of_two(closing) == 2);
  ScriptedServer old(answer_all(
      [](Exchange& x, const RecordedRequest&) { x.write("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"); }));
  CHECK(connections_of_two(old) == 2);
}

TEST_CASE("a connection on which more came than was asked for is not used again") {
  ScriptedServer server(answer_all([](Exchange& x, const RecordedRequest&) {
    x.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  }));
  CHECK(connections_of_two(server) == 2);
}

TEST_CASE("no connection is kept when none may be") {
  ScriptedServer server(answer_again_and_again());
  net::ClientOptions options;
  options.idle_connections_per_host = 0;
  CHECK(connections_of_two(server, options) == 2);
}

TEST_CASE("close_idle closes what is kept") {
  ScriptedServer server(answer_again_and_again());
  with_client([&](net::Client& client) -> Task<> {
    co_await fetch(client, get(server.url()));
    client.close_idle();
    co_await fetch(client, get(server.url()));
  });
  CHECK(server.connections() == 2);
}

TEST_CASE("C10: a kept connection that the peer closed is replaced, for every method without a stream") {
  for (const char* method : {"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"}) {
    // One answer for each connection; then the peer closes, without having said so.
    ScriptedServer server([](Exchange& x) {
      const auto request = x.read_request();
      x.answer(200, request.method == "HEAD" ? "" : "ok");
    });
    with_client([&](net::Client& client) -> Task<> {
      for (int i = 0; i < 3; ++i) {
        auto request = get(server.url());
        request.method = method;
        const Outcome outcome = co_await fetch(client, std::move(request));
        CHECK(outcome.status == 200);
      }
    });
    CHECK(server.connections() == 3);
  }
}

TEST_CASE("C10: a kept connection closed just as we write is replaced once") {
  ScriptedServer server([](Exchange& x) {
    x.read_request();
    x.answer(200, "ok");
    if (x.connection() == 0) {
      x.read_request();  // takes the second request and closes without a byte
      return;
    }
    x.read_request();
  });
  with_client([&](net::Client& client) -> Task<> {
    co_await fetch(client, get(server.url()));
    auto request = get(server.url("/second"));
    request.method = "PUT";
    request.body = "again";
    const Outcome outcome = co_await fetch(client, std::move(request));
    CHECK(outcome.body == "ok");
  });
  const auto requests = server.requests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[1].connection == 0);
  CHECK(requests[2].connection == 1);
  CHECK(requests[2].body == "again");
}

TEST_CASE("C10: nothing is repeated on a fresh connection, nor after the first byte of an answer") {
  ScriptedServer silent([](Exchange& x) { x.read_request(); });
  CHECK(fetch_once(get(silent.url())).error == ErrorKind::unavailable);
  CHECK(silent.connections() == 1);

  ScriptedServer cut([](Exchange& x) {
    x.read_request();
    x.answer(200, "ok");
    x.read_request();
    x.write("HTTP/1.1 2");
  });
  with_client([&](net::Client& client) -> Task<> {
    co_await fetch(client, get(cut.url()));
    const Outcome outcome = co_await fetch(client, get(cut.url()));
    CHECK(outcome.error == ErrorKind::unavailable);
  });
  CHECK(cut.connections() == 1);
}

TEST_CASE("C10: nothing is repeated after a deadline") {
  ScriptedServer server([](Exchange& x) {
    x.read_request();
    x.answer(200, "ok");
    x.read_request();
    x.stall();
  });
  with_client([&](net::Client& client) -> Task<> {
    co_await fetch(client, get(server.url()));
    auto request = get(server.url());
    request.header_timeout = std::chrono::milliseconds(100);
    const Outcome outcome = co_await fetch(client, std::move(request));
    CHECK(outcome.error == ErrorKind::timeout);
  });
  CHECK(server.connections() == 1);
}
