// When credentials are looked up, and what becomes of those that are refused.

#include "guarded_registry.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

/// Counts what it is asked and told.
struct Source final : registry::CredentialSource {
  int lookups = 0;
  std::vector<std::string> refusals;
  Task<std::optional<registry::Credentials>> find(registry::Endpoint, std::string) override {
    ++lookups;
    co_return registry::Credentials{"bot", Secret("canary")};
  }
  void refused(const registry::Endpoint&, const std::string& path) override { refusals.push_back(path); }
};

}  // namespace

TEST_CASE("credentials are looked up when the registry wants some, not before") {
  FakeRegistry open;
  open.add("a", image);
  open.tag("a", "1", image.manifest);
  Guarded guarded;
  run([&]() -> Task<> {
    Rig rig;
    auto source = std::make_shared<Source>();
    rig.access[open.host()].source = source;
    rig.access[guarded.registry.host()].source = source;
    co_await rig.client.resolve(open.repository("a"), "1");
    CHECK(source->lookups == 0);
    co_await rig.client.resolve(guarded.registry.repository("a"), "1");
    CHECK(source->lookups == 1);
    CHECK(source->refusals.empty());
  });
  CHECK(guarded.service.server.requests().front().headers.at("authorization") ==
        "Basic " + net::base64_encode("bot:canary"));
}

TEST_CASE("a source is told that its credentials were refused") {
  Guarded guarded;
  guarded.service.get_status = 401;
  run([&]() -> Task<> {
    Rig rig;
    auto source = std::make_shared<Source>();
    rig.access[guarded.registry.host()].source = source;
    const Error error = co_await failure_of(rig.client.resolve(guarded.registry.repository("a"), "1"));
    CHECK(error.kind() == ErrorKind::unauthorized);
    CHECK(source->refusals == std::vector<std::string>{"a"});
  });
}

TEST_CASE("credentials that were changed where they come from are tried at once, once") {
  const auto is_password = [](const std::string& password) {
    return [header = "Basic " + net::base64_encode("bot:" + password)](const std::string& sent) {
      return sent == header;
    };
  };
  std::function<bool(const std::string&)> good = is_password("first");
  FakeRegistry registry([&](Exchange& exchange, const RecordedRequest& request) {
    const auto header = request.headers.find("authorization");
    if (header != request.headers.end() && good(header->second)) return false;
    exchange.answer(401, "", "WWW-Authenticate: Basic realm=\"x\"\r\n");
    return true;
  });
  registry.add("a", image);
  registry.tag("a", "1", image.manifest);

  // Gives an answer from before, as a cache does, until it is told that it was refused.
  struct Cached final : registry::CredentialSource {
    std::string kept = "first", now = "first";
    Task<std::optional<registry::Credentials>> find(registry::Endpoint, std::string) override {
      co_return registry::Credentials{"bot", Secret(kept)};
    }
    void refused(const registry::Endpoint&, const std::string&) override { kept = now; }
  };
  run([&]() -> Task<> {
    Rig rig;
    auto source = std::make_shared<Cached>();
    rig.access[registry.host()].source = source;
    co_await rig.client.resolve(registry.repository("a"), "1");
    source->now = "second";
    good = is_password("second");
    const auto resolved = co_await rig.client.resolve(registry.repository("a"), "1");
    CHECK(resolved.has_value());
    const auto before = registry.requests().size();
    source->now = "third";
    good = is_password("fourth");
    const Error error = co_await failure_of(rig.client.resolve(registry.repository("a"), "1"));
    CHECK(error.kind() == ErrorKind::unauthorized);
    CHECK(registry.requests().size() <= before + 3);
  });
}

TEST_CASE("verify tells whether the registry took the credentials") {
  Guarded guarded;
  FakeRegistry open;
  run([&]() -> Task<> {
    Rig rig;
    rig.log_in(guarded.registry.host(), "bot", "canary");
    rig.log_in(open.host(), "bot", "canary");
    const bool asked = co_await rig.client.verify(guarded.registry.host());
    CHECK(asked);
    const bool everybody = co_await rig.client.verify(open.host());
    CHECK_FALSE(everybody);
  });
  CHECK(guarded.registry.requests().front().target == "/v2/");
}

TEST_CASE("that a registry refuses to have an upload removed says nothing of the credentials") {
  FakeRegistry source;
  source.add("a", image);
  FakeRegistry target([](Exchange& exchange, const RecordedRequest& request) {
    if (is(request, "PUT", "/blobs/uploads/")) {
      read_body(exchange, request);
      exchange.answer(400);
      return true;
    }
    if (request.method != "DELETE") return false;
    exchange.answer(401, "", "WWW-Authenticate: Basic realm=\"x\"\r\n");
    return true;
  });
  run([&]() -> Task<> {
    Rig rig;
    auto logins = std::make_shared<Source>();
    rig.access[target.host()].source = logins;
    const Error error = co_await failure_of(
        rig.client.copy(source.repository("a"), image.manifest.digest(), target.repository("b")));
    CHECK(error.kind() == ErrorKind::invalid);
    CHECK(logins->refusals.empty());
  });
  CHECK(target.count("DELETE") >= 1);
}
