// Copies between registries, layouts and archives, judged by skopeo.

#include "place_scene.hpp"
#include "support/registry_process.hpp"
#include "support/shell.hpp"

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;
using registry::Place;

namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> pulled(const std::string& name) {
  OciLayout layout;
  output_of({"skopeo", "copy", "--quiet", "--all", "--preserve-digests", "--src-tls-verify=false", name,
             "oci:" + layout.path()});
  return layout.blobs();
}

registry::CopyOptions only(const std::string& platform) {
  registry::CopyOptions options;
  options.platforms = {oci::Platform::parse(platform)};
  return options;
}

}  // namespace

TEST_CASE("a layout, a registry, an archive and a registry again: every byte stays the same") {
  const Given given;
  const Folder folder;
  RegistryProcess first, second;
  copy("oci:" + given.path(), first.host() + "/lib/node:9");
  copy(first.host() + "/lib/node:9", "oci-archive:" + (folder / "node.tar"));
  copy("oci-archive:" + (folder / "node.tar") + ":9", second.host() + "/usb/node:9");
  copy(second.host() + "/usb/node:9", "oci:" + (folder / "layout"));
  for (const std::string& name :
       {"docker://" + first.host() + "/lib/node:9", "oci-archive:" + (folder / "node.tar") + ":9",
        "docker://" + second.host() + "/usb/node:9", "oci:" + (folder / "layout") + ":9"}) {
    CAPTURE(name);
    CHECK((pulled(name) == given.blobs()));
  }
}

TEST_CASE("what skopeo writes as a layout or archive is read") {
  const Given given;
  const Folder folder;
  RegistryProcess registry;
  output_of({"skopeo", "copy", "--quiet", "--all", "--preserve-digests", "oci:" + given.path(),
             "oci-archive:" + (folder / "s.tar") + ":x"});
  copy("oci-archive:" + (folder / "s.tar") + ":x", registry.host() + "/a/b:1");
  CHECK((pulled("docker://" + registry.host() + "/a/b:1") == given.blobs()));
}

TEST_CASE("a docker archive has one platform, which skopeo reads; and the reverse") {
  const Given given;
  const Folder folder;
  RegistryProcess registry;
  const auto refusal = copy_failure("oci:" + given.path(), "docker-archive:" + (folder / "both.tar"));
  CHECK(refusal.kind() == ErrorKind::invalid);
  CHECK(std::string(refusal.what()).find("--platform") != std::string::npos);
  CHECK(folder.files().empty());
  const auto result =
      copy("oci:" + given.path(), "docker-archive:" + (folder / "arm.tar") + ":1", only("linux/arm64"));
  CHECK(result.digest == arm64.manifest.digest());
  // Layers of noise are no tar archives: skopeo looks at the config only.
  CHECK(output_of({"skopeo", "inspect", "--config", "--raw", "docker-archive:" + (folder / "arm.tar")}) ==
        arm64.blobs[0].bytes);

  std::ofstream(folder / "config.json") << arm64.blobs[0].bytes;
  std::ofstream(folder / "layer.tar") << "not packed";
  std::ofstream(folder / "manifest.json")
      << R"([{"Config":"config.json","RepoTags":["team/app:7"],"Layers":["layer.tar"]}])";
  output_of(
      {"tar", "-C", folder / "", "-cf", folder / "saved.tar", "config.json", "layer.tar", "manifest.json"});
  copy("docker-archive:" + (folder / "saved.tar") + ":7", registry.host() + "/team/app:7");
  CHECK(output_of({"skopeo", "inspect", "--config", "--raw", "--tls-verify=false",
                   "docker://" + registry.host() + "/team/app:7"}) == arm64.blobs[0].bytes);
}

TEST_CASE("a part of an index is a new index without the rest, and says so") {
  const Given given;
  const Folder folder;
  const auto result = copy("oci:" + given.path(), "oci:" + (folder / "part") + ":1", only("linux/arm64"));
  CHECK(result.source == both.digest());
  CHECK(result.digest != both.digest());
  REQUIRE(result.left_out.size() == 1);
  CHECK(result.left_out[0].text() == "linux/amd64");
  CHECK(result.progress.blobs_copied == 3);
  CHECK(output_of({"skopeo", "inspect", "--raw", "oci:" + (folder / "part") + ":1"}).find("linux/amd64") !=
        std::string::npos);
}

TEST_CASE("images in one layout share their blobs, keep their names, and are found by them") {
  const Given given;
  const Folder folder;
  const std::string layout = "oci:" + (folder / "many");
  copy("oci:" + given.path(), layout + ":all");
  const auto again = copy("oci:" + given.path() + "@" + amd64.manifest.digest().text(), layout + ":amd");
  CHECK(again.progress.blobs_copied == 0);
  CHECK(again.progress.blobs_present == 3);
  const auto tags = run([&]() -> Task<std::vector<std::string>> {
    Rig rig;
    co_return co_await rig.client.tags(Place::parse(layout));
  });
  CHECK(tags == std::vector<std::string>{"all", "amd"});
  const auto refusal = copy_failure(layout, "oci:" + (folder / "other"));
  CHECK(refusal.kind() == ErrorKind::invalid);
  CHECK(std::string(refusal.what()).find("all, amd") != std::string::npos);
  CHECK(copy_failure(layout + ":none", "oci:" + (folder / "other")).kind() == ErrorKind::not_found);
}

TEST_CASE("C5: a layout whose blob has other bytes is refused, and nothing is left of an archive") {
  Given given;
  const Folder folder;
  std::ofstream(fs::path(given.path()) / "blobs" / "sha256" / arm64.blobs[1].digest().hex())
      << std::string(2'000'000, 'x');
  const auto failure = copy_failure("oci:" + given.path(), "oci-archive:" + (folder / "bad.tar"));
  CHECK(failure.kind() == ErrorKind::corrupt);
  CHECK(folder.files().empty());
  copy_failure("oci:" + given.path(), "oci:" + (folder / "bad"));
  CHECK_FALSE(fs::exists(folder / "bad/index.json"));
  CHECK_FALSE(fs::exists(folder / ("bad/blobs/sha256/" + std::string(arm64.blobs[1].digest().hex()))));
}

TEST_CASE("a target that is no layout is refused and left alone") {
  const Given given;
  const Folder folder;
  std::ofstream(folder / "index.json") << "{}";
  CHECK(copy_failure("oci:" + given.path(), "oci:" + (folder / "")).kind() == ErrorKind::corrupt);
  CHECK(folder.files() == std::vector<std::string>{"index.json"});
  CHECK(copy_failure("oci:" + (folder / "nowhere"), "oci:" + (folder / "x")).kind() == ErrorKind::not_found);
}

TEST_CASE("a copy that is there costs two requests, a plan writes nothing") {
  const Given given;
  const Folder folder;
  RegistryProcess registry;
  const std::string to = registry.host() + "/lib/node:9";
  const auto plan = run([&]() -> Task<std::optional<registry::CopyPlan>> {
    Rig rig;
    co_return co_await rig.client.plan(Place::parse("oci:" + given.path()), Place::parse(to), {});
  });
  CHECK(plan->blobs.size() == 6);
  CHECK(plan->manifests == 3);
  CHECK(plan->bytes() > 2'301'000);
  CHECK(registry.log().find("PUT") == std::string::npos);
  CHECK(registry.log().find("POST") == std::string::npos);
  copy("oci:" + given.path(), to);
  const auto result = copy("oci:" + given.path(), to);
  CHECK(result.progress.manifests_present == 1);
  CHECK(result.progress.blobs_present == 0);
}
