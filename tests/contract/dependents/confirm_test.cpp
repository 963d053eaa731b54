#include "dependents/confirm.hpp"

#include "contract/registry/fake_registry.hpp"
#include "contract/registry/images.hpp"
#include "contract/registry/rig.hpp"
#include "support/run.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

// Images of one seed share their first layers.
const TestImage base = make_image("amd64", 1, {100, 200});
const TestImage base_arm = make_image("arm64", 2, {100});
const Piece base_index = make_index({{base.manifest, "amd64"}, {base_arm.manifest, "arm64"}});
const TestImage on_base = make_image("amd64", 1, {100, 200, 300});
const TestImage on_other = make_image("amd64", 7, {100, 200, 300});

struct Scene {
  Scene() {
    registry.add("base/node", base);
    registry.add("base/node", base_arm);
    registry.add("base/node", base_index);
    registry.tag("base/node", "9", base_index);
  }
  void put(const TestImage& image) {
    registry.add("team/app", image);
    registry.tag("team/app", "latest", image.manifest);
  }
  dependents::Confirmation confirm(const std::string& platform = "linux/amd64") {
    return test::run([&]() -> Task<dependents::Confirmation> {
      Rig rig;
      oci::Reference image{
          .repository = registry.repository("team/app"), .tag = "latest", .digest = std::nullopt};
      oci::Reference promoted{
          .repository = registry.repository("base/node"), .tag = "9", .digest = base_index.digest()};
      auto wanted = oci::Platform::parse(platform);
      dependents::Confirmation found =
          co_await dependents::confirm(rig.client, std::move(image), std::move(promoted), std::move(wanted));
      co_return found;
    });
  }
  std::function<bool(Exchange&, const RecordedRequest&)> hook;
  FakeRegistry registry{
      [this](Exchange& exchange, const RecordedRequest& request) { return hook && hook(exchange, request); }};
};

ErrorKind kind_of(Scene& scene) {
  try {
    scene.confirm();
  } catch (const Error& error) {
    return error.kind();
  }
  FAIL("no error where one is due");
  return ErrorKind::internal;
}

}  // namespace

TEST_CASE("an image that does not exist yet is not confirmed") {
  Scene scene;
  const auto found = scene.confirm();
  CHECK_FALSE(found.confirmed);
  CHECK(found.how == "no such image");
  CHECK_FALSE(found.digest);
}

TEST_CASE("an image on the layers of the base is confirmed with its digest") {
  Scene scene;
  scene.put(on_base);
  const auto found = scene.confirm();
  CHECK(found.confirmed);
  CHECK(found.how == "layers");
  CHECK(found.digest == on_base.manifest.digest());
}

TEST_CASE("an image on something else is not confirmed") {
  Scene scene;
  scene.put(on_other);
  const auto found = scene.confirm();
  CHECK_FALSE(found.confirmed);
  CHECK(found.how == "2 of 2 base layers differ");
  CHECK(found.digest == on_other.manifest.digest());
}

TEST_CASE("an index is looked at for the platform that is asked for") {
  Scene scene;
  const auto index = make_index({{on_base.manifest, "amd64"}});
  scene.registry.add("team/app", on_base);
  scene.registry.add("team/app", index);
  scene.registry.tag("team/app", "latest", index);
  const auto found = scene.confirm();
  CHECK(found.confirmed);
  CHECK(found.digest == index.digest());
  const auto other = scene.confirm("linux/arm64");
  CHECK_FALSE(other.confirmed);
  CHECK(other.how == "it has no image for linux/arm64");
}

TEST_CASE("a base that is gone is an error, not a verdict") {
  Scene scene;
  scene.put(on_base);
  scene.registry.remove("base/node", base_index.digest());
  CHECK(kind_of(scene) == ErrorKind::not_found);
}

TEST_CASE("a registry that fails is an error, not a verdict") {
  Scene scene;
  scene.put(on_base);
  scene.hook = [](Exchange& exchange, const RecordedRequest&) {
    exchange.answer(503);
    return true;
  };
  CHECK(is_transient(kind_of(scene)));
}
