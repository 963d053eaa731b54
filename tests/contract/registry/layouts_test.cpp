// Layouts in directories that hold something already: what a cut copy left, what other processes write, what
// has gone bad.

#include "fake_registry.hpp"
#include "place_scene.hpp"
#include "support/registry_process.hpp"

#include <fcntl.h>
#include <sys/file.h>

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
    CHECK(read_file(part_in(layout, large)).empty());
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
  write_file(blob_in(layout, amd64.manifest), std::string(amd64.manifest.bytes.size(), ' '));
  CHECK(copy("oci:" + given.path(), "oci:" + layout + ":1").progress.blobs_copied == 0);
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

TEST_CASE("what another process writes is left to it, and may be tried again") {
  const Stocked source;
  const Folder folder;
  const std::string layout = folder / "out";
  const std::string half = large.bytes.substr(0, 1'000'000);
  write_file(part_in(layout, large), half);
  const int other = ::open(part_in(layout, large).c_str(), O_RDWR);
  REQUIRE(::flock(other, LOCK_EX) == 0);
  const auto failure = copy_failure(source.name(), "oci:" + layout + ":1");
  CHECK(is_transient(failure.kind()));
  CHECK(std::string(failure.what()).find("another process writes") != std::string::npos);
  CHECK((read_file(part_in(layout, large)) == half));
  ::close(other);
  copy(source.name(), "oci:" + layout + ":1");
  CHECK((read_file(blob_in(layout, large)) == large.bytes));
}
