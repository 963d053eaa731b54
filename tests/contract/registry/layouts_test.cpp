// Layouts in directories that hold something already: what a cut copy left, what has gone bad.

#include "fake_registry.hpp"
#include "place_scene.hpp"
#include "registry/directory.hpp"
#include "support/registry_process.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

namespace fs = std::filesystem;

const Piece& large = arm64.blobs[1];

fs::path blob_in(const std::string& layout, const Piece& piece) {
  return fs::path(layout) / "blobs/sha256" / std::string(piece.digest().hex());
}

fs::path part_in(const std::string& layout, const Piece& piece) {
  return blob_in(layout, piece).string() + ".part";
}

/// A registry with the image arm64 as "a:1".
struct Stocked {
  explicit Stocked(FakeRegistry::Hook hook = {}) : registry(std::move(hook)) {
    registry.add("a", arm64);
    registry.tag("a", "1", arm64.manifest);
  }
  std::string name() const { return registry.host() + "/a:1"; }
  /// The Range header of the requests for the large layer.
  std::vector<std::string> ranges() const {
    std::vector<std::string> ranges;
    for (const auto& request : registry.requests())
      if (is(request, "GET", large.digest().text()))
        ranges.push_back(request.headers.contains("range") ? request.headers.at("range") : "");
    return ranges;
  }
  FakeRegistry registry;
};

/// A directory whose files had one byte when their size was asked for.
class Replaced final : public registry::Files {
 public:
  Replaced(Workers& workers, fs::path path) : present_(workers, std::move(path)) {}
  const fs::path& path() const override { return present_.path(); }
  std::optional<std::uint64_t> size(const std::string& /*name*/) const override { return 1; }
  std::unique_ptr<net::BodySource> open(const std::string& name, std::uint64_t from) const override {
    return present_.open(name, from);
  }

 private:
  registry::Directory present_;
};

}  // namespace

TEST_CASE("C2: a copy into a directory goes on behind what a killed one left of a layer") {
  const Stocked source;
  const Folder folder;
  const std::string layout = folder / "out";
  write_file(part_in(layout, large), large.bytes.substr(0, 1'500'000));
  const auto result = copy(source.name(), "oci:" + layout + ":1");
  CHECK(source.ranges() == std::vector<std::string>{"bytes=1500000-"});
  const std::uint64_t others = arm64.blobs[0].bytes.size() + arm64.blobs[2].bytes.size();
  CHECK(result.progress.bytes_moved == large.bytes.size() - 1'500'000 + others);
  CHECK((read_file(blob_in(layout, large)) == large.bytes));
  CHECK_FALSE(fs::exists(part_in(layout, large)));
}

TEST_CASE("C2: a layer that lay there as a whole costs its last byte, where its digest is verified") {
  const Stocked source;
  const Folder folder;
  const std::string layout = folder / "out";
  write_file(part_in(layout, large), large.bytes);
  copy(source.name(), "oci:" + layout + ":1");
  CHECK(source.ranges() == std::vector<std::string>{"bytes=1999999-"});
  CHECK((read_file(blob_in(layout, large)) == large.bytes));
}

TEST_CASE("C2: what lay there and is of other bytes, or too long, is brought again as a whole") {
  const Folder folder;
  const std::string layout = folder / "out";
  SECTION("other bytes") {
    const Stocked source;
    write_file(part_in(layout, large), std::string(1'500'000, 'x'));
    const auto result = copy(source.name(), "oci:" + layout + ":1");
    CHECK(source.ranges() == std::vector<std::string>{"bytes=1500000-", ""});
    CHECK(result.progress.bytes_moved > large.bytes.size());
  }
  SECTION("too long") {
    const Stocked source;
    write_file(part_in(layout, large), large.bytes + "x");
    copy(source.name(), "oci:" + layout + ":1");
    CHECK(source.ranges() == std::vector<std::string>{""});
  }
  SECTION("a source that refuses ranges") {
    const Stocked source([](Exchange& exchange, const RecordedRequest& request) {
      if (!is(request, "GET", large.digest().text()) || !request.headers.contains("range")) return false;
      exchange.answer(416, "");
      return true;
    });
    write_file(part_in(layout, large), large.bytes.substr(0, 1'500'000));
    copy(source.name(), "oci:" + layout + ":1");
    CHECK(source.ranges() == std::vector<std::string>{"bytes=1500000-", ""});
  }
  CHECK((read_file(blob_in(layout, large)) == large.bytes));
}

TEST_CASE("a copy that fails on the way keeps what came, and no wrong byte") {
  const Folder folder;
  const std::string layout = folder / "out";
  bool is_wrong = false;
  const Stocked source([&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", large.digest().text())) return false;
    if (is_wrong)
      exchange.answer(200, std::string(large.bytes.size(), 'x'));
    else if (request.headers.contains("range"))
      exchange.answer(403, "");
    else {
      exchange.write("HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + large.bytes.substr(0, 1'000'000));
      exchange.close();
    }
    return true;
  });
  SECTION("cut and then refused") {
    CHECK(copy_failure(source.name(), "oci:" + layout + ":1").kind() == ErrorKind::denied);
    const auto kept = read_file(part_in(layout, large));
    CHECK(kept.size() > 0);
    CHECK((kept == large.bytes.substr(0, kept.size())));
  }
  SECTION("wrong") {
    is_wrong = true;
    CHECK(copy_failure(source.name(), "oci:" + layout + ":1").kind() == ErrorKind::corrupt);
    CHECK_FALSE(fs::exists(part_in(layout, large)));
  }
  CHECK_FALSE(fs::exists(blob_in(layout, large)));
}

TEST_CASE("C5: a thorough copy finds what has gone bad in a directory, and brings it again") {
  const Given given;
  const Folder folder;
  const std::string layout = folder / "out";
  copy("oci:" + given.path(), "oci:" + layout + ":1");
  auto bad = large.bytes;
  bad[1'000'000] = static_cast<char>(bad[1'000'000] ^ 1);
  write_file(blob_in(layout, large), bad);
  CHECK(copy("oci:" + given.path(), "oci:" + layout + ":1").progress.blobs_copied == 0);
  write_file(blob_in(layout, amd64.manifest), std::string(amd64.manifest.bytes.size(), ' '));
  registry::CopyOptions thorough;
  thorough.thorough = true;
  const auto plan = run([&]() -> Task<std::optional<registry::CopyPlan>> {
    Rig rig;
    co_return co_await rig.client.plan(registry::Place::parse("oci:" + given.path()),
                                       registry::Place::parse("oci:" + layout + ":1"), thorough);
  });
  CHECK(plan->bytes() == large.bytes.size());
  CHECK(plan->manifests == 1);
  const auto result = copy("oci:" + given.path(), "oci:" + layout + ":1", thorough);
  CHECK(result.progress.blobs_copied == 1);
  CHECK(result.progress.manifests_copied == 1);
  CHECK((read_file(blob_in(layout, large)) == large.bytes));
  CHECK(read_file(blob_in(layout, amd64.manifest)) == amd64.manifest.bytes);
}

TEST_CASE("C5: a manifest that has gone bad in a directory is brought again by any copy") {
  const Given given;
  const Folder folder;
  const std::string layout = folder / "out";
  copy("oci:" + given.path(), "oci:" + layout + ":1");
  write_file(blob_in(layout, amd64.manifest), amd64.manifest.bytes.substr(1));
  CHECK(copy("oci:" + given.path(), "oci:" + layout + ":1").progress.manifests_copied == 1);
  CHECK(read_file(blob_in(layout, amd64.manifest)) == amd64.manifest.bytes);
}

TEST_CASE("C5: a blob that is said to be empty and has the digest of another one is not written") {
  OciLayout given;
  const Folder folder;
  const Piece empty{large.media_type, ""};
  const auto layer = empty.descriptor();
  const Piece manifest{
      std::string(oci::media_type::oci_manifest),
      R"({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", )"
      R"("config": )" +
          arm64.blobs[0].descriptor() + R"(, "layers": [)" +
          std::string(layer).replace(layer.find(empty.digest().hex()), 64, large.digest().hex()) + "]}"};
  for (const auto& piece : {arm64.blobs[0], large, manifest})
    given.add(piece);
  given.set_root(manifest);
  const auto failure = copy_failure("oci:" + given.path(), "oci:" + (folder / "out") + ":1");
  CHECK(failure.kind() == ErrorKind::corrupt);
  CHECK_THAT(failure.what(), Catch::Contains("said to be empty"));
  CHECK_FALSE(fs::exists(blob_in(folder / "out", large)));
}

TEST_CASE("a folder that cannot be made is named") {
  const Given given;
  const Folder folder;
  write_file(folder / "file", "x");
  const auto failure = copy_failure("oci:" + given.path(), "oci:" + (folder / "file/out") + ":1");
  CHECK_THAT(failure.what(), Catch::Contains((folder / "file") + ": Not a directory"));
}

TEST_CASE("a small file is read as it was when it was opened, even when its size was another one before") {
  Workers workers{1};
  const Folder folder;
  write_file(folder / "index.json", "longer than it was");
  const Replaced files(workers, folder / "");
  const auto read = [&](std::size_t limit) {
    return run([&]() -> Task<std::string> { co_return co_await files.read("index.json", limit); });
  };
  CHECK(read(100) == "longer than it was");
  CHECK_THROWS_WITH(read(17), Catch::Contains("more than 17 bytes"));
}
