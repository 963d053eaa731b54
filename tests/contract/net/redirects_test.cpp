// Redirects over real connections; the rules themselves are tested as a pure function.

#include "fixture.hpp"

using namespace sluice;
using namespace sluice::test;

TEST_CASE("D2: Authorization follows on the same origin and stays away from another") {
  ScriptedServer other([](Exchange& x) {
    x.read_request();
    x.answer(200, "there");
  });
  ScriptedServer server(answer_all([&](Exchange& x, const RecordedRequest& request) {
    if (request.target == "/first") x.answer(307, "", "Location: /second\r\n");
    if (request.target == "/second")
      x.answer(302, "moved", "Location: " + other.url("/third?sig=1") + "\r\n");
  }));
  auto request = get(server.url("/first"));
  request.max_redirects = 5;
  request.headers = {{"Authorization", "Bearer secret"}};
  const Outcome outcome = fetch_once(request);
  CHECK(outcome.body == "there");
  CHECK(outcome.url == other.url("/third?sig=1"));
  CHECK(server.connections() == 1);
  CHECK(server.requests().at(1).headers.at("authorization") == "Bearer secret");
  CHECK_FALSE(other.requests().at(0).headers.contains("authorization"));
}

TEST_CASE("without leave to follow, the redirect itself is the answer") {
  ScriptedServer server([](Exchange& x) {
    x.read_request();
    x.answer(302, "", "Location: /x\r\n");
  });
  const Outcome outcome = fetch_once(get(server.url()));
  CHECK(outcome.status == 302);
  CHECK(outcome.headers.get("Location") == "/x");
}

TEST_CASE("D4: redirects in a circle end after the limit") {
  ScriptedServer server(
      answer_all([](Exchange& x, const RecordedRequest&) { x.answer(302, "", "Location: /again\r\n"); }));
  auto request = get(server.url());
  request.max_redirects = 3;
  const Outcome outcome = fetch_once(request);
  CHECK(outcome.error == ErrorKind::unavailable);
  CHECK(mentions(outcome, "more than 3 redirects"));
  CHECK(server.requests().size() == 4);
}

TEST_CASE("D1: a redirect to a Unix socket or a file is corrupt") {
  for (const char* location : {"unix:/run/podman.sock:/x", "file:///etc/passwd"}) {
    ScriptedServer server([&](Exchange& x) {
      x.read_request();
      x.answer(302, "", std::string("Location: ") + location + "\r\n");
    });
    auto request = get(server.url());
    request.max_redirects = 3;
    CHECK(fetch_once(request).error == ErrorKind::corrupt);
  }
}
