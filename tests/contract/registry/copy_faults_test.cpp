// A copy between registries when something goes wrong on the way.

#include "fake_registry.hpp"
#include "rig.hpp"
#include "support/run.hpp"

#include <atomic>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

const TestImage image = make_image("amd64", 41, {3'000'000, 2000});
const Piece& layer = image.blobs[1];
const Piece& small_layer = image.blobs[2];

/// One copy of `digest` from source "a" to target "b".
registry::CopyProgress copy(FakeRegistry& source, FakeRegistry& target,
                            const oci::Digest& digest = image.manifest.digest()) {
  return run([&]() -> Task<registry::CopyProgress> {
    Rig rig;
    co_return co_await rig.client.copy(source.repository("a"), digest, target.repository("b"));
  });
}

Error copy_failure(FakeRegistry& source, FakeRegistry& target,
                   const oci::Digest& digest = image.manifest.digest()) {
  return run([&]() -> Task<std::optional<Error>> {
           Rig rig;
           co_return co_await failure_of(
               rig.client.copy(source.repository("a"), digest, target.repository("b")));
         })
      .value();
}

void check_complete(const FakeRegistry& target) {
  CHECK(target.stored("b", image.manifest.digest()) == image.manifest.bytes);
  for (const auto& blob : image.blobs)
    CHECK((target.stored("b", blob.digest()) == blob.bytes));
}

/// Acts on the first `times` matching requests.
FakeRegistry::Hook first_times(int times, std::string method, std::string text,
                               std::function<void(Exchange&, const RecordedRequest&)> act) {
  auto left = std::make_shared<std::atomic<int>>(times);
  return [=](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, method, text) || (*left)-- <= 0) return false;
    act(exchange, request);
    return true;
  };
}

std::string blob_target(const Piece& piece) {
  return "/blobs/" + piece.digest().text();
}
std::string put_target(const Piece& piece) {
  return "digest=" + net::percent_encode(piece.digest().text());
}

}  // namespace

TEST_CASE("C2: a layer that is cut while it comes resumes by range, within one upload") {
  FakeRegistry source(
      first_times(3, "GET", blob_target(layer), [](Exchange& exchange, const RecordedRequest& request) {
        const auto range = request.headers.find("range");
        const std::size_t from = range == request.headers.end() ? 0 : std::stoull(range->second.substr(6));
        exchange.write((from == 0 ? "HTTP/1.1 200 OK\r\n"
                                  : "HTTP/1.1 206 Partial\r\nContent-Range: bytes " + std::to_string(from) +
                                        "-" + std::to_string(layer.bytes.size() - 1) + "/" +
                                        std::to_string(layer.bytes.size()) + "\r\n") +
                       "Content-Length: " + std::to_string(layer.bytes.size() - from) + "\r\n\r\n" +
                       layer.bytes.substr(from, 700'000));
        exchange.reset();
      }));
  source.add("a", image);
  FakeRegistry target;
  const auto progress = copy(source, target);
  check_complete(target);
  CHECK(progress.blobs_copied == 3);
  CHECK(source.count("GET", blob_target(layer)) == 4);
  CHECK(target.count("PUT", put_target(layer)) == 1);
}

TEST_CASE("C2: a server that ignores Range is read from the beginning, and what was sent is passed over") {
  FakeRegistry source(
      [cuts = std::make_shared<std::atomic<int>>(2)](Exchange& exchange, const RecordedRequest& request) {
        if (!is(request, "GET", blob_target(layer))) return false;
        const std::size_t size = (*cuts)-- > 0 ? 1'000'000 : layer.bytes.size();
        exchange.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(layer.bytes.size()) +
                       "\r\n\r\n" + layer.bytes.substr(0, size));
        if (size < layer.bytes.size()) exchange.reset();
        return true;
      });
  source.add("a", image);
  FakeRegistry target;
  copy(source, target);
  check_complete(target);
  CHECK(target.count("PUT", put_target(layer)) == 1);
}

TEST_CASE("C2: a source that is cut again and again is given up, and no wrong blob is stored") {
  FakeRegistry source(
      first_times(1000, "GET", blob_target(layer), [](Exchange& exchange, const RecordedRequest&) {
        exchange.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(layer.bytes.size()) +
                       "\r\n\r\n" + layer.bytes.substr(0, 1000));
        exchange.reset();
      }));
  source.add("a", image);
  FakeRegistry target;
  CHECK(copy_failure(source, target).kind() == ErrorKind::unavailable);
  CHECK(source.count("GET", blob_target(layer)) == 6);
  CHECK_FALSE(target.stored("b", layer.digest()).has_value());
  CHECK_FALSE(target.stored("b", image.manifest.digest()).has_value());
}

TEST_CASE("C5: a layer with wrong bytes is corrupt and is not stored, though the target would not notice") {
  std::string wrong = layer.bytes;
  wrong.back() ^= 1;
  struct Case {
    std::string name;
    std::string answer;
  };
  const std::string length = "Content-Length: " + std::to_string(layer.bytes.size()) + "\r\n";
  const std::vector<Case> cases{
      {"the last byte is wrong", "HTTP/1.1 200 OK\r\n" + length + "\r\n" + wrong},
      {"shorter by its own word", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd"},
      {"longer by its own word", "HTTP/1.1 200 OK\r\nContent-Length: 3000001\r\n\r\n" + layer.bytes + "x"},
      {"longer without a word",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2DC6C1\r\n" + layer.bytes + "x\r\n0\r\n\r\n"},
      {"a page instead",
       "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"},
      {"gzip where none was asked",
       "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: "
       "chunked\r\n\r\n3\r\n\x1f\x8b\x08\r\n0\r\n\r\n"},
  };
  for (const auto& [name, answer] : cases) {
    INFO(name);
    FakeRegistry source([answer = answer](Exchange& exchange, const RecordedRequest& request) {
      if (!is(request, "GET", blob_target(layer))) return false;
      exchange.write(answer);
      return true;
    });
    source.add("a", image);
    FakeRegistry target;
    const Error error = copy_failure(source, target);
    CHECK(error.kind() == ErrorKind::corrupt);
    CHECK_THAT(error.what(), Catch::Contains(layer.digest().shortened()));
    CHECK_FALSE(target.stored("b", layer.digest()).has_value());
    CHECK(target.count("PUT", "/manifests/") == 0);
    CHECK(target.count("DELETE", "/blobs/uploads/") >= 1);
  }
}

TEST_CASE("C2: a layer without end is read to its announced size only") {
  FakeRegistry source([](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", blob_target(layer))) return false;
    exchange.write("HTTP/1.1 200 OK\r\n\r\n");
    for (;;)
      exchange.write(layer.bytes);
  });
  source.add("a", image);
  FakeRegistry target;
  CHECK(copy_failure(source, target).kind() == ErrorKind::corrupt);
  CHECK_FALSE(target.stored("b", layer.digest()).has_value());
}

TEST_CASE("C2: an upload that breaks starts over") {
  FakeRegistry source;
  source.add("a", image);
  FakeRegistry target(
      first_times(2, "PUT", put_target(layer), [](Exchange& exchange, const RecordedRequest&) {
        exchange.read_bytes(500'000);
        exchange.reset();
      }));
  const auto progress = copy(source, target);
  check_complete(target);
  CHECK(progress.blobs_copied == 3);
  CHECK(target.count("PUT", put_target(layer)) == 3);
  CHECK(target.count("DELETE", "/blobs/uploads/") == 2);
}

TEST_CASE("C2: an upload that always breaks is given up") {
  FakeRegistry source;
  source.add("a", image);
  FakeRegistry target(
      first_times(1000, "PUT", put_target(layer), [](Exchange& exchange, const RecordedRequest&) {
        exchange.read_bytes(500'000);
        exchange.reset();
      }));
  CHECK(copy_failure(source, target).kind() == ErrorKind::unavailable);
  CHECK(target.count("PUT", put_target(layer)) == 3);
  CHECK(target.count("PUT", "/manifests/") == 0);
}

TEST_CASE("C2: an upload whose answer is lost is found to be there and not sent again") {
  FakeRegistry source;
  source.add("a", image);
  FakeRegistry* self = nullptr;
  FakeRegistry target(
      first_times(1, "PUT", put_target(layer), [&](Exchange& exchange, const RecordedRequest& request) {
        self->add("b", Piece{"application/octet-stream", read_body(exchange, request)});
        exchange.reset();
      }));
  self = &target;
  copy(source, target);
  check_complete(target);
  CHECK(target.count("PUT", put_target(layer)) == 1);
}

TEST_CASE("C6: what is copied is the digest, wherever its tag moves meanwhile") {
  const TestImage newer = make_image("amd64", 42, {10});
  FakeRegistry* self = nullptr;
  FakeRegistry source([&](Exchange&, const RecordedRequest& request) {
    if (is(request, "GET", "/blobs/")) self->tag("a", "1", newer.manifest);
    return false;
  });
  self = &source;
  source.add("a", image);
  source.add("a", newer);
  source.tag("a", "1", image.manifest);
  FakeRegistry target;
  run([&]() -> Task<> {
    Rig rig;
    const auto observed = co_await rig.client.resolve(source.repository("a"), "1");
    co_await rig.client.copy(source.repository("a"), observed->digest, target.repository("b"));
  });
  check_complete(target);
  CHECK_FALSE(target.stored("b", newer.manifest.digest()).has_value());
}

TEST_CASE("C7: a manifest that an index lists and the registry has collected is named") {
  const TestImage gone = make_image("arm64", 43, {10});
  const Piece root = make_index({{image.manifest, "amd64"}, {gone.manifest, "arm64"}});
  FakeRegistry source;
  source.add("a", image);
  source.add("a", root);
  FakeRegistry target;
  const Error error = copy_failure(source, target, root.digest());
  CHECK(error.kind() == ErrorKind::not_found);
  CHECK_THAT(error.what(),
             Catch::Contains(root.digest().text()) && Catch::Contains(gone.manifest.digest().text()));
  CHECK(target.requests().empty());
}

TEST_CASE("C9: a target that forbids is told once, with its words and advice, and stops the other blobs") {
  FakeRegistry source;
  source.add("a", image);
  FakeRegistry target([](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "POST", "/blobs/uploads/")) return false;
    exchange.answer(403, R"({"errors":[{"code":"DENIED","message":"quota exceeded"}]})");
    return true;
  });
  const Error error = copy_failure(source, target);
  CHECK(error.kind() == ErrorKind::denied);
  CHECK_THAT(error.what(), Catch::Contains("DENIED: quota exceeded") && Catch::Contains("credentials"));
  CHECK(target.writes().empty());
}

TEST_CASE("a token that ends before the upload is replaced once") {
  for (const int refusals : {1, 1000}) {
    FakeRegistry source;
    source.add("a", image);
    FakeRegistry target(first_times(refusals, "PUT", put_target(layer),
                                    [](Exchange& exchange, const RecordedRequest& request) {
                                      read_body(exchange, request);
                                      exchange.answer(401, "", "WWW-Authenticate: Basic realm=\"x\"\r\n");
                                    }));
    if (refusals == 1) {
      copy(source, target);
      check_complete(target);
    } else {
      CHECK(copy_failure(source, target).kind() == ErrorKind::unauthorized);
    }
    CHECK(target.count("PUT", put_target(layer)) == 2);
  }
}

TEST_CASE("a target that refuses while the source stalls is heard at once") {
  FakeRegistry source([](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", blob_target(layer))) return false;
    exchange.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(layer.bytes.size()) + "\r\n\r\n" +
                   layer.bytes.substr(0, 1000));
    exchange.stall();
    return true;
  });
  source.add("a", image);
  FakeRegistry target(
      first_times(1000, "PUT", put_target(layer),
                  [](Exchange& exchange, const RecordedRequest&) { exchange.answer(403, "not here"); }));
  const Error error = copy_failure(source, target);
  CHECK(error.kind() == ErrorKind::denied);
  CHECK_THAT(error.what(), Catch::Contains("403") && Catch::Contains("not here"));
}

TEST_CASE("a target that begins no upload is heard at once while the source does not answer") {
  FakeRegistry source(first_times(1000, "GET", "/blobs/",
                                  [](Exchange& exchange, const RecordedRequest&) { exchange.stall(); }));
  source.add("a", image);
  FakeRegistry target(first_times(1000, "POST", "/uploads/", [](Exchange& exchange, const RecordedRequest&) {
    exchange.answer(403, "not here");
  }));
  const Error error = copy_failure(source, target);
  CHECK(error.kind() == ErrorKind::denied);
  CHECK_THAT(error.what(), Catch::Contains("403") && Catch::Contains("not here"));
}

TEST_CASE("an upload whose source has no such blob ends before a byte is sent, and the session with it") {
  FakeRegistry source;
  source.add("a", image);
  source.remove("a", layer.digest());
  FakeRegistry target;
  const Error error = copy_failure(source, target);
  CHECK(error.kind() == ErrorKind::not_found);
  CHECK_THAT(error.what(), Catch::Contains(layer.digest().shortened()));
  CHECK(target.count("PUT", put_target(layer)) == 0);
  CHECK(target.count("DELETE", "/uploads/") >= 1);
}

TEST_CASE("a manifest that is refused for a missing blob may succeed later") {
  FakeRegistry source;
  source.add("a", image);
  FakeRegistry target(
      first_times(1, "PUT", "/manifests/", [](Exchange& exchange, const RecordedRequest& request) {
        read_body(exchange, request);
        exchange.answer(
            400, R"({"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]})");
      }));
  CHECK(copy_failure(source, target).kind() == ErrorKind::unavailable);
}

TEST_CASE("C2, C4: two failures in a row cost one blob a moment, and those beside it nothing") {
  const bool at_source = GENERATE(true, false);
  const std::string method = at_source ? "GET" : GENERATE("HEAD", "POST");
  const std::string text = at_source          ? blob_target(layer)
                           : method == "HEAD" ? blob_target(layer)
                                              : "/uploads/";
  const bool answers = GENERATE(true, false);
  INFO(method << (answers ? " is answered 500" : " is cut"));
  const auto fails =
      first_times(2, method, text, [answers](Exchange& exchange, const RecordedRequest& request) {
        read_body(exchange, request);
        answers ? exchange.answer(500, "") : exchange.close();
      });
  FakeRegistry source(at_source ? fails : FakeRegistry::Hook{});
  source.add("a", image);
  FakeRegistry target(at_source ? FakeRegistry::Hook{} : fails);
  const auto progress = copy(source, target);
  CHECK(progress.blobs_copied == 3);
  check_complete(target);
  CHECK(source.count("GET", blob_target(small_layer)) == 1);
  CHECK(target.count("PUT", put_target(small_layer)) == 1);
}

TEST_CASE("C5: a target that answers everything with a web page has nothing") {
  FakeRegistry source;
  source.add("a", image);
  FakeRegistry target([](Exchange& exchange, const RecordedRequest& request) {
    read_body(exchange, request);
    exchange.answer(200, request.method == "HEAD" ? "" : "<html>Sign in</html>",
                    "Content-Type: text/html\r\n");
    return true;
  });
  CHECK(copy_failure(source, target).kind() == ErrorKind::corrupt);
}
