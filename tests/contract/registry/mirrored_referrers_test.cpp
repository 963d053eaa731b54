// Referrers of an image whose registry has mirrors: the registry's own word, and while it cannot be asked
// that of mirrors that were trusted with tags.

#include "fake_registry.hpp"
#include "registry/referrers.hpp"
#include "rig.hpp"
#include "support/run.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

const TestImage signed_image = make_image("amd64", 91, {2000});
const oci::Digest subject = signed_image.manifest.digest();
const Piece empty_config{"application/vnd.oci.empty.v1+json", "{}"};
const Piece signature{std::string(oci::media_type::oci_manifest),
                      R"({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", )"
                      R"("artifactType": "application/x-signature", "config": )" +
                          empty_config.descriptor() + R"(, "layers": [], "subject": )" +
                          signed_image.manifest.descriptor() + "}"};
const TestImage cosigned = make_image("amd64", 92, {30});
const std::string cosign_tag = registry::referrers_tag(subject) + ".sig";

void answer_list(Exchange& exchange, const Piece& list) {
  exchange.answer(200, list.bytes, "Content-Type: application/vnd.oci.image.index.v1+json\r\n");
}

/// A registry with the image; what it knows of referrers is up to a test.
struct Host {
  FakeRegistry::Hook says;
  FakeRegistry registry{
      [this](Exchange& exchange, const RecordedRequest& request) { return says && says(exchange, request); }};

  Host() { registry.add("a", signed_image); }
  void add_signature() {
    registry.add("a", empty_config);
    registry.add("a", signature);
  }
  void has_api(const Piece& list) {
    says = [list](Exchange& exchange, const RecordedRequest& request) {
      if (!is(request, "GET", "/referrers/")) return false;
      answer_list(exchange, is(request, "GET", "/referrers/" + subject.text()) ? list : make_index({}));
      return true;
    };
  }
  void is_down() {
    says = [](Exchange& exchange, const RecordedRequest&) {
      exchange.answer(502);
      return true;
    };
  }
};

struct Scene {
  Host upstream;
  Host mirror;
  FakeRegistry target;

  void use(Rig& rig, bool tags) {
    auto& access = rig.access[upstream.registry.host()];
    access.patience = 0ms;
    access.mirrors = {{mirror.registry.host(), "", tags}};
  }
  Task<registry::CopyProgress> copy(Rig& rig) {
    registry::CopyOptions options;
    options.referrers = true;
    std::optional<std::string> tag = "1";
    return rig.client.copy(upstream.registry.repository("a"), subject, target.repository("b"), std::move(tag),
                           options);
  }
  /// How many referrers came; the copy must not fail.
  int copied(bool tags) {
    return run([&]() -> Task<int> {
      Rig rig;
      use(rig, tags);
      const auto progress = co_await copy(rig);
      co_return progress.referrers;
    });
  }
  Error failure(bool tags) {
    return run([&]() -> Task<std::optional<Error>> {
             Rig rig;
             use(rig, tags);
             co_return co_await failure_of(copy(rig));
           })
        .value();
  }
};

const Piece list = make_index({{signature, ""}});

}  // namespace

TEST_CASE("C1: what refers to an image comes from a mirror that may tell tags while its registry is down") {
  Scene scene;
  scene.upstream.is_down();
  SECTION("by the referrers API") {
    scene.mirror.add_signature();
    scene.mirror.has_api(list);
    CHECK(scene.copied(true) == 1);
    CHECK(scene.target.stored("b", signature.digest()) == signature.bytes);
    CHECK(scene.mirror.registry.count("GET", "/referrers/" + subject.text() + "?ns=" +
                                                 net::percent_encode(scene.upstream.registry.host())) == 1);
  }
  SECTION("by the fallback tag") {
    scene.mirror.add_signature();
    scene.mirror.registry.add("a", list);
    scene.mirror.registry.tag("a", registry::referrers_tag(subject), list);
    CHECK(scene.copied(true) == 1);
    CHECK(scene.target.stored("b", signature.digest()) == signature.bytes);
  }
  SECTION("by cosign's tag") {
    scene.mirror.registry.add("a", cosigned);
    scene.mirror.registry.tag("a", cosign_tag, cosigned.manifest);
    CHECK(scene.copied(true) == 1);
    CHECK(scene.target.tagged("b", cosign_tag) == cosigned.manifest.digest().text());
  }
  CHECK(scene.target.tagged("b", "1") == subject.text());
  // Each question would have to wait for it again.
  CHECK(scene.upstream.registry.requests().size() == 1);
}

TEST_CASE("C1: that no mirror knows what refers to an image does not mean that nothing does") {
  Scene scene;
  scene.upstream.is_down();
  SECTION("without the referrers API") {}
  SECTION("with an empty list") {
    scene.mirror.has_api(make_index({}));
  }
  SECTION("with a failure") {
    scene.mirror.says = [](Exchange& exchange, const RecordedRequest& request) {
      if (!is(request, "GET", "/referrers/")) return false;
      exchange.answer(500);
      return true;
    };
  }
  const Error failure = scene.failure(true);
  CHECK(failure.kind() == ErrorKind::unavailable);
  CHECK_THAT(failure.what(),
             Contains("502") && Contains("its mirrors know nothing that refers to the image"));
  CHECK_FALSE(scene.target.tagged("b", "1").has_value());
  run([&]() -> Task<> {
    Rig rig;
    scene.use(rig, true);
    const auto place = registry::Place::parse(scene.upstream.registry.host() + "/a@" + subject.text());
    const Error listed = co_await failure_of(rig.client.referrers(place, subject));
    CHECK(is_transient(listed.kind()));
    const Error tagged = co_await failure_of(rig.client.cosign_tags(place, subject));
    CHECK(is_transient(tagged.kind()));
  });
}

TEST_CASE("a mirror that knows nothing of referrers hides none of its registry, which alone is asked") {
  Scene scene;
  scene.upstream.add_signature();
  scene.upstream.has_api(list);
  scene.mirror.has_api(make_index({}));
  CHECK(scene.copied(true) == 1);
  CHECK(scene.target.stored("b", signature.digest()) == signature.bytes);
  CHECK(scene.mirror.registry.count("GET", "/referrers/") == 0);
}

TEST_CASE("a mirror that was not trusted with tags is not asked what refers to an image") {
  Scene scene;
  scene.upstream.is_down();
  scene.mirror.add_signature();
  scene.mirror.has_api(list);
  CHECK(scene.failure(false).kind() == ErrorKind::unavailable);
  CHECK(scene.mirror.registry.count("GET", "/referrers/") == 0);
}
