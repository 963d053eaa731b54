// What refers to an image: as much as is read of it, and how it is listed where the registry does not.

#include "fake_registry.hpp"
#include "rig.hpp"
#include "support/eventually.hpp"
#include "support/run.hpp"

#include <atomic>

#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;
using registry::Place;

namespace {

const TestImage image = make_image("amd64", 91, {500});
const std::string manifest_type(oci::media_type::oci_manifest);
const std::string typed_index = "Content-Type: " + std::string(oci::media_type::oci_index) + "\r\n";

/// Megabytes of JSON, on a busy machine under sanitizers.
constexpr std::chrono::minutes slow_reading{5};

/// A manifest that refers to the image, with this config and, in JSON, these layers.
Piece referrer(const Piece& config, const std::string& layers = "") {
  return {manifest_type, R"({"schemaVersion":2,"mediaType":")" + manifest_type +
                             R"(","artifactType":"application/x-sbom","config":)" + config.descriptor() +
                             R"(,"layers":[)" + layers + R"(],"subject":)" + image.manifest.descriptor() +
                             "}"};
}

Piece content(int number) {
  return {"application/x-sbom", "content " + std::to_string(number)};
}

std::string foreign_layer(int number) {
  const Piece layer{"application/vnd.oci.image.layer.nondistributable.v1.tar", std::to_string(number)};
  return layer.descriptor(R"(, "urls": ["https://example.com/layer"])");
}

std::string index_of(const std::string& entries, std::size_t padding = 0) {
  return R"({"schemaVersion":2,"annotations":{"x":")" + std::string(padding, 'x') + R"("},"manifests":[)" +
         entries + "]}";
}

std::string fallback_tag() {
  return "sha256-" + std::string(image.manifest.digest().hex());
}

}  // namespace

TEST_CASE("D4: foreign layers of all that refers to an image are counted together") {
  // Each has fewer than one image may have.
  constexpr int counts[] = {6400, 10'000};
  std::string entries;
  FakeRegistry source([&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/referrers/")) return false;
    const bool of_image = is(request, "GET", image.manifest.digest().text());
    exchange.answer(200, index_of(of_image ? entries : ""), typed_index);
    return true;
  });
  for (int number = 0; number < 2; ++number) {
    std::string foreign;
    for (int layer = 0; layer < counts[number]; ++layer)
      foreign += (layer == 0 ? "" : ",") + foreign_layer(number * counts[0] + layer);
    const Piece one = referrer(content(number), foreign);
    entries += (number == 0 ? "" : ",") + one.descriptor();
    source.add("a", content(number));
    source.add("a", one);
  }
  source.add("a", image);
  source.tag("a", "1", image.manifest);
  // One that takes note of subjects: no list is written.
  FakeRegistry target([](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "PUT", "/manifests/")) return false;
    read_body(exchange, request);
    exchange.answer(201, "", "OCI-Subject: x\r\n");
    return true;
  });
  const auto failure = run(
      [&]() -> Task<std::optional<Error>> {
        Rig rig;
        registry::CopyOptions options;
        options.referrers = true;
        co_return co_await failure_of(rig.client.copy(Place::parse(source.host() + "/a:1"),
                                                      Place::parse(target.host() + "/b:1"), options));
      },
      slow_reading);
  CHECK(failure->kind() == ErrorKind::invalid);
  CHECK_THAT(failure->what(), Catch::Contains("with what refers to it, has more than 16384 foreign layers"));
  CHECK(target.count("PUT", "/manifests/1") == 0);
}

TEST_CASE("D4: a list of referrers is refused when its pages are large, however little they list") {
  std::atomic<int> page = 0;
  FakeRegistry registry([&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/referrers/")) return false;
    const int number = ++page;
    const auto next = "Link: </v2/a/referrers/x?page=" + std::to_string(number) + ">; rel=\"next\"\r\n";
    exchange.answer(200, index_of(content(number).descriptor(), 3'000'000),
                    typed_index + (number < 4 ? next : std::string()));
    return true;
  });
  const auto failure = run(
      [&]() -> Task<std::optional<Error>> {
        Rig rig;
        co_return co_await failure_of(
            rig.client.referrers(Place::parse(registry.host() + "/a"), image.manifest.digest()));
      },
      slow_reading);
  CHECK(failure->kind() == ErrorKind::invalid);
  CHECK(page == 3);
}

TEST_CASE("what copies side by side bring of one subject is all listed under its fallback tag") {
  constexpr int count = 8;
  FakeRegistry source;
  FakeRegistry target;
  for (int number = 0; number < count; ++number) {
    source.add("a", content(number));
    source.add("a", referrer(content(number)));
  }
  run([&](boost::asio::io_context& loop) -> Task<> {
    Rig rig;
    int done = 0;
    for (int number = 0; number < count; ++number)
      boost::asio::co_spawn(
          loop,
          rig.client.copy(source.repository("a"), referrer(content(number)).digest(), target.repository("b")),
          [&](std::exception_ptr failure, registry::CopyProgress) {
            CHECK_FALSE(failure);
            ++done;
          });
    const bool ended = co_await eventually([&] { return done == count; });
    CHECK(ended);
    const auto listed =
        co_await rig.client.referrers(Place::parse(target.host() + "/b"), image.manifest.digest());
    CHECK(listed.size() == count);
  });
}

TEST_CASE("a referrer of a sha512 digest is listed by that digest, which it was pushed by") {
  const Piece one = referrer(content(1));
  oci::Hasher hasher("sha512");
  hasher.update(one.bytes);
  const auto digest = hasher.finish();
  FakeRegistry source([&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", digest.text())) return false;
    exchange.answer(200, one.bytes, "Content-Type: " + manifest_type + "\r\n");
    return true;
  });
  source.add("a", content(1));
  FakeRegistry target;
  run([&]() -> Task<> {
    Rig rig;
    co_await rig.client.copy(source.repository("a"), digest, target.repository("b"));
    const auto listed =
        co_await rig.client.referrers(Place::parse(target.host() + "/b"), image.manifest.digest());
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].digest == digest);
  });
  CHECK(target.tagged("b", fallback_tag()));
}
