// The ways of a copy: order, mounts, what is left out, copies side by side.

#include "fake_registry.hpp"
#include "rig.hpp"
#include "support/eventually.hpp"
#include "support/run.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

const TestImage image = make_image("amd64", 51, {200'000, 2000});
const Piece& layer = image.blobs[1];

registry::CopyProgress copy(const oci::Repository& source, const oci::Digest& digest,
                            const oci::Repository& target) {
  return run([&]() -> Task<registry::CopyProgress> {
    Rig rig;
    co_return co_await rig.client.copy(source, digest, target);
  });
}

void check_complete(const FakeRegistry& target) {
  CHECK(target.stored("b", image.manifest.digest()) == image.manifest.bytes);
  for (const auto& blob : image.blobs)
    CHECK((target.stored("b", blob.digest()) == blob.bytes));
}

}  // namespace

TEST_CASE("blobs come before their manifest, children before their index, everything by digest") {
  const TestImage other = make_image("arm64", 52, {10});
  const Piece inner = make_index({{other.manifest, "arm64"}});
  const Piece root = make_index({{image.manifest, "amd64"}, {inner, ""}, {other.manifest, "arm64"}});
  FakeRegistry source;
  for (const auto* one : {&image, &other})
    source.add("a", *one);
  source.add("a", inner);
  source.add("a", root);
  FakeRegistry target;
  const auto progress = copy(source.repository("a"), root.digest(), target.repository("b"));
  CHECK(progress.manifests_copied == 4);

  const auto writes = target.writes();
  std::vector<std::string> manifests;
  for (const auto& write : writes)
    if (write.find("/manifests/") != std::string::npos)
      manifests.push_back(write.substr(write.rfind('/') + 1));
  CHECK(manifests == std::vector<std::string>{image.manifest.digest().text(), other.manifest.digest().text(),
                                              inner.digest().text(), root.digest().text()});
  const auto first = std::find_if(writes.begin(), writes.end(), [](const auto& write) {
    return write.find("/manifests/") != std::string::npos;
  });
  CHECK(std::all_of(first, writes.end(),
                    [](const auto& write) { return write.find("/manifests/") != std::string::npos; }));
  CHECK(target.stored("b", root.digest()) == root.bytes);
  // Each manifest was read once, though one of them is listed twice.
  CHECK(source.count("GET", "/manifests/") == 4);
}

TEST_CASE("an empty layer is copied") {
  const TestImage empty = make_image("amd64", 53, {0});
  FakeRegistry source;
  source.add("a", empty);
  FakeRegistry target;
  copy(source.repository("a"), empty.manifest.digest(), target.repository("b"));
  CHECK(target.stored("b", empty.blobs[1].digest()) == "");
}

TEST_CASE("within one registry blobs are mounted from their repository") {
  FakeRegistry registry([](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "POST", "mount=")) return false;
    exchange.answer(201, "", "Location: /v2/b/blobs/x\r\n");
    return true;
  });
  registry.add("a", image);
  const auto progress = copy(registry.repository("a"), image.manifest.digest(), registry.repository("b"));
  CHECK(progress.blobs_mounted == 3);
  CHECK(registry.count("POST", "?mount=" + net::percent_encode(layer.digest().text()) + "&from=a") == 1);
  CHECK(registry.count("GET", "/blobs/") == 0);
}

TEST_CASE("a mount that answers 202 continues as an upload, with that Location") {
  FakeRegistry registry;
  registry.add("a", image);
  const auto progress = copy(registry.repository("a"), image.manifest.digest(), registry.repository("b"));
  CHECK(progress.blobs_copied == 3);
  CHECK(progress.blobs_mounted == 0);
  CHECK(registry.count("POST") == 3);
  check_complete(registry);
}

TEST_CASE("a mount that is refused continues with a plain upload") {
  for (const int status : {400, 403, 404, 405}) {
    FakeRegistry registry([status](Exchange& exchange, const RecordedRequest& request) {
      if (!is(request, "POST", "mount=")) return false;
      exchange.answer(status, "no");
      return true;
    });
    registry.add("a", image);
    copy(registry.repository("a"), image.manifest.digest(), registry.repository("b"));
    check_complete(registry);
    CHECK(registry.count("POST") == 6);
  }
}

TEST_CASE("between registries nothing is mounted") {
  FakeRegistry source;
  source.add("a", image);
  FakeRegistry target;
  copy(source.repository("a"), image.manifest.digest(), target.repository("a"));
  CHECK(target.count("POST", "mount") == 0);
}

TEST_CASE("foreign layers are not asked for and not pushed") {
  const Piece foreign{"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", noise(1, 50)};
  const Piece config = image.blobs.front();
  const Piece manifest{std::string(oci::media_type::docker_manifest),
                       R"({"schemaVersion": 2, "mediaType": ")" +
                           std::string(oci::media_type::docker_manifest) +
                           "\", \"config\": " + config.descriptor() + ", \"layers\": [" +
                           foreign.descriptor(R"(, "urls": ["https://example.com/layer"])") + "]}"};
  FakeRegistry source;
  source.add("a", config);
  source.add("a", manifest);
  FakeRegistry target;
  const auto progress = copy(source.repository("a"), manifest.digest(), target.repository("b"));
  CHECK(progress.blobs_copied == 1);
  CHECK(source.count("GET", foreign.digest().text()) == 0);
  CHECK(target.stored("b", manifest.digest()) == manifest.bytes);
}

namespace {

const TestImage many_layers = make_image("amd64", 54, std::vector<std::size_t>(30, 500));

int times_asked(const FakeRegistry& target) {
  return target.count("HEAD", "/blobs/");
}

}  // namespace

TEST_CASE("an empty repository is not asked for each blob of a large image") {
  FakeRegistry source;
  source.add("a", many_layers);
  FakeRegistry target;
  const auto progress = copy(source.repository("a"), many_layers.manifest.digest(), target.repository("b"));
  CHECK(progress.blobs_copied == 31);
  CHECK(times_asked(target) < 20);
  CHECK(target.count("GET", "/tags/list") == 1);
  for (const auto& blob : many_layers.blobs)
    CHECK((target.stored("b", blob.digest()) == blob.bytes));
}

TEST_CASE("a repository with tags is asked for each blob") {
  FakeRegistry source;
  source.add("a", many_layers);
  FakeRegistry target([](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/tags/list")) return false;
    exchange.answer(200, R"({"name": "b", "tags": ["1"]})");
    return true;
  });
  copy(source.repository("a"), many_layers.manifest.digest(), target.repository("b"));
  CHECK(times_asked(target) == 31);
}

TEST_CASE("a copy that was cut after any of its first blobs moves none of them again") {
  FakeRegistry source;
  source.add("a", many_layers);
  FakeRegistry target;
  std::atomic<int> uploads = 0;
  FakeRegistry cut([&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "POST", "/blobs/uploads/") || ++uploads <= 9) return false;
    exchange.answer(403, "{}");
    return true;
  });
  CHECK_THROWS_AS(copy(source.repository("a"), many_layers.manifest.digest(), cut.repository("b")), Error);
  int there = 0;
  for (const auto& blob : many_layers.blobs) {
    if (!cut.stored("b", blob.digest())) continue;
    ++there;
    target.add("b", blob);
  }
  REQUIRE(there > 0);
  const auto progress = copy(source.repository("a"), many_layers.manifest.digest(), target.repository("b"));
  CHECK(progress.blobs_present == there);
  CHECK(progress.blobs_copied == 31 - there);
}

TEST_CASE("a blob that was not asked for is asked for when its upload broke") {
  FakeRegistry source;
  source.add("a", many_layers);
  std::atomic<int> puts = 0;
  FakeRegistry target([&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "PUT", "/blobs/uploads/") || ++puts != 31) return false;
    read_body(exchange, request);
    exchange.answer(500, "{}");
    return true;
  });
  const auto progress = copy(source.repository("a"), many_layers.manifest.digest(), target.repository("b"));
  CHECK(progress.blobs_copied == 31);
  const auto requests = target.requests();
  const auto last_put = std::find_if(requests.rbegin(), requests.rend(),
                                     [](const auto& request) { return is(request, "PUT", "digest="); });
  REQUIRE(last_put != requests.rend());
  const auto digest = last_put->target.substr(last_put->target.size() - 64);
  CHECK(target.count("HEAD", digest) == 1);
}

TEST_CASE("copies of one image side by side move each blob once") {
  FakeRegistry source;
  source.add("a", image);
  FakeRegistry target;
  run([&](boost::asio::io_context& loop) -> Task<> {
    Rig rig;
    int ended = 0;
    auto one = [&](std::exception_ptr, registry::CopyProgress) { ++ended; };
    for (int i = 0; i < 5; ++i)
      boost::asio::co_spawn(
          loop, rig.client.copy(source.repository("a"), image.manifest.digest(), target.repository("b")),
          one);
    while (ended < 5)
      co_await rig.clock.sleep_for(std::chrono::milliseconds(2));
  });
  check_complete(target);
  CHECK(source.count("GET", "/blobs/") == 3);
}

TEST_CASE("an upload to another host carries no Authorization") {
  ScriptedServer storage(
      answer_all([](Exchange& exchange, const RecordedRequest&) { exchange.answer(201); }));
  const std::string basic = "Basic " + net::base64_encode("bot:canary");
  FakeRegistry target([&](Exchange& exchange, const RecordedRequest& request) {
    const auto header = request.headers.find("authorization");
    if (header == request.headers.end() || header->second != basic) {
      read_body(exchange, request);
      exchange.answer(401, "", "WWW-Authenticate: Basic realm=\"x\"\r\n");
      return true;
    }
    if (!is(request, "POST", "/blobs/uploads/")) return false;
    exchange.answer(202, "", "Location: " + storage.url("/u?sig=1") + "\r\n");
    return true;
  });
  FakeRegistry source;
  source.add("a", image);
  run([&]() -> Task<> {
    Rig rig;
    rig.log_in(target.host(), "bot", "canary");
    co_await rig.client.copy(source.repository("a"), image.manifest.digest(), target.repository("b"));
  });
  CHECK(storage.requests().size() == 3);
  for (const auto& request : storage.requests()) {
    CHECK(request.headers.count("authorization") == 0);
    CHECK(request.target.starts_with("/u?sig=1&digest=sha256%3A"));
  }
}

TEST_CASE("the source is asked for a blob while its upload begins") {
  std::mutex mutex;
  std::condition_variable asked;
  int blobs_asked_for = 0;
  FakeRegistry source([&](Exchange&, const RecordedRequest& request) {
    if (!is(request, "GET", "/blobs/")) return false;
    const std::lock_guard lock(mutex);
    ++blobs_asked_for;
    asked.notify_all();
    return false;
  });
  source.add("a", image);
  std::atomic<int> in_vain{0};
  FakeRegistry target([&](Exchange&, const RecordedRequest& request) {
    if (!is(request, "POST", "/uploads/")) return false;
    std::unique_lock lock(mutex);
    const bool came = asked.wait_for(lock, std::chrono::seconds(30), [&] { return blobs_asked_for > 0; });
    if (!came) ++in_vain;
    return false;
  });
  const auto progress = run([&]() -> Task<registry::CopyProgress> {
    Rig rig;
    co_return co_await rig.client.copy(source.repository("a"), image.manifest.digest(),
                                       target.repository("b"));
  });
  CHECK(in_vain == 0);
  CHECK(progress.blobs_copied == image.blobs.size());
  CHECK(blobs_asked_for == static_cast<int>(image.blobs.size()));
}

TEST_CASE("D4: indexes nested too deep, and blobs listed with two sizes, are refused before anything moves") {
  Piece root = image.manifest;
  FakeRegistry source;
  source.add("a", image);
  for (int depth = 0; depth < 6; ++depth) {
    root = make_index({{root, ""}});
    source.add("a", root);
  }
  TestImage liar = image;
  const auto at = liar.manifest.bytes.rfind(std::to_string(layer.bytes.size()));
  const std::string twice = layer.descriptor() + ", ";
  liar.manifest.bytes.replace(at, 6, "199999}, " + twice.substr(0, twice.size() - 3));
  source.add("a", liar.manifest);
  FakeRegistry target;
  for (const auto& [digest, kind] : {std::pair(root.digest(), ErrorKind::invalid),
                                     std::pair(liar.manifest.digest(), ErrorKind::corrupt)}) {
    const auto error = run([&, wanted = digest]() -> Task<std::optional<Error>> {
      Rig rig;
      co_return co_await failure_of(rig.client.copy(source.repository("a"), wanted, target.repository("b")));
    });
    INFO(error->what());
    CHECK(error->kind() == kind);
  }
  CHECK(target.requests().empty());
}

TEST_CASE("a copy that is cancelled ends, and its connections are closed") {
  std::atomic<bool> stalled = false;
  FakeRegistry source([&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", layer.digest().text())) return false;
    exchange.write("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n");
    exchange.write(layer.bytes.substr(0, 1000));
    stalled = true;
    exchange.stall();
    return true;
  });
  source.add("a", image);
  FakeRegistry target;
  run([&](boost::asio::io_context& loop) -> Task<> {
    Rig rig;
    boost::asio::cancellation_signal cancel;
    bool ended = false;
    bool failed = false;
    boost::asio::co_spawn(
        loop, rig.client.copy(source.repository("a"), image.manifest.digest(), target.repository("b")),
        boost::asio::bind_cancellation_slot(cancel.slot(),
                                            [&](std::exception_ptr failure, registry::CopyProgress) {
                                              ended = true;
                                              failed = failure != nullptr;
                                            }));
    while (!stalled)
      co_await rig.clock.sleep_for(std::chrono::milliseconds(2));
    cancel.emit(boost::asio::cancellation_type::terminal);
    while (!ended)
      co_await rig.clock.sleep_for(std::chrono::milliseconds(2));
    CHECK(failed);
  });
  CHECK_FALSE(target.stored("b", layer.digest()).has_value());
}

TEST_CASE("copies side by side have no more blobs on their way at a registry than it is to have") {
  std::vector<TestImage> images;
  for (const std::uint64_t seed : {71, 72, 73})
    images.push_back(make_image("amd64", seed, {1000, 2000, 3000, 4000}));
  const std::string counted_method = GENERATE("GET", "PUT");  // where the blobs come from, and where they go
  INFO(counted_method);
  std::mutex mutex;
  std::condition_variable opened;
  bool open = false;
  int now = 0, most = 0;
  // Holds back every blob until the gate is open, and counts what is there at once.
  const auto count = [&](Exchange&, const RecordedRequest& request) {
    const bool blob = request.target.find("/blobs/") != std::string::npos;
    if (!blob || request.method != counted_method) return false;
    std::unique_lock lock(mutex);
    most = std::max(most, ++now);
    opened.wait_for(lock, std::chrono::seconds(30), [&] { return open; });
    --now;
    return false;
  };
  FakeRegistry source(count), target(count);
  for (const auto& one : images)
    source.add("a", one);
  const auto held = [&] {
    const std::lock_guard lock(mutex);
    return now;
  };
  run([&](boost::asio::io_context& loop) -> Task<> {
    Rig rig;
    rig.access[counted_method == "GET" ? source.host() : target.host()].transfers = 4;
    std::size_t done = 0;
    for (const auto& one : images)
      boost::asio::co_spawn(
          loop, rig.client.copy(source.repository("a"), one.manifest.digest(), target.repository("b")),
          [&](std::exception_ptr failure, registry::CopyProgress) {
            CHECK_FALSE(failure);
            ++done;
          });
    const bool full = co_await eventually([&] { return held() == 4; });
    CHECK(full);
    // Enough of a time for a fifth to come: somebody else has asked both registries and got answers.
    for (int i = 0; i < 5; ++i) {
      const bool there = co_await rig.client.blob_exists(target.repository("b"), layer.digest());
      CHECK_FALSE(there);
      co_await rig.client.resolve(source.repository("a"), images[0].manifest.digest().text());
    }
    CHECK(held() == 4);
    {
      const std::lock_guard lock(mutex);
      open = true;
    }
    opened.notify_all();
    const bool ended = co_await eventually([&] { return done == images.size(); });
    CHECK(ended);
  });
  CHECK(most == 4);
  for (const auto& one : images)
    CHECK(target.stored("b", one.manifest.digest()).has_value());
}
