// Archives: which image of several is meant, what they are called, and what is not done to one that is there.

#include "place_scene.hpp"
#include "registry/referrers.hpp"
#include "support/registry_process.hpp"
#include "support/shell.hpp"

#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::test;
using registry::Place;

namespace {

/// An archive as old versions of docker write it: one image for each name, in this order.
void save(const Folder& folder, const std::string& file, const std::vector<std::string>& names) {
  auto list = nlohmann::json::array();
  std::vector<std::string> command{"tar",           "-C",       folder / "", "-cf", folder / file,
                                   "manifest.json", "layer.tar"};
  write_file(folder / "layer.tar", "not packed");
  for (const auto& name : names) {
    const auto config = "config-" + std::to_string(list.size()) + ".json";
    write_file(folder / config,
               R"({"os": "linux", "architecture": "amd64", "config": {"Labels": {"name": ")" + name +
                   R"("}}, "rootfs": {"type": "layers", "diff_ids": []}})");
    list.push_back({{"Config", config}, {"RepoTags", {name}}, {"Layers", {"layer.tar"}}});
    command.push_back(config);
  }
  write_file(folder / "manifest.json", list.dump());
  output_of(command);
}

/// The label that save() gave to the image of a place.
std::string label_of(const std::string& place) {
  return run([&]() -> Task<std::string> {
    Rig rig;
    const auto image = co_await rig.client.manifest(Place::parse(place));
    const auto config = co_await rig.client.small_blob(Place::parse(place), *image.manifest.config);
    co_return oci::parse_image_config(config).labels.at("name");
  });
}

std::string repo_tags(const std::string& archive) {
  return nlohmann::json::parse(output_of({"tar", "-xOf", archive, "manifest.json"}))[0]["RepoTags"].dump();
}

Piece referring(const Piece& subject, const std::string& kind) {
  const Piece empty{"application/vnd.oci.empty.v1+json", "{}"};
  return {std::string(oci::media_type::oci_manifest),
          R"({"schemaVersion": 2, "mediaType": ")" + std::string(oci::media_type::oci_manifest) +
              R"(", "artifactType": "application/x-)" + kind + R"(", "config": )" + empty.descriptor() +
              R"(, "layers": [], "subject": )" + subject.descriptor() + "}"};
}

}  // namespace

TEST_CASE("the config of an image in a docker archive is found, however it is asked for") {
  const Folder folder;
  save(folder, "saved.tar", {"foo/bar:3"});
  CHECK(label_of("docker-archive:" + (folder / "saved.tar")) == "foo/bar:3");
}

TEST_CASE("an image in a docker archive is chosen by its whole name, or by a tag that only it has") {
  const Folder folder;
  save(folder, "saved.tar", {"docker.io/foo/bar:3", "node:20", "ghcr.io/a/b:20"});
  const auto archive = "docker-archive:" + (folder / "saved.tar");
  CHECK(label_of(archive + ":foo/bar:3") == "docker.io/foo/bar:3");
  CHECK(label_of(archive + ":docker.io/foo/bar:3") == "docker.io/foo/bar:3");
  CHECK(label_of(archive + ":3") == "docker.io/foo/bar:3");
  CHECK(label_of(archive + ":docker.io/library/node:20") == "node:20");
  CHECK(label_of(archive + ":ghcr.io/a/b:20") == "ghcr.io/a/b:20");
  for (const std::string end : {"", ":20"}) {
    const auto refusal = copy_failure(archive + end, "oci:" + (folder / "out"));
    CHECK(refusal.kind() == ErrorKind::invalid);
    CHECK_THAT(refusal.what(), Catch::Contains("node:20, ghcr.io/a/b:20"));
  }
  CHECK(copy_failure(archive + ":foo/bar:4", "oci:" + (folder / "out")).kind() == ErrorKind::not_found);
}

TEST_CASE("a docker archive calls its image what the target says, else what the source does") {
  const Given given;
  const Folder folder;
  RegistryProcess registry;
  const auto source = "oci:" + given.path() + "@" + amd64.manifest.digest().text();
  copy(source, registry.host() + "/team/app:1");
  copy(source, "docker-archive:" + (folder / "a.tar") + ":foo/bar:3");
  CHECK(repo_tags(folder / "a.tar") == R"(["docker.io/foo/bar:3"])");
  copy(registry.host() + "/team/app:1", "docker-archive:" + (folder / "b.tar"));
  CHECK(repo_tags(folder / "b.tar") == "[\"" + registry.host() + "/team/app:1\"]");
  copy("docker-archive:" + (folder / "a.tar") + ":docker.io/foo/bar:3",
       "docker-archive:" + (folder / "c.tar") + ":9");
  CHECK(repo_tags(folder / "c.tar") == R"(["docker.io/foo/bar:9"])");
  CHECK(folder.files().size() == 3);
  CHECK(tags("docker-archive:" + (folder / "a.tar")) == std::vector<std::string>{"docker.io/foo/bar:3"});
  for (const std::string name : {":foo/bar:3", ":docker.io/foo/bar:3", ":3", ""})
    CHECK(manifest("docker-archive:" + (folder / "a.tar") + name).digest == amd64.manifest.digest());
  CHECK(output_of({"skopeo", "inspect", "--config", "--raw",
                   "docker-archive:" + (folder / "a.tar") + ":foo/bar:3"}) == amd64.blobs[0].bytes);
}

TEST_CASE("an image in a layout or archive is chosen by its position in the list, for reading only") {
  const Given given;
  const Folder folder;
  const std::string from = "oci:" + given.path(), layout = "oci:" + (folder / "out");
  copy(from, layout + ":both");
  for (const auto* image : {&arm64, &amd64})
    copy(from + "@" + image->manifest.digest().text(), layout);
  CHECK(manifest(layout + ":@0").digest == both.digest());
  CHECK(manifest(layout + ":@1").digest == arm64.manifest.digest());
  CHECK(copy(layout + ":@2", "oci-archive:" + (folder / "one.tar")).digest == amd64.manifest.digest());
  CHECK(manifest("oci-archive:" + (folder / "one.tar") + ":@0").digest == amd64.manifest.digest());
  const auto beyond = copy_failure(layout + ":@3", "oci:" + (folder / "none"));
  CHECK(beyond.kind() == ErrorKind::not_found);
  CHECK_THAT(beyond.what(), Catch::Contains(layout + " has no @3: it lists 3 images, @0 to @2"));
  const auto target = copy_failure(from, layout + ":@0");
  CHECK(target.kind() == ErrorKind::invalid);
  CHECK_THAT(target.what(), Catch::Contains("a target has a tag or nothing"));
  save(folder, "saved.tar", {"node:20", "foo/bar:3"});
  CHECK(label_of("docker-archive:" + (folder / "saved.tar") + ":@1") == "foo/bar:3");
}

TEST_CASE("what refers to the image in an archive is not what is meant when nothing is said") {
  const Folder folder;
  OciLayout given;
  const auto sbom = referring(amd64.manifest, "sbom");
  const auto signature = referring(sbom, "signature");
  const Piece empty{"application/vnd.oci.empty.v1+json", "{}"};
  given.add(amd64);
  for (const auto& piece : {sbom, signature, empty, arm64.manifest})
    given.add(piece);
  const auto cosign = registry::referrers_tag(amd64.manifest.digest()) + ".sig";
  const auto called = [](const std::string& name) {
    return R"(, "annotations": {"org.opencontainers.image.ref.name": ")" + name + "\"}";
  };
  const std::string entries =
      sbom.descriptor() + ", " + signature.descriptor() + ", " + arm64.manifest.descriptor(called(cosign));
  const auto write_index = [&](const std::string& more) {
    write_file(std::filesystem::path(given.path()) / "index.json",
               R"({"schemaVersion": 2, "manifests": [)" + entries + more + "]}");
  };
  write_index(", " + amd64.manifest.descriptor(called("1")) + ", " +
              amd64.manifest.descriptor(called("one")));
  CHECK(manifest("oci:" + given.path()).digest == amd64.manifest.digest());
  write_index(", " + amd64.manifest.descriptor());
  CHECK(manifest("oci:" + given.path()).digest == amd64.manifest.digest());
  given.add(both);
  write_index(", " + amd64.manifest.descriptor(called("1")) + ", " + both.descriptor(called("2")));
  const auto refusal = copy_failure("oci:" + given.path(), "oci:" + (folder / "out"));
  CHECK(refusal.kind() == ErrorKind::invalid);
  CHECK_THAT(refusal.what(), Catch::Contains("holds 2 images") && Catch::Contains("(1, 2)"));
}

TEST_CASE("an image with its referrers goes through an archive without being named") {
  const Given given;
  const Folder folder;
  RegistryProcess first, second;
  OciLayout layout;
  const auto sbom = referring(amd64.manifest, "sbom");
  layout.add(amd64);
  layout.add(sbom);
  layout.add(Piece{"", "{}"});
  write_file(std::filesystem::path(layout.path()) / "index.json", R"({"schemaVersion": 2, "manifests": [)" +
                                                                      sbom.descriptor() + ", " +
                                                                      amd64.manifest.descriptor() + "]}");
  copy("oci:" + layout.path(), first.host() + "/a/app:1", with_referrers());
  copy(first.host() + "/a/app:1", "oci-archive:" + (folder / "ref.tar"), with_referrers());
  const auto result =
      copy("oci-archive:" + (folder / "ref.tar"), second.host() + "/b/app:1", with_referrers());
  CHECK(result.digest == amd64.manifest.digest());
  CHECK(result.progress.referrers == 1);
}

TEST_CASE("a docker archive of an image with cosign's signature is the image, not the signature") {
  const Folder folder;
  OciLayout layout;
  layout.add(amd64);
  layout.add(arm64);
  const auto called = [](const std::string& name) {
    return R"(, "annotations": {"org.opencontainers.image.ref.name": ")" + name + "\"}";
  };
  const auto signature =
      arm64.manifest.descriptor(called(registry::referrers_tag(amd64.manifest.digest()) + ".sig"));
  write_file(std::filesystem::path(layout.path()) / "index.json", R"({"schemaVersion": 2, "manifests": [)" +
                                                                      amd64.manifest.descriptor(called("1")) +
                                                                      ", " + signature + "]}");
  const auto archive = folder / "a.tar";
  copy("oci:" + layout.path(), "docker-archive:" + archive + ":team/app:1", with_referrers());
  CHECK(output_of({"skopeo", "inspect", "--config", "--raw", "docker-archive:" + archive}) ==
        amd64.blobs[0].bytes);
  CHECK(manifest("docker-archive:" + archive + ":team/app:1").digest == amd64.manifest.digest());
  CHECK(manifest("docker-archive:" + archive).digest == amd64.manifest.digest());
}

TEST_CASE("an archive that is there is refused, and replaced only when that is said") {
  const Given given;
  const Folder folder;
  for (const std::string kind : {"oci-archive:", "docker-archive:"}) {
    CAPTURE(kind);
    const auto name = folder / ("x" + kind.substr(0, 3) + ".tar");
    const auto source = "oci:" + given.path() + "@" + amd64.manifest.digest().text();
    write_file(name, "");
    copy(source, kind + name + ":t1");
    const auto before = read_file(name);
    const auto refusal = copy_failure(source, kind + name + ":t2");
    CHECK(refusal.kind() == ErrorKind::conflict);
    CHECK_THAT(refusal.what(), Catch::Contains("--force"));
    CHECK((read_file(name) == before));
    copy(source, kind + name + ":t2", with_force());
    CHECK(tags("oci-archive:" + name) == std::vector<std::string>{"t2"});
  }
}

TEST_CASE("an archive is written where a link leads, and the link stays") {
  const Given given;
  const Folder folder;
  const auto source = "oci:" + given.path() + "@" + amd64.manifest.digest().text();
  write_file(folder / "old.tar", "");
  for (const std::string name : {"old", "new"}) {
    CAPTURE(name);
    const auto link = folder / ("to-" + name);
    std::filesystem::create_symlink(name + ".tar", link);
    copy(source, "oci-archive:" + link + ":1");
    CHECK(copy_failure(source, "oci-archive:" + link + ":2").kind() == ErrorKind::conflict);
    copy(source, "oci-archive:" + link + ":2", with_force());
    CHECK(std::filesystem::is_symlink(link));
    CHECK(tags("oci-archive:" + (folder / (name + ".tar"))) == std::vector<std::string>{"2"});
  }
  CHECK(folder.files().size() == 4);
}

TEST_CASE(
    "an archive takes the place of no pipe, and not of what somebody has open, even when it may replace") {
  const Given given;
  const Folder folder;
  const auto source = "oci:" + given.path() + "@" + amd64.manifest.digest().text();
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  write_file(folder / "open", "");
  const int open = ::open((folder / "open").c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(open >= 0);
  std::filesystem::create_symlink("/proc/self/fd/" + std::to_string(open), folder / "stdout");
  for (const std::string name : {"pipe", "stdout"})
    for (const auto& options : {registry::CopyOptions(), with_force()}) {
      CAPTURE(name, options.replace);
      CHECK(copy_failure(source, "docker-archive:" + (folder / name), options).kind() == ErrorKind::invalid);
    }
  ::close(open);
  CHECK(std::filesystem::is_fifo(folder / "pipe"));
  CHECK(std::filesystem::is_symlink(folder / "stdout"));
  CHECK(std::filesystem::is_empty(folder / "open"));
  CHECK(folder.files().size() == 3);
}

TEST_CASE("artifact manifests are copied, and go into no docker archive") {
  const Folder folder;
  const Piece blob{"application/json", "{\"packages\": []}"};
  const Piece artifact{
      std::string(oci::media_type::oci_artifact),
      R"({"mediaType": "application/vnd.oci.artifact.manifest.v1+json", "artifactType": "application/x-sbom", "blobs": [)" +
          blob.descriptor() + R"(], "subject": )" + amd64.manifest.descriptor() + "}"};
  OciLayout layout;
  layout.add(amd64);
  layout.add(blob);
  layout.set_root(artifact);
  const auto result = copy("oci:" + layout.path(), "oci-archive:" + (folder / "a.tar"));
  CHECK(result.digest == artifact.digest());
  CHECK(result.progress.blobs_copied == 1);
  CHECK(manifest("oci-archive:" + (folder / "a.tar")).bytes == artifact.bytes);
  const auto refusal = copy_failure("oci:" + layout.path(), "docker-archive:" + (folder / "d.tar"));
  CHECK(refusal.kind() == ErrorKind::invalid);

  write_file(std::filesystem::path(layout.path()) / "index.json", R"({"schemaVersion": 2, "manifests": [)" +
                                                                      artifact.descriptor() + ", " +
                                                                      amd64.manifest.descriptor() + "]}");
  const auto image = copy("oci:" + layout.path(), "oci:" + (folder / "out"), with_referrers());
  CHECK(image.digest == amd64.manifest.digest());
  CHECK(image.progress.referrers == 1);
}
