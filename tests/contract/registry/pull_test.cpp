// What a registry may answer when it is asked for a manifest.

#include "fake_registry.hpp"
#include "rig.hpp"
#include "support/run.hpp"

#include <atomic>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

const TestImage image = make_image("amd64", 21, {100});
const std::string digest = image.manifest.digest().text();
const std::string wrong_digest = oci::Digest::of("something else").text();
const std::string manifest_type = "Content-Type: " + image.manifest.media_type + "\r\n";

std::string head(const std::string& fields) {
  return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: " + std::to_string(image.manifest.bytes.size()) +
         "\r\n\r\n";
}

/// A registry with the image under a tag, where HEAD and GET of manifests answer what the test says.
FakeRegistry::Hook instead(std::optional<std::string> to_head, std::optional<std::string> to_get) {
  return [to_head, to_get](Exchange& exchange, const RecordedRequest& request) {
    if (to_head && is(request, "HEAD", "/manifests/"))
      exchange.write(*to_head);
    else if (to_get && is(request, "GET", "/manifests/"))
      exchange.write(*to_get);
    else
      return false;
    return true;
  };
}

std::string body(const std::string& bytes, const std::string& fields) {
  return "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: " + std::to_string(bytes.size()) + "\r\n\r\n" +
         bytes;
}

void fill(FakeRegistry& registry) {
  registry.add("a", image);
  registry.tag("a", "1", image.manifest);
}

std::optional<registry::Resolved> resolve(FakeRegistry& registry, const std::string& reference) {
  return run([&]() -> Task<std::optional<registry::Resolved>> {
    Rig rig;
    co_return co_await rig.client.resolve(registry.repository("a"), reference);
  });
}

Error fetch_failure(FakeRegistry& registry, const std::string& reference) {
  return run([&]() -> Task<std::optional<Error>> {
           Rig rig;
           co_return co_await failure_of(rig.client.manifest(registry.repository("a"), reference));
         })
      .value();
}

}  // namespace

TEST_CASE("resolving a tag is one HEAD and no GET") {
  FakeRegistry registry;
  fill(registry);
  CHECK(resolve(registry, "1")->digest == image.manifest.digest());
  CHECK(registry.count("HEAD") == 1);
  CHECK(registry.count("GET") == 0);
}

TEST_CASE("a HEAD that leaves out or garbles what must be known is replaced by GET and hash") {
  const std::string named = "Docker-Content-Digest: " + digest + "\r\n";
  for (const auto& answer :
       {head(manifest_type), head(manifest_type + "Docker-Content-Digest: sha256:xyz\r\n"), head(named),
        head(named + "Content-Type: text/html\r\n"),
        std::string("HTTP/1.1 200 OK\r\n") + manifest_type + named + "\r\n",
        std::string("HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n")}) {
    INFO(answer);
    FakeRegistry registry(instead(answer, std::nullopt));
    fill(registry);
    const auto resolved = resolve(registry, "1");
    REQUIRE(resolved.has_value());
    CHECK(resolved->digest == image.manifest.digest());
    CHECK(resolved->media_type == image.manifest.media_type);
    CHECK(resolved->size == static_cast<std::int64_t>(image.manifest.bytes.size()));
    CHECK(registry.count("GET", "/manifests/") == 1);
  }
}

TEST_CASE("what a registry says about the age of a manifest is told, also where the rest comes by GET") {
  const std::string named = manifest_type + "Docker-Content-Digest: " + digest + "\r\n";
  const std::string dated =
      "Date: Fri, 27 Nov 2026 12:00:00 GMT\r\nLast-Modified: Fri, 27 Nov 2026 11:00:00 GMT\r\n";
  for (const auto& fields : {named + dated, manifest_type + dated}) {
    INFO(fields);
    FakeRegistry registry(instead(head(fields), std::nullopt));
    fill(registry);
    CHECK(resolve(registry, "1")->modified.has_value());
  }
  FakeRegistry silent(instead(head(named), std::nullopt));
  fill(silent);
  CHECK_FALSE(resolve(silent, "1")->modified.has_value());
}

TEST_CASE(
    "looks are conditional where entity tags are digests, and 304 counts as the digest that was known") {
  const std::string named = manifest_type + "Docker-Content-Digest: " + digest + "\r\n";
  struct Case {
    std::string etag;
    bool asks;
  };
  for (const auto& one :
       {Case{"ETag: \"" + digest + "\"\r\n", true}, Case{"ETag: W/\"" + digest + "\"\r\n", false},
        Case{"ETag: \"64b0-5f1\"\r\n", false}, Case{"", false}}) {
    INFO(one.etag);
    FakeRegistry registry([&](Exchange& exchange, const RecordedRequest& request) {
      if (request.method != "HEAD") return false;
      const auto condition = request.headers.find("if-none-match");
      if (condition != request.headers.end() && condition->second == '"' + digest + '"')
        exchange.write("HTTP/1.1 304 Not Modified\r\n\r\n");
      else
        exchange.write(head(named + one.etag));
      return true;
    });
    fill(registry);
    run([&]() -> Task<> {
      Rig rig;
      const auto look = [&](std::optional<oci::Digest> known) {
        return rig.client.look(registry.repository("a"), "1", registry::Pace::look, known);
      };
      for (int i = 0; i < 3; ++i) {
        const auto resolved = co_await look(oci::Digest::parse(digest));
        REQUIRE(resolved.has_value());
        CHECK(resolved->digest.text() == digest);
        CHECK(resolved->unchanged == (one.asks && i > 0));
        CHECK(registry.requests().back().headers.count("if-none-match") == (one.asks && i > 0 ? 1 : 0));
      }
      const auto other = co_await look(oci::Digest::parse(wrong_digest));
      CHECK(other->digest.text() == digest);
      CHECK_FALSE(other->unchanged);
      const auto unknown = co_await look(std::nullopt);
      CHECK_FALSE(unknown->unchanged);
      CHECK(unknown->media_type == image.manifest.media_type);
    });
  }
}

TEST_CASE("304 is no answer where nothing was asked, or where it names another digest") {
  const std::string named = manifest_type + "Docker-Content-Digest: " + digest + "\r\n";
  std::atomic<bool> sly = false;
  FakeRegistry registry([&](Exchange& exchange, const RecordedRequest& request) {
    if (request.method != "HEAD") return false;
    exchange.write(sly ? "HTTP/1.1 304 Not Modified\r\nDocker-Content-Digest: " + wrong_digest + "\r\n\r\n"
                       : head(named + "ETag: \"" + digest + "\"\r\n"));
    return true;
  });
  fill(registry);
  run([&]() -> Task<> {
    Rig rig;
    co_await rig.client.look(registry.repository("a"), "1");
    sly = true;
    const Error unasked = co_await failure_of(rig.client.look(registry.repository("a"), "1"));
    CHECK(unasked.kind() == ErrorKind::corrupt);
    const Error other = co_await failure_of(
        rig.client.look(registry.repository("a"), "1", registry::Pace::look, oci::Digest::parse(digest)));
    CHECK(other.kind() == ErrorKind::corrupt);
    CHECK_THAT(other.what(), Catch::Contains("304"));
  });
}

TEST_CASE("a digest header that contradicts the body: the body's hash wins for a tag") {
  FakeRegistry registry(
      instead(head(manifest_type),
              body(image.manifest.bytes, manifest_type + "Docker-Content-Digest: " + wrong_digest + "\r\n")));
  fill(registry);
  CHECK(resolve(registry, "1")->digest == image.manifest.digest());
}

TEST_CASE("C5: what is no manifest is corrupt, and its beginning is quoted") {
  struct Case {
    std::string name;
    std::string answer;
    std::string quoted;
  };
  const std::string truncated = image.manifest.bytes.substr(0, 40);
  const std::vector<Case> cases{
      {"html with 200", body("<html><body>Sign in \x1b[2J</body></html>", "Content-Type: text/html\r\n"),
       "<html><body>Sign in \\x1b"},
      {"truncated JSON", body(truncated, manifest_type), "schemaVersion"},
      {"gzip where none was asked", body("\x1f\x8b\x08", manifest_type + "Content-Encoding: gzip\r\n"),
       "gzip"},
      {"a media type that contradicts the body",
       body(image.manifest.bytes, "Content-Type: " + std::string(oci::media_type::docker_list) + "\r\n"),
       "docker.distribution.manifest.list"},
      {"an empty body", body("", manifest_type), "empty"},
  };
  for (const auto& [name, answer, quoted] : cases) {
    INFO(name);
    FakeRegistry registry(instead(std::nullopt, answer));
    fill(registry);
    const Error error = fetch_failure(registry, "1");
    CHECK(error.kind() == ErrorKind::corrupt);
    CHECK_THAT(error.what(), Catch::Contains(quoted) && Catch::Contains("/a"));
    CHECK_THAT(error.what(), !Catch::Contains("\x1b"));
  }
}

TEST_CASE("C5: bytes that are not those of the digest that was asked for are corrupt") {
  const TestImage other = make_image("amd64", 22, {100});
  FakeRegistry registry(instead(std::nullopt, body(other.manifest.bytes, manifest_type)));
  fill(registry);
  const Error error = fetch_failure(registry, digest);
  CHECK(error.kind() == ErrorKind::corrupt);
  CHECK_THAT(error.what(), Catch::Contains(other.manifest.digest().text()));
}

TEST_CASE("D4: a manifest without end is read to the limit only") {
  FakeRegistry registry([](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/manifests/")) return false;
    exchange.write("HTTP/1.1 200 OK\r\n" + manifest_type + "\r\n");
    for (const std::string piece(65536, ' ');;)
      exchange.write(piece);
  });
  fill(registry);
  CHECK(fetch_failure(registry, "1").kind() == ErrorKind::corrupt);
}

TEST_CASE("requests accept all manifest types, ask for no encoding, and go to the path of the repository") {
  FakeRegistry registry;
  fill(registry);
  resolve(registry, digest);
  const auto request = registry.requests().front();
  CHECK(request.target == "/v2/a/manifests/" + digest);
  CHECK(request.headers.at("accept-encoding") == "identity");
  CHECK(request.headers.count("authorization") == 0);
  CHECK(request.headers.at("accept") == oci::media_type::docker_manifest);  // the last line
}

TEST_CASE("a small blob is verified and bounded") {
  FakeRegistry registry([](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", wrong_digest)) return false;
    exchange.answer(200, "not that");
    return true;
  });
  fill(registry);
  run([&]() -> Task<> {
    Rig rig;
    const oci::Repository repository = registry.repository("a");
    const Piece& config = image.blobs.front();
    const std::string bytes = co_await rig.client.small_blob(repository, config.digest());
    CHECK(bytes == config.bytes);
    const Error large = co_await failure_of(rig.client.small_blob(repository, config.digest(), 10));
    CHECK(large.kind() == ErrorKind::corrupt);
    const Error wrong =
        co_await failure_of(rig.client.small_blob(repository, *oci::Digest::parse(wrong_digest)));
    CHECK(wrong.kind() == ErrorKind::corrupt);
    CHECK_THAT(wrong.what(), Catch::Contains("\"not that\""));
  });
}

TEST_CASE("a PUT whose answer names another digest is corrupt") {
  FakeRegistry registry([](Exchange& exchange, const RecordedRequest& request) {
    if (request.method != "PUT") return false;
    read_body(exchange, request);
    exchange.answer(201, "", "Docker-Content-Digest: " + wrong_digest + "\r\n");
    return true;
  });
  run([&]() -> Task<> {
    Rig rig;
    const Error error = co_await failure_of(rig.client.put_manifest(
        registry.repository("a"), "1", image.manifest.media_type, image.manifest.bytes));
    CHECK(error.kind() == ErrorKind::corrupt);
  });
}

TEST_CASE("a PUT under a digest that is not that of the bytes is not sent") {
  FakeRegistry registry;
  run([&]() -> Task<> {
    Rig rig;
    const Error error = co_await failure_of(rig.client.put_manifest(
        registry.repository("a"), wrong_digest, image.manifest.media_type, image.manifest.bytes));
    CHECK(error.kind() == ErrorKind::corrupt);
  });
  CHECK(registry.requests().empty());
}

TEST_CASE("D9: what is no tag, digest or repository never becomes a URL") {
  FakeRegistry registry;
  run([&]() -> Task<> {
    Rig rig;
    for (const std::string reference : {"../x", "a b", "1?x=y", "", "sha256:abc"}) {
      INFO(reference);
      const Error error = co_await failure_of(rig.client.resolve(registry.repository("a"), reference));
      CHECK(error.kind() == ErrorKind::invalid);
    }
    const Error error = co_await failure_of(rig.client.resolve(registry.repository("a/../b"), "1"));
    CHECK(error.kind() == ErrorKind::invalid);
  });
  CHECK(registry.requests().empty());
}
