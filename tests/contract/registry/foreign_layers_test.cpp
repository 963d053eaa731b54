// Layers that live elsewhere by their own word, as those of Windows did.

#include "fake_registry.hpp"
#include "place_scene.hpp"

#include <atomic>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;
using registry::Place;

namespace {

namespace fs = std::filesystem;

const TestImage plain = make_image("amd64", 81, {1000});
const Piece foreign{"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", noise(82, 50'000)};

/// An image whose second layer is at these places.
Piece image_at(const std::vector<std::string>& urls) {
  std::string list;
  for (const auto& url : urls)
    list += (list.empty() ? "\"" : ", \"") + url + "\"";
  return {std::string(oci::media_type::oci_manifest),
          R"({"schemaVersion": 2, "mediaType": ")" + std::string(oci::media_type::oci_manifest) +
              R"(", "config": )" + plain.blobs[0].descriptor() + R"(, "layers": [)" +
              plain.blobs[1].descriptor() + ", " + foreign.descriptor(", \"urls\": [" + list + "]") + "]}"};
}

/// A place with the layer, on another host than the registry.
struct Elsewhere {
  std::atomic<int> status = 200;
  ScriptedServer server{answer_all([this](Exchange& exchange, const RecordedRequest&) {
                          exchange.answer(status, status == 200 ? foreign.bytes : "");
                        }),
                        std::nullopt, "127.0.0.9"};
};

/// A registry with such an image as "a:1", without the layer.
struct Stock {
  explicit Stock(const std::vector<std::string>& urls) : image(image_at(urls)) {
    registry.add("a", plain);
    registry.add("a", image);
    registry.tag("a", "1", image);
  }
  std::string name() const { return registry.host() + "/a:1"; }
  Piece image;
  FakeRegistry registry;
};

registry::CopyOptions with_foreign_layers() {
  registry::CopyOptions options;
  options.foreign_layers = true;
  return options;
}

bool has_layer(const std::string& layout) {
  return fs::exists(fs::path(layout) / "blobs/sha256" / std::string(foreign.digest().hex()));
}

}  // namespace

TEST_CASE("a foreign layer is left out and said to be, by copies and plans") {
  Elsewhere elsewhere;
  const Stock source({elsewhere.server.url("/layer")});
  const Folder folder;
  const auto plan = run([&]() -> Task<std::optional<registry::CopyPlan>> {
    Rig rig;
    co_return co_await rig.client.plan(Place::parse(source.name()), Place::parse("oci:" + (folder / "out")),
                                       {});
  });
  REQUIRE(plan->layers_left_out.size() == 1);
  CHECK(plan->layers_left_out[0].digest == foreign.digest());
  CHECK(plan->blobs.size() == 2);
  const auto result = copy(source.name(), "oci:" + (folder / "out"));
  REQUIRE(result.progress.layers_left_out.size() == 1);
  CHECK(result.progress.layers_left_out[0].urls == std::vector<std::string>{elsewhere.server.url("/layer")});
  CHECK_FALSE(has_layer(folder / "out"));
  CHECK(elsewhere.server.connections() == 0);
}

TEST_CASE(
    "a foreign layer that is wanted comes from the registry, or from the first of its places that has it") {
  Elsewhere elsewhere, gone;
  gone.status = 404;
  Stock source({gone.server.url("/layer"), elsewhere.server.url("/layer")});
  const Folder folder;
  SECTION("from elsewhere") {
    const auto result = copy(source.name(), "oci:" + (folder / "out"), with_foreign_layers());
    CHECK(result.progress.layers_left_out.empty());
    CHECK(gone.server.connections() == 1);
  }
  SECTION("from the registry") {
    source.registry.add("a", foreign);
    copy(source.name(), "oci:" + (folder / "out"), with_foreign_layers());
    CHECK(elsewhere.server.connections() == 0);
  }
  CHECK(has_layer(folder / "out"));
}

TEST_CASE("a target that has the image gets the foreign layer when it is wanted") {
  Elsewhere elsewhere;
  const Stock source({elsewhere.server.url("/layer")});
  FakeRegistry target;
  copy(source.name(), target.host() + "/b:1");
  CHECK_FALSE(target.stored("b", foreign.digest()).has_value());
  copy(source.name(), target.host() + "/b:1", with_foreign_layers());
  CHECK((target.stored("b", foreign.digest()) == foreign.bytes));
}

TEST_CASE("C5: wrong bytes of a foreign layer, and none at all, fail and are told") {
  Elsewhere elsewhere;
  const Folder folder;
  elsewhere.status = 404;
  const Stock source({elsewhere.server.url("/layer")});
  const auto failure = copy_failure(source.name(), "oci:" + (folder / "out"), with_foreign_layers());
  CHECK(failure.kind() == ErrorKind::not_found);
  CHECK_THAT(failure.what(), Catch::Contains("does not have the foreign") && Catch::Contains("127.0.0.9"));
  FakeRegistry other([&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/layer")) return false;
    exchange.answer(200, std::string(foreign.bytes.size(), 'x'));
    return true;
  });
  const Stock wrong({other.url("/layer")});
  CHECK(copy_failure(wrong.name(), "oci:" + (folder / "out"), with_foreign_layers()).kind() ==
        ErrorKind::corrupt);
  CHECK_FALSE(has_layer(folder / "out"));
}

TEST_CASE("D1: the places of a foreign layer lead nowhere inside, and not past TLS") {
  Elsewhere elsewhere;
  const Stock source({elsewhere.server.url("/layer")});
  const Folder folder;
  const auto failure = run([&]() -> Task<std::optional<Error>> {
    net::ClientOptions options;
    options.classify = [](const boost::asio::ip::address& address) {
      return address.to_string() == "127.0.0.1" ? net::AddressClass::global
                                                : net::AddressClass::private_network;
    };
    Rig rig(options);
    co_return co_await failure_of(rig.client.copy(
        Place::parse(source.name()), Place::parse("oci:" + (folder / "out")), with_foreign_layers()));
  });
  CHECK(failure->kind() == ErrorKind::denied);
  CHECK_THAT(failure->what(), Catch::Contains("trusted_hosts"));
  CHECK(elsewhere.server.connections() == 0);
  const Stock open({"http://layers.example.com/1"});
  const auto refusal = copy_failure(open.name(), "oci:" + (folder / "out"), with_foreign_layers());
  CHECK(refusal.kind() == ErrorKind::denied);
  CHECK_THAT(refusal.what(), Catch::Contains("without TLS"));
}

TEST_CASE("a docker archive takes no image with a layer left out") {
  Elsewhere elsewhere;
  const Stock source({elsewhere.server.url("/layer")});
  const Folder folder;
  const auto refusal = copy_failure(source.name(), "docker-archive:" + (folder / "a.tar"));
  CHECK(refusal.kind() == ErrorKind::invalid);
  CHECK_THAT(refusal.what(), Catch::Contains("--foreign-layers copy"));
  CHECK(folder.files().empty());
  copy(source.name(), "docker-archive:" + (folder / "a.tar"), with_foreign_layers());
  CHECK(folder.files() == std::vector<std::string>{"a.tar"});
}
