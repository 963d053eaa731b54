// Tags and referrers, from registries that behave and from others.

#include "fake_registry.hpp"
#include "rig.hpp"
#include "support/registry_process.hpp"
#include "support/run.hpp"

#include <atomic>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;
using registry::Place;

namespace {

const std::string next_link = "Link: </v2/a/tags/list?cursor=2>; rel=\"next\"\r\n";

std::vector<std::string> tags(FakeRegistry& registry) {
  return run([&]() -> Task<std::vector<std::string>> {
    Rig rig;
    co_return co_await rig.client.tags(Place::parse(registry.host() + "/a"));
  });
}

Error tags_failure(FakeRegistry& registry) {
  return run([&]() -> Task<std::optional<Error>> {
           Rig rig;
           co_return co_await failure_of(rig.client.tags(Place::parse(registry.host() + "/a")));
         })
      .value();
}

/// Answers each request for tags with what `page` gives for it.
FakeRegistry::Hook pages(std::function<std::pair<std::string, std::string>(const RecordedRequest&)> page) {
  return [page](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/tags/list")) return false;
    const auto [body, headers] = page(request);
    exchange.answer(200, body, headers);
    return true;
  };
}

const TestImage image = make_image("amd64", 81, {500});

/// A manifest that refers to another one.
Piece referrer_of(const oci::Digest& subject, std::size_t size, const Piece& content) {
  return {std::string(oci::media_type::oci_manifest),
          R"({"schemaVersion":2,"mediaType":")" + std::string(oci::media_type::oci_manifest) +
              R"(","artifactType":"application/x-sbom","config":)" + content.descriptor() +
              R"(,"layers":[],"subject":{"mediaType":")" + std::string(oci::media_type::oci_manifest) +
              R"(","digest":")" + subject.text() + R"(","size":)" + std::to_string(size) + "}}"};
}

const Piece sbom_blob{"application/x-sbom", "what is in it"};
const Piece sbom = referrer_of(image.manifest.digest(), image.manifest.bytes.size(), sbom_blob);
const Piece signature_blob{"application/x-signature", "who says so"};
const Piece signature = referrer_of(sbom.digest(), sbom.bytes.size(), signature_blob);

registry::CopyOptions with_referrers() {
  registry::CopyOptions options;
  options.referrers = true;
  return options;
}

}  // namespace

TEST_CASE("tags come in pages, whose links are followed as they stand") {
  FakeRegistry registry(pages([](const RecordedRequest& request) {
    if (request.target.find("cursor=2") != std::string::npos)
      return std::pair<std::string, std::string>{R"({"tags":["c"]})", ""};
    return std::pair<std::string, std::string>{R"({"tags":["a","b"]})", next_link};
  }));
  CHECK(tags(registry) == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("D4: a list of tags that comes back to itself, or never ends, is given up") {
  FakeRegistry loop(pages([](const RecordedRequest&) {
    return std::pair<std::string, std::string>{R"({"tags":["a"]})", next_link};
  }));
  CHECK(tags_failure(loop).kind() == ErrorKind::corrupt);
  CHECK(loop.count("GET") == 2);

  std::atomic<int> number{0};
  std::string many = "{\"tags\":[";
  for (int i = 0; i < 250'000; ++i)
    many += "\"t\",";
  many.back() = ']';
  many += '}';
  FakeRegistry endless(pages([&](const RecordedRequest&) {
    return std::pair<std::string, std::string>{
        many, "Link: </v2/a/tags/list?n=" + std::to_string(number++) + ">; rel=\"next\"\r\n"};
  }));
  CHECK(tags_failure(endless).kind() == ErrorKind::corrupt);
  CHECK(endless.count("GET") == 5);
}

TEST_CASE("D1: a list that continues on another host is not followed there") {
  FakeRegistry registry(pages([](const RecordedRequest&) {
    return std::pair<std::string, std::string>{
        R"({"tags":["a"]})", "Link: <http://169.254.169.254/latest/meta-data>; rel=\"next\"\r\n"};
  }));
  const auto failure = tags_failure(registry);
  CHECK(failure.kind() == ErrorKind::corrupt);
  CHECK(std::string(failure.what()).find("another host") != std::string::npos);
}

TEST_CASE("C5: a page that is no list of tags is corrupt and quoted") {
  FakeRegistry registry(pages([](const RecordedRequest&) {
    return std::pair<std::string, std::string>{"<p>\x1b[31mhello", ""};
  }));
  const auto failure = tags_failure(registry);
  CHECK(failure.kind() == ErrorKind::corrupt);
  CHECK(std::string(failure.what()).find("<p>\\x1b[31mhello") != std::string::npos);
}

TEST_CASE("referrers, and theirs, come along by the fallback tags of a real registry") {
  FakeRegistry source([](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/referrers/")) return false;
    const auto answer = [&](const Piece& one) {
      exchange.answer(200, make_index({{one, ""}}).bytes,
                      "Content-Type: application/vnd.oci.image.index.v1+json\r\n");
    };
    if (is(request, "GET", image.manifest.digest().text()))
      answer(sbom);
    else if (is(request, "GET", sbom.digest().text()))
      answer(signature);
    else
      exchange.answer(200, make_index({}).bytes, "Content-Type: application/vnd.oci.image.index.v1+json\r\n");
    return true;
  });
  source.add("a", image);
  source.tag("a", "1", image.manifest);
  for (const auto* piece : {&sbom_blob, &sbom, &signature_blob, &signature})
    source.add("a", *piece);
  const std::string cosign = "sha256-" + std::string(image.manifest.digest().hex()) + ".sig";
  const TestImage old_signature = make_image("amd64", 82, {30});
  source.add("a", old_signature);
  source.tag("a", cosign, old_signature.manifest);

  // Version 2 of the CNCF registry knows neither the API nor subjects.
  RegistryProcess target;
  const auto found = run([&]() -> Task<std::vector<std::string>> {
    Rig rig;
    const auto from = Place::parse(source.host() + "/a:1");
    const auto to = Place::parse(target.host() + "/b:1");
    const auto result = co_await rig.client.copy(from, to, with_referrers());
    CHECK(result.progress.referrers == 3);
    std::vector<std::string> digests;
    for (const auto& subject : {image.manifest.digest(), sbom.digest()}) {
      const auto referrers = co_await rig.client.referrers(to, subject);
      for (const auto& referrer : referrers)
        digests.push_back(referrer.digest.text());
    }
    auto signed_by = to;
    signed_by.tag = cosign;
    const auto resolved = co_await rig.client.resolve(signed_by);
    if (resolved) digests.push_back(resolved->digest.text());
    co_return digests;
  });
  CHECK(found == std::vector<std::string>{sbom.digest().text(), signature.digest().text(),
                                          old_signature.manifest.digest().text()});
}

TEST_CASE("registries without a referrers API answer in many ways, and have no referrers then") {
  for (const int status : {400, 403, 404, 405, 200}) {
    CAPTURE(status);
    FakeRegistry registry([&](Exchange& exchange, const RecordedRequest& request) {
      if (!is(request, "GET", "/referrers/")) return false;
      exchange.answer(status, "<html>what?", "Content-Type: text/html\r\n");
      return true;
    });
    const auto referrers = run([&]() -> Task<std::vector<oci::Descriptor>> {
      Rig rig;
      co_return co_await rig.client.referrers(Place::parse(registry.host() + "/a:1"),
                                              image.manifest.digest());
    });
    CHECK(referrers.empty());
  }
}

namespace {

/// An upstream with one signature under cosign's tag of the second platform; `hook` answers before it.
struct Signed {
  const TestImage other = make_image("arm64", 83, {20});
  const Piece index = make_index({{image.manifest, "amd64"}, {other.manifest, "arm64"}});
  const TestImage signature = make_image("amd64", 84, {30});
  const std::string tag = "sha256-" + std::string(other.manifest.digest().hex()) + ".sig";
  FakeRegistry source;
  FakeRegistry target;

  explicit Signed(FakeRegistry::Hook hook) : source(std::move(hook)) {
    for (const auto* one : {&image, &other, &signature})
      source.add("a", *one);
    source.add("a", index);
    source.tag("a", "1", index);
    source.tag("a", tag, signature.manifest);
  }
  Task<registry::CopyResult> copy(Rig& rig) {
    return rig.client.copy(Place::parse(source.host() + "/a:1"), Place::parse(target.host() + "/b:1"),
                           with_referrers());
  }
};

void copy_and_check(Signed& scene) {
  run([&]() -> Task<> {
    Rig rig;
    const auto result = co_await scene.copy(rig);
    CHECK(result.progress.referrers == 1);
  });
  CHECK(scene.target.tagged("b", scene.tag) == scene.signature.manifest.digest().text());
}

}  // namespace

TEST_CASE("a registry without the referrers API is asked for it once, and for one list of tags") {
  std::string name;
  Signed scene([&name](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/tags/list")) return false;
    exchange.answer(200, R"({"tags":["1",")" + name + R"("]})");
    return true;
  });
  name = scene.tag;
  copy_and_check(scene);
  CHECK(scene.source.count("GET", "/referrers/") == 1);
  CHECK(scene.source.count("GET", "/tags/list") == 1);
  CHECK(scene.source.count("HEAD", "/manifests/sha256-") == 1);
}

TEST_CASE("where tags are not listed, or on too many pages, cosign's are asked for by name") {
  for (const bool listed : {false, true}) {
    CAPTURE(listed);
    std::atomic<int> page = 0;
    Signed scene([&](Exchange& exchange, const RecordedRequest& request) {
      if (!is(request, "GET", "/tags/list")) return false;
      const auto next = "Link: </v2/a/tags/list?page=" + std::to_string(++page) + ">; rel=\"next\"\r\n";
      exchange.answer(listed ? 200 : 403, R"({"tags":["x"]})", next);
      return true;
    });
    copy_and_check(scene);
    CHECK(scene.source.count("GET", "/tags/list") == (listed ? 5 : 1));
  }
}

TEST_CASE("C1: while tags cannot be listed, a copy with referrers fails instead of leaving them out") {
  Signed scene([](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/tags/list")) return false;
    exchange.answer(503);
    return true;
  });
  run([&]() -> Task<> {
    Rig rig;
    const auto failure = co_await failure_of(scene.copy(rig));
    CHECK(failure.kind() == ErrorKind::unavailable);
  });
  CHECK_FALSE(scene.target.tagged("b", "1"));
}

TEST_CASE("a referrer that is listed but gone is passed over") {
  FakeRegistry source([](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/referrers/")) return false;
    exchange.answer(200, make_index({{sbom, ""}}).bytes,
                    "Content-Type: application/vnd.oci.image.index.v1+json\r\n");
    return true;
  });
  source.add("a", image);
  source.tag("a", "1", image.manifest);
  FakeRegistry target;
  run([&]() -> Task<> {
    Rig rig;
    const auto result = co_await rig.client.copy(Place::parse(source.host() + "/a:1"),
                                                 Place::parse(target.host() + "/b:1"), with_referrers());
    CHECK(result.progress.referrers == 0);
  });
  CHECK(target.tagged("b", "1") == image.manifest.digest().text());
}

TEST_CASE("a referrer that came but was not listed before a copy was cut is listed by the next one") {
  FakeRegistry source([](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/referrers/" + image.manifest.digest().text())) return false;
    exchange.answer(200, make_index({{sbom, ""}}).bytes,
                    "Content-Type: application/vnd.oci.image.index.v1+json\r\n");
    return true;
  });
  source.add("a", image);
  source.tag("a", "1", image.manifest);
  source.add("a", sbom_blob);
  source.add("a", sbom);
  FakeRegistry target;
  target.add("b", sbom_blob);
  target.add("b", sbom);
  run([&]() -> Task<> {
    Rig rig;
    co_await rig.client.copy(Place::parse(source.host() + "/a:1"), Place::parse(target.host() + "/b:1"),
                             with_referrers());
  });
  CHECK(target.tagged("b", "sha256-" + std::string(image.manifest.digest().hex())));
}
