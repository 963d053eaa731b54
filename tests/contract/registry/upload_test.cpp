// Uploads that go on, that go in pieces, and blobs that need not move.

#include "fake_registry.hpp"
#include "rig.hpp"
#include "support/run.hpp"

#include <atomic>
#include <memory>
#include <thread>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

constexpr std::size_t mib = 1024 * 1024;
// Larger than the marks from which a body can be given again are apart.
const TestImage large = make_image("amd64", 61, {40 * mib});
const Piece& layer = large.blobs[1];

void copy(FakeRegistry& source, FakeRegistry& target) {
  run([&]() -> Task<> {
    Rig rig;
    co_await rig.client.copy(source.repository("a"), large.manifest.digest(), target.repository("b"));
  });
}

std::string range_of(const RecordedRequest& request) {
  const auto found = request.headers.find("content-range");
  return found == request.headers.end() ? "" : found->second;
}

bool is_put_of(const RecordedRequest& request, const Piece& piece) {
  return is(request, "PUT", net::percent_encode(piece.digest().text()));
}

std::vector<RecordedRequest> of_method(const FakeRegistry& registry, const std::string& method,
                                       const std::string& text) {
  std::vector<RecordedRequest> found;
  for (const auto& request : registry.requests())
    if (is(request, method, text)) found.push_back(request);
  return found;
}

}  // namespace

TEST_CASE("C2: an upload that breaks goes on where the registry says, without the bytes that arrived") {
  FakeRegistry source;
  source.add("a", large);
  std::atomic<int> cuts{2};
  FakeRegistry* kept = nullptr;
  FakeRegistry target([&](Exchange& exchange, const RecordedRequest& request) {
    if (!is_put_of(request, layer) || cuts-- <= 0) return false;
    kept->receive(request, exchange.read_bytes(18 * mib));
    exchange.reset();
    return true;
  });
  kept = &target;
  copy(source, target);
  CHECK((target.stored("b", layer.digest()) == layer.bytes));
  const auto puts = of_method(target, "PUT", net::percent_encode(layer.digest().text()));
  REQUIRE(puts.size() == 3);
  const std::string last = std::to_string(layer.bytes.size() - 1);
  CHECK(range_of(puts[0]).empty());
  CHECK(range_of(puts[1]) == std::to_string(18 * mib) + "-" + last);
  CHECK(range_of(puts[2]) == std::to_string(36 * mib) + "-" + last);
  // The source was asked for what had to be hashed again, not for the whole.
  const auto gets = of_method(source, "GET", layer.digest().text());
  REQUIRE(gets.size() == 3);
  const auto from = std::stoull(gets[1].headers.at("range").substr(std::string("bytes=").size()));
  CHECK(from <= 18 * mib);
  CHECK(from >= 1 * mib);
  CHECK(target.count("POST") == 2);  // the config's and the layer's
}

TEST_CASE("C2: a registry that says it has more than was sent is not believed") {
  FakeRegistry source;
  source.add("a", large);
  std::atomic<int> cuts{1};
  FakeRegistry target([&](Exchange& exchange, const RecordedRequest& request) {
    if (is(request, "GET", "/blobs/uploads/")) {
      exchange.answer(204, "", "Range: 0-41943038\r\n");
      return true;
    }
    if (!is_put_of(request, layer) || cuts-- <= 0) return false;
    exchange.read_bytes(1000);
    exchange.reset();
    return true;
  });
  copy(source, target);
  CHECK((target.stored("b", layer.digest()) == layer.bytes));
  CHECK(target.count("POST") == 3);  // the layer began anew
}

namespace {

std::uint64_t length_of(const RecordedRequest& request) {
  const auto length = request.headers.find("content-length");
  return length == request.headers.end() ? 0 : std::stoull(length->second);
}

/// As a proxy with this limit for the body of one request (nginx: client_max_body_size) before the registry,
/// which itself wants pieces of no less than `least` bytes, 0 for any.
FakeRegistry::Hook allowing(std::uint64_t most, std::uint64_t least = 0) {
  return [most, least](Exchange& exchange, const RecordedRequest& request) {
    if (length_of(request) > most) {
      exchange.answer(413, "<html>413 Request Entity Too Large</html>");
      exchange.stall();
      return true;
    }
    if (request.method != "POST" || least == 0) return false;
    exchange.answer(202, "",
                    "Location: /v2/b/blobs/uploads/9?_state=a%3Db\r\nOCI-Chunk-Min-Length: " +
                        std::to_string(least) + "\r\n");
    return true;
  };
}

Task<Error> refusal_of_size(FakeRegistry& source, FakeRegistry& target) {
  Rig rig;
  co_return co_await failure_of(
      rig.client.copy(source.repository("a"), large.manifest.digest(), target.repository("b")));
}

}  // namespace

TEST_CASE("a registry that refuses whole blobs by their size gets pieces, the next time at once") {
  const TestImage second = make_image("amd64", 62, {33 * mib});
  FakeRegistry source;
  source.add("a", large);
  source.add("a", second);
  FakeRegistry target(allowing(32 * mib));
  run([&]() -> Task<> {
    Rig rig;
    co_await rig.client.copy(source.repository("a"), large.manifest.digest(), target.repository("b"));
    co_await rig.client.copy(source.repository("a"), second.manifest.digest(), target.repository("b"));
  });
  CHECK((target.stored("b", layer.digest()) == layer.bytes));
  CHECK((target.stored("b", second.blobs[1].digest()) == second.blobs[1].bytes));
  const auto patches = of_method(target, "PATCH", "/blobs/uploads/");
  REQUIRE(patches.size() == 2);
  CHECK(range_of(patches[0]) == "0-" + std::to_string(32 * mib - 1));
  CHECK(of_method(target, "PUT", net::percent_encode(layer.digest().text())).size() == 2);
  CHECK(of_method(target, "PUT", net::percent_encode(second.blobs[1].digest().text())).size() == 1);
}

TEST_CASE("pieces that are refused by their size are halved until they pass, the next time at once") {
  const TestImage second = make_image("amd64", 64, {17 * mib});
  FakeRegistry source;
  source.add("a", large);
  source.add("a", second);
  FakeRegistry target(allowing(8 * mib));
  run([&]() -> Task<> {
    Rig rig;
    co_await rig.client.copy(source.repository("a"), large.manifest.digest(), target.repository("b"));
    co_await rig.client.copy(source.repository("a"), second.manifest.digest(), target.repository("b"));
  });
  CHECK((target.stored("b", layer.digest()) == layer.bytes));
  CHECK((target.stored("b", second.blobs[1].digest()) == second.blobs[1].bytes));
  const auto patches = of_method(target, "PATCH", "/blobs/uploads/");
  REQUIRE(patches.size() == 2 + 4 + 2);  // 32 and 16 MiB, then four and a PUT, then two and a PUT
  CHECK(range_of(patches[0]) == "0-" + std::to_string(32 * mib - 1));
  CHECK(range_of(patches[1]) == "0-" + std::to_string(16 * mib - 1));
  CHECK(range_of(patches[2]) == "0-" + std::to_string(8 * mib - 1));
  CHECK(range_of(patches[6]) == "0-" + std::to_string(8 * mib - 1));
}

TEST_CASE("C9: a registry that refuses even 1 MiB is told once, with the size and with advice") {
  FakeRegistry source;
  source.add("a", large);
  FakeRegistry target(allowing(mib - 1));
  const auto failure =
      run([&]() -> Task<std::optional<Error>> { co_return co_await refusal_of_size(source, target); });
  CHECK(failure->kind() == ErrorKind::invalid);
  CHECK_THAT(failure->what(), Catch::Contains("size limit or quota") &&
                                  Catch::Contains("a request of 1048576 bytes was refused") &&
                                  Catch::Contains("client_max_body_size"));
  CHECK(of_method(target, "PATCH", "/blobs/uploads/").size() == 6);
}

TEST_CASE(
    "C9: what was learned of a registry that refuses every size, as one whose quota is used up, is "
    "forgotten") {
  std::atomic<bool> full = true;
  FakeRegistry source;
  source.add("a", large);
  FakeRegistry target([&](Exchange& exchange, const RecordedRequest& request) {
    return full && allowing(mib - 1)(exchange, request);
  });
  run([&]() -> Task<> {
    Rig rig;
    const Error failure = co_await failure_of(
        rig.client.copy(source.repository("a"), large.manifest.digest(), target.repository("b")));
    CHECK(failure.kind() == ErrorKind::invalid);
    full = false;
    co_await rig.client.copy(source.repository("a"), large.manifest.digest(), target.repository("b"));
  });
  CHECK(of_method(target, "PATCH", "/blobs/uploads/").size() == 6);
}

TEST_CASE("C9: no piece is smaller than the registry wants it, and its two wishes are told") {
  FakeRegistry source;
  source.add("a", large);
  FakeRegistry target(allowing(4 * mib, 5 * mib));
  const auto failure =
      run([&]() -> Task<std::optional<Error>> { co_return co_await refusal_of_size(source, target); });
  CHECK_THAT(failure->what(), Catch::Contains("a request of 5242880 bytes was refused") &&
                                  Catch::Contains("none below 5242880 bytes (OCI-Chunk-Min-Length)"));
  for (const auto& patch : of_method(target, "PATCH", "/blobs/uploads/"))
    CHECK(length_of(patch) >= 5 * mib);
}

TEST_CASE("a blob that one repository of a registry got is mounted into the next one") {
  const TestImage image = make_image("amd64", 63, {5000, 100});
  FakeRegistry source;
  source.add("a", image);
  FakeRegistry target([](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "POST", "mount=")) return false;
    exchange.answer(201, "", "Location: /v2/there\r\n");
    return true;
  });
  const auto progress = run([&]() -> Task<registry::CopyProgress> {
    Rig rig;
    co_await rig.client.copy(source.repository("a"), image.manifest.digest(), target.repository("one"));
    co_return co_await rig.client.copy(source.repository("a"), image.manifest.digest(),
                                       target.repository("two"));
  });
  CHECK(progress.blobs_mounted == 3);
  CHECK(progress.bytes_moved == 0);
  CHECK(target.count("POST", "from=one") == 3);
}

TEST_CASE("an upload of a sha512 blob says so when it begins, and is committed by that digest") {
  const auto digest_of = [](const std::string& bytes) {
    oci::Hasher hasher("sha512");
    hasher.update(bytes);
    return hasher.finish();
  };
  const Piece config = make_image("amd64", 65, {}).blobs.front();
  const std::string bytes = noise(66, 5000);
  const auto digest = digest_of(bytes);
  const Piece manifest{
      std::string(oci::media_type::oci_manifest),
      R"({"schemaVersion": 2, "config": )" + config.descriptor() +
          R"(, "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": ")" +
          digest.text() + R"(", "size": 5000}]})"};
  FakeRegistry source([&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", digest.text())) return false;
    exchange.answer(200, bytes, "Content-Type: application/octet-stream\r\n");
    return true;
  });
  source.add("a", config);
  source.add("a", manifest);
  FakeRegistry target;
  run([&]() -> Task<> {
    Rig rig;
    co_await rig.client.copy(source.repository("a"), manifest.digest(), target.repository("b"));
  });
  CHECK(target.count("POST", "?digest-algorithm=sha512") == 1);
  CHECK(target.count("POST") == 2);
  CHECK(target.count("PUT", net::percent_encode(digest.text())) == 1);
}

TEST_CASE("C4: an upload that is refused for a moment begins again after the pause, as often as wanted") {
  const TestImage image = make_image("amd64", 67, {5000});
  const auto& blob = image.blobs[1];
  FakeRegistry source;
  source.add("a", image);
  std::atomic<int> refusals = 0;
  FakeRegistry target([&](Exchange& exchange, const RecordedRequest& request) {
    if (!is_put_of(request, blob) || refusals-- <= 0) return false;
    read_body(exchange, request);
    exchange.answer(429, "", "Retry-After: 1\r\n");
    return true;
  });
  run([&]() -> Task<> {
    Rig rig({}, 10);
    auto& access = rig.access[target.host()];
    access.attempts = 1;
    refusals = 1;
    const Error failure = co_await failure_of(
        rig.client.copy(source.repository("a"), image.manifest.digest(), target.repository("b")));
    CHECK(failure.kind() == ErrorKind::rate_limited);
    CHECK(failure.retry_after().has_value());
    access.attempts = 3;
    refusals = 2;
    co_await rig.client.copy(source.repository("a"), image.manifest.digest(), target.repository("b"));
  });
  CHECK(target.stored("b", blob.digest()) == blob.bytes);
  CHECK(of_method(target, "PUT", net::percent_encode(blob.digest().text())).size() == 1 + 3);
}

namespace {

/// The first PUT of the layer is cut after 18 MiB, which are kept; then `more` has its turn.
FakeRegistry::Hook cut_once(FakeRegistry*& self, FakeRegistry::Hook more) {
  return [&self, more, cut = std::make_shared<std::atomic<bool>>(false)](Exchange& exchange,
                                                                         const RecordedRequest& request) {
    if (!is_put_of(request, layer) || cut->exchange(true)) return more(exchange, request);
    self->receive(request, exchange.read_bytes(18 * mib));
    exchange.reset();
    return true;
  };
}

}  // namespace

TEST_CASE("C2: an upload goes on though its registry cannot say at once how much arrived") {
  FakeRegistry source;
  source.add("a", large);
  std::atomic<int> hiccups{2};
  FakeRegistry* self = nullptr;
  FakeRegistry target(cut_once(self, [&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/blobs/uploads/") || hiccups-- <= 0) return false;
    exchange.answer(502);
    return true;
  }));
  self = &target;
  copy(source, target);
  CHECK((target.stored("b", layer.digest()) == layer.bytes));
  CHECK(target.count("POST") == 2);  // the config's and the layer's
}

TEST_CASE("C2: a budget that is used up does not make an upload begin anew") {
  FakeRegistry source;
  source.add("a", large);
  FakeRegistry* self = nullptr;
  FakeRegistry target(cut_once(self, [](Exchange&, const RecordedRequest&) { return false; }));
  self = &target;
  run([&]() -> Task<> {
    Rig rig;
    auto& access = rig.access[target.host()];
    access.allowance = registry::Allowance{1, std::chrono::hours(1), registry::Allowance::Counts::requests};
    access.patience = Milliseconds(0);
    co_await rig.client.copy(source.repository("a"), large.manifest.digest(), target.repository("b"));
  });
  CHECK((target.stored("b", layer.digest()) == layer.bytes));
  CHECK(target.count("POST") == 2);
}

TEST_CASE("C2: an upload that breaks again before the source gave a byte goes on all the same") {
  std::atomic<bool> cut_again{false};
  // Gives nothing of what is to be hashed again before the second PUT is cut.
  FakeRegistry source([&](Exchange&, const RecordedRequest& request) {
    if (!is(request, "GET", layer.digest().text()) || request.headers.count("range") == 0) return false;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!cut_again && std::chrono::steady_clock::now() < end)
      std::this_thread::yield();
    return false;
  });
  source.add("a", large);
  FakeRegistry* self = nullptr;
  FakeRegistry target(cut_once(self, [&](Exchange& exchange, const RecordedRequest& request) {
    if (!is_put_of(request, layer) || cut_again) return false;
    cut_again = true;
    exchange.reset();
    return true;
  }));
  self = &target;
  copy(source, target);
  CHECK((target.stored("b", layer.digest()) == layer.bytes));
  CHECK(target.count("POST") == 2);
}
