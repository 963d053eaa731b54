// What must be survived of registries that fail: each fault at each step of the way of an image.

#include "fault_bench.hpp"
#include "support/run.hpp"

#include <algorithm>
#include <atomic>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

const std::string slow_down = R"({"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]})";
const std::string denied = R"({"errors":[{"code":"DENIED","message":"quota exceeded \u001b[2J"}]})";
const std::string page = "<html><body>Please sign in</body></html>";
const std::string basic = "WWW-Authenticate: Basic realm=\"x\"\r\n";

struct Fault {
  std::string name;
  Act act;
  ErrorKind kind;
  std::string says;
  std::optional<Milliseconds> retry_after = {};
};

bool is_one_of(const Step& step, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), step.name) != names.end();
}

/// The fault at every step, but not at those where it heals.
void check_everywhere(const Fault& fault, const std::vector<std::string>& but = {}) {
  for (const auto& step : step::all()) {
    if (is_one_of(step, but)) continue;
    check({.name = fault.name,
           .step = step,
           .act = fault.act,
           .kind = fault.kind,
           .says = step.method == "HEAD" ? std::string() : fault.says,
           .retry_after = fault.retry_after,
           // An upload is begun three times for each of three blobs, and a connection that is cut may have
           // been an old one.
           .most = step.name == "upload start" ? 3 * 3 * 2 : 6});
  }
}

}  // namespace

TEST_CASE("C4: at every step, 429 is told with what was asked for and is not asked again at once") {
  check_everywhere({"429", answer(429, slow_down), ErrorKind::rate_limited, "TOOMANYREQUESTS: slow down"});
  check_everywhere({"429 with seconds", answer(429, slow_down, "Retry-After: 7\r\n"), ErrorKind::rate_limited,
                    "429", std::chrono::seconds(7)});
  check_everywhere({"429 for a year", answer(429, "", "Retry-After: 31536000\r\n"), ErrorKind::rate_limited,
                    "limits the request rate", std::chrono::hours(1)});
  check_everywhere({"429 with nonsense", answer(429, "", "Retry-After: soon\r\n"), ErrorKind::rate_limited,
                    "limits the request rate"});
  check_everywhere({"429 of a day that is over",
                    answer(429, "", "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n"),
                    ErrorKind::rate_limited, "limits the request rate"});
}

TEST_CASE("C4: at every step, a server's error is unavailable, whatever words it comes with") {
  check_everywhere({"500", answer(500), ErrorKind::unavailable, "500"});
  check_everywhere({"502 of a proxy", answer(502, page, "Content-Type: text/html\r\n"),
                    ErrorKind::unavailable, "Please sign in"});
  // Where a part is asked for again by itself, the pause that the registry asked for is met.
  const std::string pause = "Retry-After: 9\r\n";
  check_everywhere(
      {"503 with seconds", answer(503, "", pause), ErrorKind::unavailable, "503", std::chrono::seconds(9)},
      {"blob", "upload"});
  for (const auto& step : {step::blob(), step::upload()})
    check({.name = "503 with seconds",
           .step = step,
           .act = answer(503, "", pause),
           .kind = ErrorKind::rate_limited,
           .or_kind = ErrorKind::unavailable,
           .says = "answered 503",
           .retry_after = std::chrono::seconds(9)});
}

TEST_CASE("D2, D11: at every step, 401 again and again is heard at most twice, and no secret is told") {
  for (const std::string& headers : {basic, std::string()})
    for (const auto& step : step::all())
      check({.name = "401",
             .step = step,
             .act =
                 [headers](Exchange& exchange, const RecordedRequest& request) {
                   // Some registries say back what they did not take.
                   const auto sent = request.headers.find("authorization");
                   answer(401, sent == request.headers.end() ? "" : "what is " + sent->second + "?", headers)(
                       exchange, request);
                 },
             .kind = ErrorKind::unauthorized,
             .says = "credentials",
             // An upload is begun for each of three blobs, side by side.
             .most = step.name == "upload start" ? 6 : 2});
}

TEST_CASE("C9: at every step, a refusal is permanent and comes with the registry's words and advice") {
  check_everywhere({"403", answer(403, denied), ErrorKind::denied, "DENIED: quota exceeded \\x1b[2J"},
                   {"look"});
  // What is asked there is whether something is to be pushed, and the push tells.
  check({.name = "403", .step = step::look(), .act = answer(403), .kind = {}});
  check_everywhere({"an immutable tag",
                    answer(400, R"({"errors":[{"code":"TAG_INVALID","message":"the tag is immutable"}]})"),
                    ErrorKind::invalid, "the tag is immutable"});
  check_everywhere({"read-only", answer(405), ErrorKind::invalid, "does not allow this operation"},
                   {"resolve"});
  check_everywhere({"a size limit", answer(413, ""), ErrorKind::invalid, "size limit or quota"});
}

TEST_CASE("C7: what is gone at the source is not found, and nothing is tagged") {
  for (const auto& step : {step::resolve(), step::manifest(), step::blob()})
    check({.name = "404",
           .step = step,
           .act = answer(404, R"({"errors":[{"code":"NAME_UNKNOWN","message":"repository deleted"}]})"),
           .kind = ErrorKind::not_found,
           .says = step.method == "HEAD" ? "" : "NAME_UNKNOWN: repository deleted",
           .most = 2});
}

TEST_CASE("C2: at every step, a connection cut before or within the head of the answer is unavailable") {
  check_everywhere({"before the answer", cut_after(""), ErrorKind::unavailable, ""});
  check_everywhere({"in the status line", cut_after("HTTP/1.1 20"), ErrorKind::unavailable, ""});
  check_everywhere({"in a field", cut_after("HTTP/1.1 200 OK\r\nContent-Le"), ErrorKind::unavailable, ""});
}

TEST_CASE("C2: an answer that is cut after its last byte is whole") {
  const auto last_then_cut = [](std::string head, std::string body) { return cut_after(head + body); };
  const auto& image = traveller();
  const auto length = [](const std::string& bytes) {
    return "Content-Length: " + std::to_string(bytes.size()) + "\r\n\r\n";
  };
  check({.name = "the manifest",
         .step = step::manifest(),
         .act = last_then_cut("HTTP/1.1 200 OK\r\nContent-Type: " + image.manifest.media_type + "\r\n" +
                                  length(image.manifest.bytes),
                              image.manifest.bytes),
         .kind = {}});
  check({.name = "the blob",
         .step = step::blob(),
         .act = last_then_cut("HTTP/1.1 200 OK\r\n" + length(image.blobs[1].bytes), image.blobs[1].bytes),
         .kind = {}});
  check({.name = "the blob, without a length",
         .step = step::blob(),
         .act =
             [&image](Exchange& exchange, const RecordedRequest&) {
               exchange.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + image.blobs[1].bytes);
               exchange.close();
             },
         .kind = {}});
}

TEST_CASE("C2: a body that is cut in its middle is never taken for a shorter one") {
  const auto& image = traveller();
  const auto half = [](const Piece& piece) {
    return "HTTP/1.1 200 OK\r\nContent-Type: " + piece.media_type +
           "\r\nContent-Length: " + std::to_string(piece.bytes.size()) + "\r\n\r\n" +
           piece.bytes.substr(0, piece.bytes.size() / 2);
  };
  check({.name = "the manifest",
         .step = step::manifest(),
         .act = cut_after(half(image.manifest)),
         .kind = ErrorKind::unavailable});
  check({.name = "the blob, once",
         .step = step::blob(),
         .act = cut_after(half(image.blobs[1])),
         .kind = {},
         .times = 1});
  check({.name = "the blob, always",
         .step = step::blob(),
         .act = cut_after(half(image.blobs[1])),
         .kind = ErrorKind::unavailable,
         .says = "reading the body"});
}

TEST_CASE("C2: an upload that is cut begins again, a bounded number of times") {
  const auto cut = [](Exchange& exchange, const RecordedRequest&) {
    exchange.read_bytes(50'000);
    exchange.reset();
  };
  check({.name = "once", .step = step::upload(), .act = cut, .kind = {}, .times = 1});
  check({.name = "always",
         .step = step::upload(),
         .act = cut,
         .kind = ErrorKind::unavailable,
         .says = "upload of blob"});
  check({.name = "the session is lost, once",
         .step = step::upload(),
         .act = answer(404, R"({"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"gone"}]})"),
         .kind = {},
         .times = 1});
  check({.name = "the session is lost, always",
         .step = step::upload(),
         .act = answer(404, R"({"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"gone"}]})"),
         .kind = ErrorKind::not_found,
         .says = "BLOB_UPLOAD_UNKNOWN"});
  check({.name = "the session holds other bytes than we think, once",
         .step = step::upload(),
         .act = answer(416),
         .kind = {},
         .times = 1});
  check({.name = "the session holds other bytes than we think, always",
         .step = step::upload(),
         .act = answer(416),
         .kind = ErrorKind::unavailable,
         .says = "416"});
}

TEST_CASE("C2: a manifest that was stored though the answer was lost does no harm, and comes again") {
  for (const auto& step : {step::put_manifest(), step::tag()}) {
    FakeRegistry* self = nullptr;
    FakeRegistry source;
    source.add("a", traveller());
    std::atomic<int> lost{0};
    FakeRegistry target([&](Exchange& exchange, const RecordedRequest& request) {
      // On a fresh connection and on a kept one.
      if (!is(request, step.method, step.text) || lost++ > 1) return false;
      const std::string bytes = read_body(exchange, request);
      self->add("b", Piece{traveller().manifest.media_type, bytes});
      if (step.name == "tag") self->tag("b", "1", Piece{traveller().manifest.media_type, bytes});
      exchange.reset();
      return true;
    });
    self = &target;
    const auto copy = [&]() -> Task<std::optional<Error>> {
      Rig rig;
      try {
        co_await rig.client.copy(source.repository("a"), traveller().manifest.digest(),
                                 target.repository("b"), "1");
      } catch (const Error& error) {
        co_return error;
      }
      co_return std::nullopt;
    };
    const auto first = run(copy);
    REQUIRE(first);
    check_error(*first, ErrorKind::unavailable, target.host());
    CHECK_FALSE(run(copy));
    CHECK(target.tagged("b", "1") == traveller().manifest.digest().text());
    CHECK(target.stored("b", traveller().manifest.digest()) == traveller().manifest.bytes);
  }
}

TEST_CASE("C5: at every step, a web page with 200 is no registry's answer") {
  // A HEAD is asked again by GET, or has no body that could be a page; a blob is what its digest says.
  check_everywhere(
      {"a page", answer(200, page, "Content-Type: text/html\r\n"), ErrorKind::corrupt, "Please sign in"},
      {"resolve", "look"});
}

TEST_CASE("C5: at every step, what is not HTTP is corrupt") {
  check_everywhere({"another protocol",
                    [](Exchange& exchange, const RecordedRequest&) {
                      exchange.write("SSH-2.0-OpenSSH_9.2p1 \x1b[31m\r\n\r\n");
                      exchange.reset();
                    },
                    ErrorKind::corrupt, "SSH-2.0-OpenSSH_9.2p1 \\x1b[31m"});
}

TEST_CASE("C5: a target that stored something else than was sent is found out") {
  const std::string other = "Docker-Content-Digest: " + oci::Digest::of("something else").text() + "\r\n";
  for (const auto& step : {step::upload(), step::put_manifest(), step::tag()})
    check({.name = "another digest",
           .step = step,
           .act = answer(201, "", other),
           .kind = ErrorKind::corrupt,
           .says = oci::Digest::of("something else").text()});
}

TEST_CASE("D4: at every step, a head without end is read to its limit only") {
  check_everywhere({"a field without end",
                    [](Exchange& exchange, const RecordedRequest&) {
                      exchange.write("HTTP/1.1 200 OK\r\nX-Endless: ");
                      for (const std::string piece(65536, 'x');;)
                        exchange.write(piece);
                    },
                    ErrorKind::corrupt, ""});
  check_everywhere({"fields without end",
                    [](Exchange& exchange, const RecordedRequest&) {
                      exchange.write("HTTP/1.1 200 OK\r\n");
                      for (;;)
                        exchange.write("X-One-More: and another one\r\n");
                    },
                    ErrorKind::corrupt, ""});
}

TEST_CASE(
    "C3: a peer that says nothing, or one byte now and then, is given up at each step that it can hold up") {
  for (const auto& step :
       {step::resolve(), step::manifest(), step::look(), step::upload_start(), step::tag()})
    check({.name = "silence",
           .step = step,
           .act = [](Exchange& exchange, const RecordedRequest&) { exchange.stall(); },
           .kind = ErrorKind::timeout,
           .says = "",
           .speed = 20});
  check({.name = "a head that drips",
         .step = step::manifest(),
         .act =
             [](Exchange& exchange, const RecordedRequest&) {
               exchange.drip("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x'),
                             std::chrono::milliseconds(50));
             },
         .kind = ErrorKind::timeout,
         .speed = 20});
  const auto& layer = traveller().blobs[1];
  check({.name = "a blob that drips",
         .step = step::blob(),
         .act =
             [&layer](Exchange& exchange, const RecordedRequest&) {
               exchange.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(layer.bytes.size()) +
                              "\r\n\r\n");
               exchange.drip(layer.bytes, std::chrono::milliseconds(50));
             },
         .kind = ErrorKind::timeout,
         .speed = 40});
}
