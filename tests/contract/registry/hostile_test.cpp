// Documents and directions of a registry that means harm: bounded in time and memory, and nothing of it is
// kept.

#include "fault_bench.hpp"
#include "support/run.hpp"

#include <atomic>
#include <future>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;
using registry::Place;

namespace {

const Piece& layer() {
  return traveller().blobs[1];
}

std::string typed(const std::string& type) {
  return "Content-Type: " + type + "\r\n";
}
const std::string image_type(oci::media_type::oci_manifest);
const std::string index_type(oci::media_type::oci_index);

/// The manifest of the tag is what the registry says, not what the image is.
void check_manifest(const std::string& name, const std::string& body, ErrorKind kind, const std::string& says,
                    const std::string& headers = typed(image_type)) {
  INFO(name);
  FakeRegistry registry([&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/manifests/")) return false;
    exchange.answer(200, body, headers);
    return true;
  });
  const auto before = resident_bytes();
  const auto error = run([&]() -> Task<std::optional<Error>> {
    Rig rig;
    co_return co_await failure_of(rig.client.manifest(registry.repository("a"), "1"));
  });
  check_error(*error, kind, says);
  CHECK_THAT(error->what(), Catch::Contains(registry.host() + "/a"));
  CHECK(resident_bytes() < before + (64 << 20));
  CHECK(registry.requests().size() == 1);
}

/// A copy of the digest; nothing reaches the target.
void check_copy(FakeRegistry& source, const oci::Digest& digest, ErrorKind kind, const std::string& says) {
  FakeRegistry target;
  const auto error = run([&]() -> Task<std::optional<Error>> {
    Rig rig;
    co_return co_await failure_of(
        rig.client.copy(source.repository("a"), digest, target.repository("b"), "1"));
  });
  check_error(*error, kind, says);
  CHECK(target.writes().empty());
  CHECK_FALSE(target.tagged("b", "1"));
}

Error tags_failure(FakeRegistry& registry) {
  return run([&]() -> Task<std::optional<Error>> {
           Rig rig;
           co_return co_await failure_of(rig.client.tags(Place::parse(registry.host() + "/a")));
         })
      .value();
}

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i)
    all += text;
  return all;
}

}  // namespace

TEST_CASE("D4: a manifest that is made to hurt its reader is corrupt") {
  const auto& good = traveller().manifest.bytes;
  check_manifest("nested 100,000 deep", repeated("[", 100'000) + repeated("]", 100'000), ErrorKind::corrupt,
                 "64");
  check_manifest("objects nested 100,000 deep", repeated("{\"a\":", 100'000), ErrorKind::corrupt, "64");
  check_manifest("deep within a member", "{\"schemaVersion\":2,\"annotations\":" + repeated("[", 100'000),
                 ErrorKind::corrupt, "64");
  check_manifest("a key twice", "{\"layers\":[]," + good.substr(good.find('{') + 1), ErrorKind::corrupt,
                 "layers");
  check_manifest("10,001 layers",
                 "{\"schemaVersion\":2,\"config\":" + layer().descriptor() + ",\"layers\":[" +
                     repeated(layer().descriptor() + ",", 10'000) + layer().descriptor() + "]}",
                 ErrorKind::corrupt, "10000");
  check_manifest("larger than 4 MiB", std::string(4 * 1024 * 1024 + 1, ' '), ErrorKind::corrupt, "4194304");
}

TEST_CASE("D3: a document that is two things at once, or not what it is said to be, is corrupt") {
  const auto descriptor = layer().descriptor();
  check_manifest(
      "manifest and index",
      "{\"schemaVersion\":2,\"config\":" + descriptor + ",\"layers\":[],\"manifests\":[" + descriptor + "]}",
      ErrorKind::corrupt, "an image and an index at the same time");
  check_manifest("an index by its body, an image by its Content-Type",
                 "{\"schemaVersion\":2,\"mediaType\":\"" + index_type + "\",\"manifests\":[]}",
                 ErrorKind::corrupt, index_type);
}

TEST_CASE("D5: a manifest that comes packed is not unpacked") {
  // 4 MiB of blanks in 4 KiB; what it would be unpacked is never looked at.
  const std::string bomb =
      std::string("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10) + std::string(4096, '\0');
  check_manifest("gzip", bomb, ErrorKind::corrupt, "gzip", typed(image_type) + "Content-Encoding: gzip\r\n");
}

TEST_CASE("D5: a page of tags that comes packed is not unpacked") {
  FakeRegistry registry([&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/tags/list")) return false;
    exchange.answer(200, std::string("\x1f\x8b\x08\x00", 4) + std::string(1000, '\0'),
                    typed("application/json") + "Content-Encoding: gzip\r\n");
    return true;
  });
  check_error(tags_failure(registry), ErrorKind::corrupt, "\\x1f\\x8b");
}

TEST_CASE("D4: an index that claims to contain itself is found out by its digest") {
  // No index can hold its own digest; a registry can only pretend.
  const Piece inner = make_index({{traveller().manifest, "amd64"}});
  const Piece root = make_index({{inner, ""}});
  FakeRegistry source([&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", inner.digest().text())) return false;
    exchange.answer(200, root.bytes, typed(index_type));
    return true;
  });
  source.add("a", root);
  check_copy(source, root.digest(), ErrorKind::corrupt, root.digest().text());
}

TEST_CASE("D4: indexes within indexes end at a depth") {
  Piece root = traveller().manifest;
  FakeRegistry source;
  source.add("a", traveller());
  for (int depth = 0; depth < 10; ++depth) {
    root = make_index({{root, ""}});
    source.add("a", root);
  }
  check_copy(source, root.digest(), ErrorKind::invalid, "nested deeper than 4");
  CHECK(source.count("GET") <= 6);
}

TEST_CASE("D4: a list of tags nested 100,000 deep, or of one page without end, is corrupt") {
  for (const std::string& start : {"{\"tags\":" + repeated("[", 100'000), std::string("{\"tags\":[")}) {
    FakeRegistry registry([&](Exchange& exchange, const RecordedRequest& request) {
      if (!is(request, "GET", "/tags/list")) return false;
      exchange.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + start);
      if (start.size() > 1000) exchange.reset();
      for (const std::string piece = repeated("\"a\",", 10'000);;)
        exchange.write(piece);
    });
    const auto before = resident_bytes();
    const auto error = tags_failure(registry);
    INFO(error.what());
    CHECK(is_transient(error.kind()));
    CHECK(resident_bytes() < before + (128 << 20));
  }
}

TEST_CASE("D4: redirects in a circle end") {
  check({.name = "a blob that is always elsewhere",
         .step = step::blob(),
         .act =
             [](Exchange& exchange, const RecordedRequest& request) {
               exchange.answer(307, "", "Location: " + request.target + "\r\n");
             },
         .kind = ErrorKind::unavailable,
         .says = "more than 5 redirects",
         .most = 3 * 6});
}

TEST_CASE("D1: a redirect to a metadata service is refused before anything is sent there") {
  for (const std::string place :
       {"http://169.254.169.254", "http://[fd00:ec2::254]", "http://[::ffff:169.254.169.254]",
        "http://2852039166", "http://0xa9fea9fe"}) {
    INFO(place);
    for (const auto& step : {step::manifest(), step::blob()})
      check({.name = place,
             .step = step,
             .act = answer(307, "", "Location: " + place + "/latest/meta-data/\r\n"),
             .kind = ErrorKind::denied,
             .says = "metadata"});
    check({.name = place,
           .step = step::upload_start(),
           .act = answer(202, "", "Location: " + place + "/latest/meta-data/\r\n"),
           .kind = ErrorKind::denied,
           .says = "metadata"});
  }
}

TEST_CASE("D2: a token realm elsewhere gets nothing") {
  struct Case {
    std::string realm;
    ErrorKind kind;
    std::string says;
  };
  for (const auto& [realm, kind, says] :
       {Case{"http://169.254.169.254/latest/meta-data/", ErrorKind::unauthorized, "169.254.169.254"},
        Case{"http://auth.example.invalid/token", ErrorKind::unauthorized, "TLS"},
        Case{"file:///etc/passwd", ErrorKind::corrupt, "(realm)"},
        Case{"https://user:secret@auth.example.invalid/", ErrorKind::corrupt, "(realm)"}}) {
    INFO(realm);
    FakeRegistry registry([&, realm = realm](Exchange& exchange, const RecordedRequest& request) {
      read_body(exchange, request);
      exchange.answer(401, "", "WWW-Authenticate: Bearer realm=\"" + realm + "\",service=\"s\"\r\n");
      return true;
    });
    const auto error = run([&]() -> Task<std::optional<Error>> {
      Rig rig;
      rig.log_in(registry.host(), "user", "canary-password");
      co_return co_await failure_of(rig.client.manifest(registry.repository("a"), "1"));
    });
    check_error(*error, kind, says);
    CHECK_THAT(error->what(), !Catch::Contains("canary"));
    CHECK(registry.requests().size() <= 2);
    for (const auto& request : registry.requests())
      CHECK(request.headers.count("authorization") == 0);
  }
}

TEST_CASE("C10: a target that closes its connection after each answer is reached all the same") {
  std::atomic<int> closed{0};
  FakeRegistry target([&](Exchange& exchange, const RecordedRequest& request) {
    if (request.method != "HEAD") return false;
    ++closed;
    exchange.answer(404);
    exchange.reset();
    return true;
  });
  FakeRegistry source;
  source.add("a", traveller());
  const auto progress = run([&]() -> Task<registry::CopyProgress> {
    Rig rig;
    co_return co_await rig.client.copy(source.repository("a"), traveller().manifest.digest(),
                                       target.repository("b"), "1");
  });
  CHECK(progress.blobs_copied == 3);
  CHECK(closed >= 3);
  CHECK(target.tagged("b", "1") == traveller().manifest.digest().text());
}

TEST_CASE("C1: a registry that is not there is told with its host and the reason") {
  std::uint16_t closed = 0;
  {
    const ScriptedServer gone([](Exchange&) {});
    closed = gone.port();
  }
  net::ClientOptions options;
  options.lookup = [](const std::string& host) -> std::vector<boost::asio::ip::address> {
    throw Error(ErrorKind::unavailable, host + ": no such host");
  };
  for (const auto& [host, says] :
       {std::pair<std::string, std::string>{"gone.example.invalid", "no such host"},
        {"127.0.0.1:" + std::to_string(closed), "refused"}}) {
    const auto error = run([&, host = host]() -> Task<std::optional<Error>> {
      Rig rig(options);
      oci::Repository repository{host, "a"};
      co_return co_await failure_of(rig.client.resolve(std::move(repository), "1"));
    });
    check_error(*error, ErrorKind::unavailable, says);
    CHECK_THAT(error->what(), Catch::Contains(host));
  }
}

TEST_CASE("C1: a name server that hangs is given up, and holds up no other registry") {
  std::promise<void> end;
  const auto ended = end.get_future().share();
  net::ClientOptions options;
  options.lookup = [ended](const std::string& host) -> std::vector<boost::asio::ip::address> {
    if (host == "hangs.example.invalid") ended.wait_for(std::chrono::seconds(30));
    return {boost::asio::ip::make_address("127.0.0.1")};
  };
  FakeRegistry registry;
  registry.add("a", traveller());
  registry.tag("a", "1", traveller().manifest);
  const auto port = registry.host().substr(registry.host().find(':'));
  run([&](boost::asio::io_context& loop) -> Task<> {
    Rig rig(options, 20);
    rig.access["fine.example.invalid" + port].plain_http = true;
    const oci::Repository hanging{"hangs.example.invalid", "a"};
    const oci::Repository fine{"fine.example.invalid" + port, "a"};
    const auto ask = [&]() -> Task<std::optional<Error>> {
      co_return co_await failure_of(rig.client.resolve(hanging, "1"));
    };
    std::optional<Error> failure;
    boost::asio::co_spawn(loop, ask(),
                          [&](std::exception_ptr, std::optional<Error> error) { failure = error; });
    // Asked while the other one hangs.
    const auto found = co_await rig.client.resolve(fine, "1");
    CHECK(found);
    CHECK_FALSE(failure);
    while (!failure)
      co_await rig.clock.sleep_for(std::chrono::milliseconds(100));
    check_error(*failure, ErrorKind::timeout, "hangs.example.invalid");
    end.set_value();
  });
}
