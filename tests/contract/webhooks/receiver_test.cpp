// The receiver apart from any sender: what is kept, what is refused, and what it costs.

#include "bench.hpp"
#include "support/full_disk.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::test;
using nlohmann::json;

namespace {

const std::string two_pipelines = R"(
pipelines:
  - {name: node, upstream: 'r.example.com/node:1', staging: c.example.com/s/node, promote: {to: c.example.com/b/node, tags: ['1', '1-{run}']}}
  - {name: node-2, upstream: 'r.example.com/node:2', staging: c.example.com/s/node2, promote: {to: c.example.com/b/node2, tags: ['1', '1-{run}']}}
)";

HookBench receiver_bench(const std::string& more = {}, const std::string& server = {}) {
  return HookBench(
      server + "webhooks:\n  own: {sender: generic, bearer: {env: SECRET}, fields: {image: /image, id: /id}" +
          more + "}\n  events: {sender: cloudevents, token: {env: SECRET}}" + two_pipelines,
      {{"SECRET", "fixture-secret"}});
}

net::Headers right() {
  return {{"Authorization", "Bearer fixture-secret"}, {"Content-Type", "application/json"}};
}

net::Headers wrong() {
  return {{"Authorization", "Bearer wrong"}};
}

net::Headers handshake() {
  return {{"WebHook-Request-Origin", "eventgrid.azure.net"}, {"WebHook-Request-Rate", "120"}};
}

const std::vector<std::string> other_targets{"/", "/hooks", "/api/v1/status", "/hook/own"};
const std::vector<std::string> other_methods{"GET", "PUT", "DELETE", "PATCH"};

std::string image(const std::string& name, const std::string& id = {}) {
  json body{{"image", name}};
  if (!id.empty()) body["id"] = id;
  return body.dump();
}

std::string result_of(const HookAnswer& answer) {
  return answer.status == 200 ? json::parse(answer.body)["result"].get<std::string>()
                              : std::to_string(answer.status);
}

}  // namespace

TEST_CASE("A delivery without a name counts again once its look was made, and not before") {
  HookBench world = receiver_bench();
  world.play([&]() -> Task<> {
    const auto body = image("r.example.com/node:1");
    const auto first = co_await world.post("/hooks/own", right(), body);
    CHECK(result_of(first) == "accepted");
    const auto second = co_await world.post("/hooks/own", right(), body);
    CHECK(result_of(second) == "duplicate");
    const auto other = co_await world.post("/hooks/own", right(), image("r.example.com/node:2"));
    CHECK(result_of(other) == "accepted");
    const auto owed = co_await world.owed();
    CHECK(owed.size() == 2);
  });
}

TEST_CASE("D7: a delivery with a name counts once, whatever its body") {
  HookBench world = receiver_bench();
  world.play([&]() -> Task<> {
    const auto first = co_await world.post("/hooks/own", right(), image("r.example.com/node:1", "seven"));
    CHECK(result_of(first) == "accepted");
    co_await world.settle();
    const auto replay = co_await world.post("/hooks/own", right(), image("r.example.com/node:2", "seven"));
    CHECK(result_of(replay) == "duplicate");
    const auto owed = co_await world.owed();
    CHECK(owed.empty());
    CHECK(world.engine->hooks().at("own").duplicates == 1);
  });
}

TEST_CASE("What no pipeline watches is counted and leaves no row") {
  HookBench world = receiver_bench();
  world.play([&]() -> Task<> {
    for (int i = 0; i < 20; ++i) {
      const auto answer =
          co_await world.post("/hooks/own", right(), image("r.example.com/x" + std::to_string(i) + ":1"));
      CHECK(result_of(answer) == "ignored");
    }
    const auto another_tag = co_await world.post("/hooks/own", right(), image("r.example.com/node:3"));
    CHECK(json::parse(another_tag.body)["reason"] == "no pipeline watches this tag");
    const auto& status = world.engine->hooks().at("own");
    CHECK(status.ignored == 21);
    CHECK(status.unknown_repositories == 20);
    CHECK(status.last_unknown == "r.example.com/x19");
    const auto rows = co_await world.forget_receipts();
    CHECK(rows == 0);
  });
}

TEST_CASE(
    "B1: when nothing can be written, the sender is told to send again, and gets in when there is room") {
  HookBench world = receiver_bench();
  world.play([&]() -> Task<> {
    {
      const FullDisk full;
      const auto answer = co_await world.post("/hooks/own", right(), image("r.example.com/node:1", "one"));
      CHECK(answer.status == 503);
      CHECK(answer.headers.get("Retry-After"));
      CHECK(world.engine->hooks().at("own").refused.at("not kept") == 1);
    }
    const auto again = co_await world.post("/hooks/own", right(), image("r.example.com/node:1", "one"));
    CHECK(result_of(again) == "accepted");
    const auto owed = co_await world.owed();
    CHECK(owed.size() == 1);
  });
}

TEST_CASE("The sender's administrator is told what is wrong, once the secret was right") {
  HookBench world = receiver_bench();
  world.play([&]() -> Task<> {
    const auto broken = co_await world.post("/hooks/own", right(), "{");
    CHECK(broken.status == 400);
    CHECK_THAT(broken.body, Catch::Contains("not JSON"));
    const auto other = co_await world.post("/hooks/own", right(), "{\"x\":1}");
    CHECK_THAT(other.body, Catch::Contains("nothing where 'fields' points to"));
    auto headers = right();
    headers.set("Content-Type", "image/png");
    const auto picture = co_await world.post("/hooks/own", headers, image("r.example.com/node:1"));
    CHECK(picture.status == 415);
    const auto stranger = co_await world.post("/hooks/own", net::Headers(), "{");
    CHECK(stranger.status == 404);
  });
}

TEST_CASE("D6: an address that sends too much is refused, and so is a sender; the two are counted apart") {
  HookBench slow = receiver_bench(", rate: 1");
  slow.play([&]() -> Task<> {
    int accepted = 0;
    HookAnswer last;
    for (int i = 0; i < 15; ++i) {
      last = co_await slow.post("/hooks/own", right(), image("r.example.com/node:1", std::to_string(i)));
      accepted += last.status == 200;
    }
    CHECK(accepted >= 10);
    CHECK(accepted < 15);
    CHECK(last.status == 429);
    CHECK(last.headers.get("Retry-After"));
  });
  HookBench busy = receiver_bench({}, "server: {webhooks: {rate: 1}}\n");
  busy.play([&]() -> Task<> {
    HookAnswer last;
    for (int i = 0; i < 15; ++i)
      last = co_await busy.post("/hooks/nobody", net::Headers(), "{}");
    CHECK(last.status == 429);
    CHECK(busy.engine->hooks().at("own").refused.empty());
  });
}

TEST_CASE("D6: wrong secrets do not use up what an honest sender may send") {
  HookBench world = receiver_bench(", rate: 1");
  world.play([&]() -> Task<> {
    for (int i = 0; i < 50; ++i)
      co_await world.post("/hooks/own", wrong(), "{}");
    const auto honest = co_await world.post("/hooks/own", right(), image("r.example.com/node:1"));
    CHECK(result_of(honest) == "accepted");
  });
}

TEST_CASE("Behind a trusted proxy the sender's own address counts") {
  HookBench world = receiver_bench(", allow_from: [198.51.100.0/24]",
                                   "server: {webhooks: {trusted_proxies: [127.0.0.1]}}\n");
  world.play([&]() -> Task<> {
    auto headers = right();
    headers.set("X-Forwarded-For", "1.2.3.4, 198.51.100.7");
    const auto good = co_await world.post("/hooks/own", headers, image("r.example.com/node:1"));
    CHECK(result_of(good) == "accepted");
    headers.set("X-Forwarded-For", "198.51.100.7, 1.2.3.4");
    const auto forged = co_await world.post("/hooks/own", headers, image("r.example.com/node:2"));
    CHECK(forged.status == 404);
  });
}

TEST_CASE("The handshake of CloudEvents is answered to who knows the address") {
  HookBench world = receiver_bench();
  world.play([&]() -> Task<> {
    const auto ask = handshake();
    const auto good = co_await world.send("OPTIONS", "/hooks/events/fixture-secret", ask, "");
    CHECK(good.status == 200);
    CHECK(good.headers.get("WebHook-Allowed-Origin") == "eventgrid.azure.net");
    CHECK(good.headers.get("WebHook-Allowed-Rate") == "120");
    const auto stranger = co_await world.send("OPTIONS", "/hooks/events/wrong-secret", ask, "");
    CHECK(stranger.status == 404);
    const auto no_handshake = co_await world.send("OPTIONS", "/hooks/own", right(), "");
    CHECK(no_handshake.status == 405);
  });
}

TEST_CASE("Nothing but POST to a webhook is answered") {
  HookBench world = receiver_bench();
  world.play([&]() -> Task<> {
    for (const std::string& target : other_targets) {
      const auto answer = co_await world.post(target, right(), "{}");
      CHECK(answer.status == 404);
    }
    for (const std::string& method : other_methods) {
      const auto answer = co_await world.send(method, "/hooks/own", right(), "");
      CHECK(answer.status == 405);
    }
  });
}
