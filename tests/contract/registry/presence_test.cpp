// Targets that do not say 404 to everybody of what they lack.

#include "fake_registry.hpp"
#include "rig.hpp"
#include "support/run.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;
using registry::Place;

namespace {

const TestImage image = make_image("amd64", 95, {500});

/// A source with the image under a tag.
struct Source {
  FakeRegistry registry;
  Source() {
    registry.add("a", image);
    registry.tag("a", "1", image.manifest);
  }
};

void copy_into(const FakeRegistry& target) {
  Source source;
  run([&]() -> Task<> {
    Rig rig;
    rig.log_in(target.host(), "bot", "canary");
    const auto from = Place::parse(source.registry.host() + "/a:1");
    co_await rig.client.copy(from, Place::parse(target.host() + "/b:1"), {});
    co_await rig.client.copy(source.registry.repository("a"), image.manifest.digest(), target.repository("c"),
                             "1");
  });
}

void check_arrived(const FakeRegistry& target) {
  for (const std::string path : {"b", "c"}) {
    CHECK(target.tagged(path, "1") == image.manifest.digest().text());
    for (const auto& blob : image.blobs)
      CHECK(target.stored(path, blob.digest()) == blob.bytes);
  }
}

}  // namespace

// JFrog Artifactory (RTFACT-13797).
TEST_CASE("a target that answers 403 to questions for what it lacks gets the image") {
  FakeRegistry target([](Exchange& exchange, const RecordedRequest& request) {
    if (request.method != "HEAD") return false;
    exchange.answer(403);
    return true;
  });
  copy_into(target);
  check_arrived(target);
}

// GHCR and Docker Hub.
TEST_CASE("a target that tells strangers nothing of what it lacks is asked with the right to push") {
  ScriptedServer service(answer_all([](Exchange& exchange, const RecordedRequest& request) {
    const bool pushes = request.target.find("push") != std::string::npos;
    pushes ? exchange.answer(200, R"({"token":"good"})") : exchange.answer(403, "{}");
  }));
  FakeRegistry target([&](Exchange& exchange, const RecordedRequest& request) {
    const auto header = request.headers.find("authorization");
    if (header != request.headers.end() && header->second == "Bearer good") return false;
    read_body(exchange, request);
    exchange.answer(401, "",
                    "WWW-Authenticate: Bearer realm=\"" + service.url("/token") + "\",service=\"s\"\r\n");
    return true;
  });
  copy_into(target);
  check_arrived(target);
}

TEST_CASE("a tag of which a target says 403 is not there only when the list of tags lacks it too") {
  struct Case {
    int status;
    std::string tags;
    std::optional<ErrorKind> kind;
  };
  for (const auto& [status, tags, kind] :
       {Case{200, R"({"tags":["2","10"]})", {}}, Case{404, "{}", {}},
        Case{200, R"({"tags":["2","1"]})", ErrorKind::denied}, Case{403, "{}", ErrorKind::denied},
        Case{503, "{}", ErrorKind::unavailable}}) {
    INFO(status << " " << tags);
    FakeRegistry target(
        [&, status = status, tags = tags](Exchange& exchange, const RecordedRequest& request) {
          request.method == "HEAD" ? exchange.answer(403) : exchange.answer(status, tags);
          return true;
        });
    const auto failure = run([&]() -> Task<std::optional<ErrorKind>> {
      Rig rig;
      try {
        const auto found = co_await rig.client.find_at_target(target.repository("b"), "1");
        CHECK_FALSE(found);
      } catch (const Error& error) {
        co_return error.kind();
      }
      co_return std::nullopt;
    });
    CHECK(failure == kind);
  }
}
