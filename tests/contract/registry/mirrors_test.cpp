// Mirrors: content by digest from whoever has it, the truth about tags from the registry itself.

#include "fake_registry.hpp"
#include "registry/gates.hpp"
#include "rig.hpp"
#include "support/run.hpp"

#include <atomic>
#include <mutex>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

const TestImage image = make_image("amd64", 81, {300'000, 2000});
const std::string digest = image.manifest.digest().text();
const Piece& layer = image.blobs[1];

/// Answers reads of manifests and blobs as a test says; false: as a registry does.
using Script = std::function<bool(Exchange&, const RecordedRequest&)>;

/// An upstream with a mirror before it; both have the image.
struct Scene {
  Script mirror_says;
  Script upstream_says;
  FakeRegistry mirror{[this](Exchange& exchange, const RecordedRequest& request) {
    return mirror_says && mirror_says(exchange, request);
  }};
  FakeRegistry upstream{[this](Exchange& exchange, const RecordedRequest& request) {
    return upstream_says && upstream_says(exchange, request);
  }};
  FakeRegistry target;

  Scene() {
    for (auto* one : {&mirror, &upstream}) {
      one->add("a", image);
      one->tag("a", "1", image.manifest);
    }
  }
  void use(Rig& rig, bool tags = false) {
    auto& access = rig.access[upstream.host()];
    access.patience = 0ms;
    access.mirrors = {{mirror.host(), "", tags}};
  }
  Task<registry::CopyProgress> copy(Rig& rig) {
    return rig.client.copy(upstream.repository("a"), image.manifest.digest(), target.repository("b"));
  }
  int asked_mirror() const { return static_cast<int>(mirror.requests().size()); }
  int asked_upstream() const { return static_cast<int>(upstream.requests().size()); }
  bool is_complete() const {
    bool all = target.stored("b", image.manifest.digest()) == image.manifest.bytes;
    for (const auto& blob : image.blobs)
      all = all && target.stored("b", blob.digest()) == blob.bytes;
    return all;
  }
};

Script with_status(int status, std::string fields = "", std::string body = "{}") {
  return [=](Exchange& exchange, const RecordedRequest&) {
    exchange.answer(status, body, fields);
    return true;
  };
}

}  // namespace

TEST_CASE("content by digest comes from the mirror, and costs its registry nothing") {
  Scene scene;
  run([&]() -> Task<> {
    Rig rig;
    scene.use(rig);
    co_await scene.copy(rig);
    CHECK(scene.is_complete());
    CHECK(scene.asked_upstream() == 0);
    const auto fetched = co_await rig.client.manifest(scene.upstream.repository("a"), digest);
    CHECK(fetched.bytes == image.manifest.bytes);
    const auto config =
        co_await rig.client.small_blob(scene.upstream.repository("a"), image.blobs[0].digest());
    CHECK(config == image.blobs[0].bytes);
    CHECK(scene.asked_upstream() == 0);
    for (const auto& request : scene.mirror.requests()) {
      CHECK(request.method == "GET");
      CHECK(request.target.ends_with("?ns=" + net::percent_encode(scene.upstream.host())));
    }
  });
}

TEST_CASE("what a tag names is asked from the registry itself, and the manifest then from the mirror") {
  Scene scene;
  const TestImage old = make_image("amd64", 82, {100});
  scene.mirror.add("a", old);
  scene.mirror.tag("a", "1", old.manifest);
  run([&]() -> Task<> {
    Rig rig;
    scene.use(rig, true);
    const auto resolved = co_await rig.client.look(scene.upstream.repository("a"), "1");
    CHECK(resolved->digest == image.manifest.digest());
    CHECK(scene.asked_mirror() == 0);
    const auto fetched = co_await rig.client.manifest(scene.upstream.repository("a"), "1");
    CHECK(fetched.digest == image.manifest.digest());
    CHECK(scene.upstream.count("GET") == 0);
    CHECK(scene.mirror.count("GET", "/manifests/" + digest) == 1);
  });
}

TEST_CASE("a mirror that has nothing, fails or lies is passed over, and asked again later") {
  const std::string page = "Content-Type: text/html\r\n";
  const std::string type = "Content-Type: " + image.manifest.media_type + "\r\n";
  const TestImage other = make_image("amd64", 83, {100});
  const std::pair<const char*, Script> troubles[] = {
      {"404", with_status(404)},
      {"403", with_status(403)},
      {"401", with_status(401)},
      {"400", with_status(400)},
      {"500", with_status(500)},
      {"503", with_status(503, "Retry-After: 30\r\n")},
      {"429", with_status(429, "Retry-After: 30\r\n")},
      {"web page", with_status(200, page, "<html>")},
      {"other manifest", with_status(200, type, other.manifest.bytes)},
      {"garbled", with_status(200, type, "{")},
      {"reset",
       [](Exchange& exchange, const RecordedRequest&) {
         exchange.reset();
         return true;
       }},
  };
  for (const auto& [name, trouble] : troubles) {
    INFO(name);
    Scene scene;
    scene.mirror_says = trouble;
    run([&]() -> Task<> {
      Rig rig;
      scene.use(rig);
      co_await scene.copy(rig);
      CHECK(scene.is_complete());
      const int asked = scene.asked_mirror();
      CHECK(asked >= 1);
      CHECK(scene.mirror.count("GET", "/blobs/") == 0);  // the manifest was enough
      co_await rig.client.manifest(scene.upstream.repository("a"), digest);
      CHECK(scene.asked_mirror() == asked);
      scene.mirror_says = nullptr;
      rig.clock.advance(61min);
      const int upstream_asked = scene.asked_upstream();
      co_await rig.client.manifest(scene.upstream.repository("a"), digest);
      CHECK(scene.asked_mirror() == asked + 1);
      CHECK(scene.asked_upstream() == upstream_asked);
    });
  }
}

TEST_CASE("C5: wrong bytes of a mirror never reach the target, and cost one more transfer") {
  const std::pair<const char*, std::string> lies[] = {{"same length", noise(99, layer.bytes.size())},
                                                      {"shorter", layer.bytes.substr(1)},
                                                      {"longer", layer.bytes + "x"}};
  for (const auto& [name, bytes] : lies) {
    INFO(name);
    Scene scene;
    scene.mirror_says = [&, lie = bytes](Exchange& exchange, const RecordedRequest& request) {
      if (!is(request, "GET", "/blobs/" + layer.digest().text())) return false;
      exchange.answer(200, lie);
      return true;
    };
    run([&]() -> Task<> {
      Rig rig;
      scene.use(rig);
      co_await scene.copy(rig);
      CHECK(scene.is_complete());
      CHECK(scene.upstream.count("GET", "/blobs/" + layer.digest().text()) == 1);
      CHECK(scene.mirror.count("GET", "/blobs/" + layer.digest().text()) == 1);
    });
  }
}

TEST_CASE("a small blob that a mirror garbles comes from the registry itself") {
  Scene scene;
  const Piece& config = image.blobs[0];
  scene.mirror_says = [&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/blobs/")) return false;
    exchange.answer(200, noise(98, config.bytes.size()));
    return true;
  };
  run([&]() -> Task<> {
    Rig rig;
    scene.use(rig);
    const auto bytes = co_await rig.client.small_blob(scene.upstream.repository("a"), config.digest());
    CHECK(bytes == config.bytes);
    Rig another;
    scene.use(another);
    auto place = registry::Place::parse(scene.upstream.repository("a").text());
    const auto size = static_cast<std::int64_t>(config.bytes.size());
    oci::Descriptor blob{config.media_type, config.digest(), size, {}, {}, {}};
    const auto same = co_await another.client.small_blob(place, blob);
    CHECK(same == config.bytes);
  });
}

TEST_CASE("C2: a blob that a mirror does not give to its end goes on at the registry where it was") {
  Scene scene;
  const auto half = layer.bytes.size() / 2;
  scene.mirror_says = [&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/blobs/" + layer.digest().text())) return false;
    if (request.headers.contains("range")) {
      exchange.answer(404);
      return true;
    }
    exchange.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(layer.bytes.size()) + "\r\n\r\n" +
                   layer.bytes.substr(0, half));
    exchange.reset();
    return true;
  };
  run([&]() -> Task<> {
    Rig rig;
    scene.use(rig);
    co_await scene.copy(rig);
    CHECK(scene.is_complete());
    int resumed = 0;
    for (const auto& request : scene.upstream.requests())
      if (is(request, "GET", "/blobs/" + layer.digest().text())) resumed += request.headers.contains("range");
    CHECK(resumed == 1);
  });
}

TEST_CASE("mirrors are asked in their order, each below its own path") {
  Scene scene;
  FakeRegistry empty;
  FakeRegistry second;
  second.add("hub/proxy/a", image);
  run([&]() -> Task<> {
    Rig rig;
    rig.access[scene.upstream.host()].mirrors = {
        {empty.host(), "", false}, {second.host(), "hub/proxy", false}, {scene.mirror.host(), "", false}};
    co_await scene.copy(rig);
    CHECK(scene.is_complete());
    CHECK(empty.requests().size() == 1);
    CHECK(second.count("GET", "/v2/hub/proxy/a/manifests/") == 1);
    CHECK(scene.asked_mirror() == 0);
    CHECK(scene.asked_upstream() == 0);
  });
}

TEST_CASE("D2: a mirror gets its own credentials, and nobody another's") {
  const auto guarded = [](const std::string& user, const std::string& password) {
    const std::string good = "Basic " + net::base64_encode(user + ":" + password);
    return [good](Exchange& exchange, const RecordedRequest& request) {
      const auto header = request.headers.find("authorization");
      if (header != request.headers.end() && header->second == good) return false;
      exchange.answer(401, "", "WWW-Authenticate: Basic realm=\"x\"\r\n");
      return true;
    };
  };
  Scene scene;
  scene.mirror_says = guarded("mirror-user", "mirror-canary");
  scene.upstream_says = guarded("hub-user", "hub-canary");
  scene.mirror.remove("a", layer.digest());  // so that both are needed
  run([&]() -> Task<> {
    Rig rig;
    scene.use(rig);
    rig.log_in(scene.mirror.host(), "mirror-user", "mirror-canary");
    rig.log_in(scene.upstream.host(), "hub-user", "hub-canary");
    co_await scene.copy(rig);
    CHECK(scene.is_complete());
    const auto sent = [](const FakeRegistry& registry) {
      std::set<std::string> all;
      for (const auto& request : registry.requests())
        if (request.headers.contains("authorization")) all.insert(request.headers.at("authorization"));
      return all;
    };
    CHECK(sent(scene.mirror) ==
          std::set<std::string>{"Basic " + net::base64_encode("mirror-user:mirror-canary")});
    CHECK(sent(scene.upstream) ==
          std::set<std::string>{"Basic " + net::base64_encode("hub-user:hub-canary")});
    CHECK(sent(scene.target).empty());
  });
}

TEST_CASE("while a registry cannot be asked, only mirrors that may tell tags are asked for them") {
  for (const int status : {502, 429}) {
    INFO(status);
    Scene scene;
    scene.upstream_says = with_status(status);
    run([&]() -> Task<> {
      Rig untrusting;
      scene.use(untrusting);
      const Error error = co_await failure_of(untrusting.client.look(scene.upstream.repository("a"), "1"));
      CHECK(error.kind() == (status == 429 ? ErrorKind::rate_limited : ErrorKind::unavailable));
      CHECK(scene.asked_mirror() == 0);

      Rig rig;
      scene.use(rig, true);
      for (int i = 0; i < 2 * registry::Breaker::threshold; ++i) {
        const auto resolved = co_await rig.client.look(scene.upstream.repository("a"), "1");
        CHECK(resolved->digest == image.manifest.digest());
      }
      // So looks go on.
      CHECK_FALSE(rig.client.asked_from(scene.upstream.host()).has_value());
      CHECK(untrusting.client.asked_from(scene.upstream.host()).has_value() == (status == 429));
      // The registry's own word stays its own.
      const Error own = co_await failure_of(rig.client.resolve(scene.upstream.repository("a"), "1"));
      CHECK(is_transient(own.kind()));
      // And a mirror without the tag does not say that there is none.
      const Error missing = co_await failure_of(rig.client.look(scene.upstream.repository("a"), "2"));
      CHECK(is_transient(missing.kind()));
    });
  }
}

TEST_CASE(
    "C1: a registry that is down is not missed while a mirror has the content, and both are told when not") {
  Scene scene;
  scene.upstream_says = with_status(502);
  run([&]() -> Task<> {
    Rig rig;
    scene.use(rig);
    co_await scene.copy(rig);
    CHECK(scene.is_complete());
    scene.mirror_says = with_status(404);
    const Error error = co_await failure_of(rig.client.manifest(scene.upstream.repository("a"), digest));
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK_THAT(error.what(), Contains("502") && Contains("its mirrors: " + scene.mirror.host()));
  });
}

TEST_CASE("C1: the outage of a mirror is its own") {
  Scene scene;
  scene.mirror_says = with_status(502);
  run([&]() -> Task<> {
    Rig rig;
    scene.use(rig);
    for (int i = 0; i < registry::Breaker::threshold; ++i) {
      co_await rig.client.manifest(scene.upstream.repository("a"), digest);
      rig.clock.advance(2min);
    }
    for (const auto& status : rig.client.statuses()) {
      INFO(status.registry);
      const bool is_mirror = status.registry == scene.mirror.host();
      CHECK((status.state == registry::Breaker::State::closed) == !is_mirror);
    }
    const int asked = scene.asked_mirror();
    const auto resolved = co_await rig.client.look(scene.upstream.repository("a"), "1");
    CHECK(resolved.has_value());
    CHECK(scene.asked_mirror() == asked);
  });
}
