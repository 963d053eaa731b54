// Challenges and tokens, against registries and token services that do their worst.

#include "fake_registry.hpp"
#include "rig.hpp"
#include "support/run.hpp"

#include <atomic>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

const TestImage image = make_image("amd64", 31, {100});

/// A token service: token 1, token 2, ... or whatever a test says instead.
struct Tokens {
  std::atomic<int> given = 0;
  std::string fields;  // ", \"expires_in\": 300"
  std::function<bool(Exchange&, const RecordedRequest&)> instead;
  ScriptedServer server{answer_all([this](Exchange& exchange, const RecordedRequest& request) {
    if (instead && instead(exchange, request)) return;
    exchange.answer(200, R"({"token":"token-)" + std::to_string(++given) + "\"" + fields + "}");
  })};

  std::string challenge(const std::string& scope = "repository:a:pull") const {
    return "WWW-Authenticate: Bearer realm=\"" + server.url("/token") + "\",service=\"s\",scope=\"" + scope +
           "\"\r\n";
  }
};

/// Lets a request through when `good` says so of its Authorization, else challenges it.
FakeRegistry::Hook guarded(std::string challenge, std::function<bool(const std::string&)> good) {
  return [challenge, good](Exchange& exchange, const RecordedRequest& request) {
    const auto header = request.headers.find("authorization");
    if (header != request.headers.end() && good(header->second)) return false;
    read_body(exchange, request);
    exchange.answer(401, R"({"errors":[{"code":"UNAUTHORIZED","message":"log in"}]})", challenge);
    return true;
  };
}

bool any_token(const std::string& header) {
  return header.starts_with("Bearer token-");
}

void fill(FakeRegistry& registry) {
  registry.add("a", image);
  registry.tag("a", "1", image.manifest);
}

Task<> resolve_into(Rig& rig, oci::Repository repository, int& done) {
  co_await rig.client.resolve(repository, "1");
  ++done;
}

const std::string canary_basic = "Basic " + net::base64_encode("bot:canary");

}  // namespace

TEST_CASE("a Bearer challenge is answered with a token, which later requests use at once") {
  Tokens tokens;
  FakeRegistry registry(guarded(tokens.challenge(), any_token));
  fill(registry);
  run([&]() -> Task<> {
    Rig rig;
    for (int i = 0; i < 3; ++i)
      co_await rig.client.resolve(registry.repository("a"), "1");
  });
  CHECK(tokens.given == 1);
  CHECK(registry.requests().size() == 4);
  CHECK(tokens.server.requests().front().target == "/token?service=s&scope=repository%3Aa%3Apull");
  CHECK(tokens.server.requests().front().headers.count("authorization") == 0);
}

TEST_CASE("the token service gets the registry's credentials, the registry gets only the token") {
  Tokens tokens;
  FakeRegistry registry(guarded(tokens.challenge(), any_token));
  fill(registry);
  run([&]() -> Task<> {
    Rig rig;
    rig.log_in(registry.host(), "bot", "canary");
    co_await rig.client.resolve(registry.repository("a"), "1");
  });
  CHECK(tokens.server.requests().front().headers.at("authorization") == canary_basic);
  for (const auto& request : registry.requests())
    CHECK((request.headers.count("authorization") == 0 || any_token(request.headers.at("authorization"))));
}

TEST_CASE("many requests at once share one token fetch") {
  Tokens tokens;
  FakeRegistry registry(guarded(tokens.challenge(), any_token));
  fill(registry);
  run([&](boost::asio::io_context& loop) -> Task<> {
    Rig rig;
    int done = 0;
    for (int i = 0; i < 20; ++i)
      boost::asio::co_spawn(loop, resolve_into(rig, registry.repository("a"), done), boost::asio::detached);
    while (done < 20)
      co_await rig.clock.sleep_for(std::chrono::milliseconds(2));
  });
  CHECK(tokens.given == 1);
}

TEST_CASE("a registry that refuses every token is asked twice and no more") {
  Tokens tokens;
  FakeRegistry registry(guarded(tokens.challenge(), [](const std::string&) { return false; }));
  const auto error = run([&]() -> Task<std::optional<Error>> {
    Rig rig;
    rig.log_in(registry.host(), "bot", "canary");
    co_return co_await failure_of(rig.client.resolve(registry.repository("a"), "1"));
  });
  CHECK(error->kind() == ErrorKind::unauthorized);
  CHECK_THAT(error->what(),
             Catch::Contains("401") && !Catch::Contains("canary") && !Catch::Contains("token-"));
  CHECK(registry.requests().size() == 2);
  CHECK(tokens.given == 1);
}

TEST_CASE("a token is renewed before its time is over, a missing lifetime is 60 seconds") {
  for (const auto& [fields, lifetime] :
       {std::pair<std::string, int>("", 60), {R"(,"expires_in":300)", 300}}) {
    Tokens tokens;
    tokens.fields = fields;
    FakeRegistry registry(guarded(tokens.challenge(), any_token));
    fill(registry);
    run([&, lifetime = lifetime]() -> Task<> {
      Rig rig;
      co_await rig.client.resolve(registry.repository("a"), "1");
      rig.clock.advance(std::chrono::seconds(lifetime / 2));
      co_await rig.client.resolve(registry.repository("a"), "1");
      CHECK(tokens.given == 1);
      rig.clock.advance(std::chrono::seconds(lifetime / 2 - 1));
      co_await rig.client.resolve(registry.repository("a"), "1");
      CHECK(tokens.given == 2);
    });
    CHECK(registry.requests().size() == 4);
  }
}

TEST_CASE("a token that the registry no longer takes is replaced once") {
  Tokens tokens;
  std::atomic<bool> second = false;
  FakeRegistry registry(guarded(tokens.challenge(), [&](const std::string& header) {
    return header == (second ? "Bearer token-2" : "Bearer token-1");
  }));
  fill(registry);
  run([&]() -> Task<> {
    Rig rig;
    co_await rig.client.resolve(registry.repository("a"), "1");
    second = true;
    const auto resolved = co_await rig.client.resolve(registry.repository("a"), "1");
    CHECK(resolved.has_value());
  });
  CHECK(tokens.given == 2);
}

TEST_CASE("a scope that the registry demands beyond ours is asked for first") {
  Tokens tokens;
  FakeRegistry registry(guarded(tokens.challenge("repository:a:pull,push"), any_token));
  fill(registry);
  run([&]() -> Task<> {
    Rig rig;
    co_await rig.client.resolve(registry.repository("a"), "1");
  });
  CHECK(tokens.server.requests().front().target ==
        "/token?service=s&scope=repository%3Aa%3Apull%2Cpush&scope=repository%3Aa%3Apull");
}

TEST_CASE("a 401 without a challenge is answered with the challenge of /v2/") {
  Tokens tokens;
  FakeRegistry registry([&](Exchange& exchange, const RecordedRequest& request) {
    if (request.headers.count("authorization") != 0) return false;
    exchange.answer(401, "", request.target == "/v2/" ? tokens.challenge() : "");
    return true;
  });
  fill(registry);
  run([&]() -> Task<> {
    Rig rig;
    const auto resolved = co_await rig.client.resolve(registry.repository("a"), "1");
    CHECK(resolved.has_value());
  });
  CHECK(registry.count("GET") == 1);
}

TEST_CASE(
    "what the token service refuses is unauthorized, its overload is transient, and neither is repeated") {
  const std::vector<std::tuple<int, std::string, ErrorKind>> cases{
      {401, "", ErrorKind::unauthorized}, {403, "", ErrorKind::unauthorized},
      {404, "", ErrorKind::unauthorized}, {429, "Retry-After: 9\r\n", ErrorKind::rate_limited},
      {503, "", ErrorKind::unavailable},  {302, "Location: http://127.0.0.1:1/\r\n", ErrorKind::unauthorized},
      {200, "", ErrorKind::corrupt},
  };
  for (const auto& [status, fields, kind] : cases) {
    INFO(status);
    Tokens tokens;
    tokens.instead = [status = status, fields = fields](Exchange& exchange, const RecordedRequest&) {
      exchange.answer(status, "{}", fields);
      return true;
    };
    FakeRegistry registry(guarded(tokens.challenge(), any_token));
    const auto error = run([&]() -> Task<std::optional<Error>> {
      Rig rig;
      rig.log_in(registry.host(), "bot", "canary");
      co_return co_await failure_of(rig.client.resolve(registry.repository("a"), "1"));
    });
    CHECK(error->kind() == kind);
    CHECK_THAT(error->what(), Catch::Contains("HEAD manifest 1"));
    CHECK_THAT(error->what(), !Catch::Contains("canary"));
    // A service that does not know GET is asked by POST, once.
    CHECK(tokens.server.requests().size() == (status == 404 ? 2 : 1));
  }
}

TEST_CASE("D2: a redirect of the token service is not followed with credentials") {
  ScriptedServer thief(answer_all(
      [](Exchange& exchange, const RecordedRequest&) { exchange.answer(200, R"({"token":"stolen"})"); }));
  Tokens tokens;
  tokens.instead = [&](Exchange& exchange, const RecordedRequest&) {
    exchange.answer(307, "", "Location: " + thief.url("/token") + "\r\n");
    return true;
  };
  FakeRegistry registry(guarded(tokens.challenge(), any_token));
  run([&]() -> Task<> {
    Rig rig;
    rig.log_in(registry.host(), "bot", "canary");
    co_await failure_of(rig.client.resolve(registry.repository("a"), "1"));
  });
  CHECK(thief.requests().empty());
}

TEST_CASE("D2: each registry's credentials and tokens stay with it") {
  Tokens tokens;
  FakeRegistry ours(guarded(tokens.challenge(), any_token));
  FakeRegistry theirs(guarded("WWW-Authenticate: Basic realm=\"x\"\r\n",
                              [](const std::string& header) { return header == canary_basic; }));
  fill(ours);
  fill(theirs);
  run([&]() -> Task<> {
    Rig rig;
    rig.log_in(theirs.host(), "bot", "canary");
    co_await rig.client.resolve(theirs.repository("a"), "1");
    co_await rig.client.resolve(ours.repository("a"), "1");
    co_await rig.client.resolve(theirs.repository("a"), "1");
  });
  for (const auto& request : ours.requests())
    if (request.headers.count("authorization") != 0) CHECK(any_token(request.headers.at("authorization")));
  for (const auto& request : theirs.requests())
    if (request.headers.count("authorization") != 0)
      CHECK(request.headers.at("authorization") == canary_basic);
  CHECK(tokens.server.requests().front().headers.count("authorization") == 0);
  CHECK(theirs.requests().size() == 3);
}

TEST_CASE("D2: a blob's redirect to another host carries no Authorization, and its 401 is not answered") {
  const Piece& config = image.blobs.front();
  std::atomic<bool> refuse = false;
  ScriptedServer storage(answer_all([&](Exchange& exchange, const RecordedRequest&) {
    if (refuse) return exchange.answer(401, "expired", "WWW-Authenticate: Basic realm=\"x\"\r\n");
    exchange.answer(200, config.bytes);
  }));
  const auto authorized = guarded("WWW-Authenticate: Basic realm=\"x\"\r\n",
                                  [](const std::string& header) { return header == canary_basic; });
  FakeRegistry registry([&](Exchange& exchange, const RecordedRequest& request) {
    if (authorized(exchange, request)) return true;
    exchange.answer(307, "", "Location: " + storage.url("/signed?x=1") + "\r\n");
    return true;
  });
  run([&]() -> Task<> {
    Rig rig;
    rig.log_in(registry.host(), "bot", "canary");
    const std::string bytes = co_await rig.client.small_blob(registry.repository("a"), config.digest());
    CHECK(bytes == config.bytes);
    refuse = true;
    const Error error = co_await failure_of(rig.client.small_blob(registry.repository("a"), config.digest()));
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK_THAT(error.what(), Catch::Contains(storage.authority()));
  });
  CHECK(storage.requests().size() == 2);
  for (const auto& request : storage.requests())
    CHECK(request.headers.count("authorization") == 0);
}

TEST_CASE("a change of credentials takes effect with the next request") {
  Tokens tokens;
  FakeRegistry registry(guarded(tokens.challenge(), any_token));
  fill(registry);
  run([&]() -> Task<> {
    Rig rig;
    co_await rig.client.resolve(registry.repository("a"), "1");
    rig.log_in(registry.host(), "bot", "canary");
    co_await rig.client.resolve(registry.repository("a"), "1");
  });
  REQUIRE(tokens.server.requests().size() == 2);
  CHECK(tokens.server.requests().back().headers.at("authorization") == canary_basic);
}

TEST_CASE("a token that cannot be renewed is used to its end, and its service is asked now and then") {
  Tokens tokens;
  tokens.fields = R"(,"expires_in":300)";
  std::atomic<bool> down = false;
  tokens.instead = [&](Exchange& exchange, const RecordedRequest&) {
    if (down) exchange.answer(503, "{}");
    return down.load();
  };
  FakeRegistry registry(guarded(tokens.challenge(), any_token));
  fill(registry);
  run([&]() -> Task<> {
    Rig rig;
    const auto answers = [&]() -> Task<bool> {
      const auto resolved = co_await rig.client.resolve(registry.repository("a"), "1");
      co_return resolved.has_value();
    };
    co_await answers();
    down = true;
    rig.clock.advance(std::chrono::seconds(250));
    for (int i = 0; i < 3; ++i) {
      const bool resolved = co_await answers();
      CHECK(resolved);
    }
    CHECK(tokens.server.requests().size() == 2);
    down = false;
    rig.clock.advance(std::chrono::seconds(10));
    const bool renewed = co_await answers();
    CHECK(renewed);
    CHECK(tokens.given == 2);
    down = true;
    rig.clock.advance(std::chrono::seconds(300));
    const Error error = co_await failure_of(answers());
    CHECK(error.kind() == ErrorKind::unavailable);
  });
}
