// Mounts from the very repository that a blob goes to, which ask and begin in one where a registry tells.

#include "fake_registry.hpp"
#include "rig.hpp"
#include "support/run.hpp"
#include "support/token_server.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

constexpr int blobs_of_image = 6;  // as many as may begin at once
const TestImage image = make_image("amd64", 91, {1000, 2000, 3000, 4000, 5000});

bool is_mount(const RecordedRequest& request) {
  return is(request, "POST", "?mount=");
}

std::string mount_of(const Piece& blob) {
  return "?mount=" + net::percent_encode(blob.digest().text()) + "&from=b";
}

void answer_mounted(Exchange& exchange) {
  exchange.answer(201, "", "Location: /v2/b/blobs/x\r\n");
}

/// A source with the image, and a target with a hook of its own that can see what the target has.
struct Scene {
  using Hook = std::function<bool(FakeRegistry& target, Exchange&, const RecordedRequest&)>;
  explicit Scene(Hook first = {})
      : hook(std::move(first)), target([this](Exchange& exchange, const RecordedRequest& request) {
          return hook && hook(target, exchange, request);
        }) {
    source.add("a", image);
  }

  /// One blob after the other, so that each of them knows of those before it.
  Task<registry::CopyProgress> copy(Rig& rig, const TestImage& what = image) {
    rig.access[target.host()].transfers = 1;
    co_return co_await rig.client.copy(source.repository("a"), what.manifest.digest(),
                                       target.repository("b"));
  }
  void copy_once() {
    run([&]() -> Task<> {
      Rig rig;
      co_await copy(rig);
    });
  }
  bool is_complete(const TestImage& what = image) const {
    for (const auto& blob : what.blobs)
      if (target.stored("b", blob.digest()) != blob.bytes) return false;
    return target.stored("b", what.manifest.digest()).has_value();
  }

  struct Counts {
    int asked, mounts, begun, abandoned;  // `begun`: by POST, mounts among them
  };
  void check(const Counts& wanted) const {
    CHECK(target.count("HEAD", "/blobs/") == wanted.asked);
    CHECK(target.count("POST", "?mount=") == wanted.mounts);
    CHECK(target.count("POST") == wanted.begun);
    CHECK(target.count("DELETE", "/blobs/uploads/") == wanted.abandoned);
  }

  Hook hook;
  FakeRegistry source;
  FakeRegistry target;
};

/// As CNCF distribution: mounted when `from` has the blob, else an ordinary upload.
bool tells(const FakeRegistry& target, Exchange& exchange, const RecordedRequest& request) {
  if (!is_mount(request)) return false;
  const auto digest = oci::Digest::parse(query_values(request.target, "mount").at(0));
  if (!target.stored(query_values(request.target, "from").at(0), *digest)) return false;
  answer_mounted(exchange);
  return true;
}

}  // namespace

TEST_CASE("where a registry tells by a mount whether a blob is there, uploads ask and begin in one") {
  Scene scene(tells);
  const TestImage second = make_image("amd64", 92, {1000});
  TestImage both = make_image("amd64", 93, {});
  both.manifest.bytes.insert(both.manifest.bytes.rfind(']'),
                             image.blobs[1].descriptor() + ", " + second.blobs[1].descriptor());
  both.blobs.push_back(second.blobs[1]);
  scene.source.add("a", both);
  run([&]() -> Task<> {
    Rig rig;
    co_await scene.copy(rig);
    // The first blob by HEAD and POST; one probe; each of the others by a mount.
    scene.check({.asked = 1, .mounts = 1 + 5, .begun = 1 + 1 + 5, .abandoned = 0});
    const auto progress = co_await scene.copy(rig, both);
    CHECK(progress.blobs_present == 1);
    CHECK(progress.blobs_copied == 2);
    CHECK(progress.blobs_mounted == 0);
    CHECK(progress.bytes_moved == both.blobs[0].bytes.size() + 1000);
  });
  CHECK(scene.is_complete());
  CHECK(scene.is_complete(both));
  scene.check({.asked = 1, .mounts = 6 + 3, .begun = 7 + 3, .abandoned = 0});
}

TEST_CASE("a registry that ignores mounts is probed once, and its session abandoned") {
  Scene scene;
  scene.copy_once();
  CHECK(scene.is_complete());
  scene.check({.asked = blobs_of_image, .mounts = 1, .begun = blobs_of_image + 1, .abandoned = 1});
}

TEST_CASE("a registry that refuses mounts is probed once") {
  Scene scene([](FakeRegistry&, Exchange& exchange, const RecordedRequest& request) {
    if (is_mount(request)) exchange.answer(405);
    return is_mount(request);
  });
  scene.copy_once();
  CHECK(scene.is_complete());
  scene.check({.asked = blobs_of_image, .mounts = 1, .begun = blobs_of_image + 1, .abandoned = 0});
}

TEST_CASE("a probe that fails for a moment is made again by the next upload, at most twice") {
  const int failures = GENERATE(1, 1000);
  auto left = std::make_shared<std::atomic<int>>(failures);
  Scene scene([left](FakeRegistry& target, Exchange& exchange, const RecordedRequest& request) {
    if (!is_mount(request) || (*left)-- <= 0) return tells(target, exchange, request);
    exchange.answer(500);
    return true;
  });
  scene.copy_once();
  CHECK(scene.is_complete());
  if (failures == 1)
    scene.check({.asked = 2, .mounts = 1 + 1 + 4, .begun = 2 + 1 + 1 + 4, .abandoned = 0});
  else
    scene.check({.asked = blobs_of_image, .mounts = 3, .begun = blobs_of_image + 3, .abandoned = 0});
}

TEST_CASE("one upload probes, and the others begin with HEAD meanwhile") {
  std::mutex mutex;
  std::condition_variable changed;
  int asked = 0;
  const TestImage before = make_image("amd64", 94, {});
  Scene scene([&](FakeRegistry& target, Exchange& exchange, const RecordedRequest& request) {
    std::unique_lock lock(mutex);
    if (is(request, "HEAD", "/blobs/")) ++asked;
    changed.notify_all();
    if (is(request, "POST", mount_of(before.blobs[0])))
      changed.wait_for(lock, std::chrono::seconds(30), [&] { return asked == 1 + 5; });
    return tells(target, exchange, request);
  });
  scene.source.add("a", before);
  run([&]() -> Task<> {
    Rig rig;
    co_await scene.copy(rig, before);
    rig.access[scene.target.host()].transfers = blobs_of_image;
    co_await rig.client.copy(scene.source.repository("a"), image.manifest.digest(),
                             scene.target.repository("b"));
  });
  CHECK(scene.is_complete());
  CHECK(scene.target.count("POST", mount_of(before.blobs[0])) == 1);
  scene.check({.asked = 1 + 5, .mounts = 1 + 1, .begun = 1 + 1 + 6, .abandoned = 0});
}

TEST_CASE("a copy whose blobs all begin at once probes nothing") {
  std::mutex mutex;
  std::condition_variable changed;
  int asked = 0;
  Scene scene([&](FakeRegistry&, Exchange&, const RecordedRequest& request) {
    if (!is(request, "HEAD", "/blobs/")) return false;
    std::unique_lock lock(mutex);
    ++asked;
    changed.notify_all();
    changed.wait_for(lock, std::chrono::seconds(30), [&] { return asked == blobs_of_image; });
    return false;
  });
  run([&]() -> Task<> {
    Rig rig;
    co_await rig.client.copy(scene.source.repository("a"), image.manifest.digest(),
                             scene.target.repository("b"));
  });
  scene.check({.asked = blobs_of_image, .mounts = 0, .begun = blobs_of_image, .abandoned = 0});
}

TEST_CASE(
    "a registry that says to every mount that the blob is there is found out by the first that is not") {
  Scene scene([](FakeRegistry&, Exchange& exchange, const RecordedRequest& request) {
    if (is_mount(request)) answer_mounted(exchange);
    return is_mount(request);
  });
  scene.copy_once();
  CHECK(scene.is_complete());
  scene.check({.asked = blobs_of_image, .mounts = 1 + 1, .begun = blobs_of_image + 2, .abandoned = 0});
}

TEST_CASE("a registry that refuses a mount later is asked by HEAD from there on") {
  auto mounts = std::make_shared<std::atomic<int>>(0);
  Scene scene([mounts](FakeRegistry& target, Exchange& exchange, const RecordedRequest& request) {
    if (!is_mount(request) || ++*mounts <= 2) return tells(target, exchange, request);
    exchange.answer(403);
    return true;
  });
  scene.copy_once();
  CHECK(scene.is_complete());
  // By HEAD the first blob and the last four; two mounts that were answered, one that was not.
  scene.check({.asked = 1 + 4, .mounts = 2 + 1, .begun = 1 + 4 + 3, .abandoned = 0});
}

TEST_CASE("a registry that fails at mounts of what it has not is given up, and every blob arrives") {
  Scene scene([](FakeRegistry& target, Exchange& exchange, const RecordedRequest& request) {
    if (!is_mount(request) || tells(target, exchange, request)) return is_mount(request);
    exchange.answer(500);
    return true;
  });
  scene.copy_once();
  CHECK(scene.is_complete());
  // Three times a probe that is answered and a mount that is not.
  scene.check({.asked = blobs_of_image, .mounts = 3 * 2, .begun = blobs_of_image + 6, .abandoned = 0});
}

TEST_CASE("C5: a blob that a registry wrongly said to be there comes with the next copy") {
  const Piece& elsewhere = image.blobs[3];
  Scene scene([&](FakeRegistry& target, Exchange& exchange, const RecordedRequest& request) {
    if (is(request, "POST", mount_of(elsewhere))) {
      answer_mounted(exchange);
      return true;
    }
    if (!is(request, "PUT", "/manifests/") || target.stored("b", elsewhere.digest()))
      return tells(target, exchange, request);
    read_body(exchange, request);
    exchange.answer(404,
                    R"({"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]})");
    return true;
  });
  run([&]() -> Task<> {
    Rig rig;
    const Error failure = co_await failure_of(scene.copy(rig));
    CHECK(failure.kind() == ErrorKind::unavailable);
    CHECK_THAT(failure.what(), Catch::Contains("MANIFEST_BLOB_UNKNOWN"));
    const auto progress = co_await scene.copy(rig);
    CHECK(progress.blobs_copied == 1);
    CHECK(progress.blobs_present == blobs_of_image - 1);
  });
  CHECK(scene.is_complete());
}

TEST_CASE("C2: after a broken upload a blob is asked for by HEAD, though a mount could ask") {
  const Piece& broken = image.blobs[3];
  auto breaks = std::make_shared<std::atomic<int>>(1);
  Scene scene([&broken, breaks](FakeRegistry& target, Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "PUT", net::percent_encode(broken.digest().text())) || (*breaks)-- <= 0)
      return tells(target, exchange, request);
    exchange.reset();
    return true;
  });
  scene.copy_once();
  CHECK(scene.is_complete());
  CHECK(scene.target.count("POST", mount_of(broken)) == 1);
  CHECK(scene.target.count("HEAD", broken.digest().text()) == 1);
  scene.check({.asked = 1 + 1, .mounts = 1 + 5, .begun = 1 + 6 + 1, .abandoned = 1});
}
