#include "registry/answer.hpp"

#include "registry/blob.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace std::chrono_literals;
using registry::error_from;

namespace {
// Sun, 06 Nov 1994 08:49:37 GMT
const Time answered_at = Time(std::chrono::sys_days(std::chrono::year(1994) / 11 / 6)) + 8h + 49min + 37s;

std::optional<Milliseconds> after(const std::string& value) {
  return error_from("r", 429, {{"Retry-After", value}}, "", answered_at).retry_after();
}
}  // namespace

TEST_CASE("each status has its error kind") {
  const std::vector<std::pair<int, ErrorKind>> expected{
      {401, ErrorKind::unauthorized}, {403, ErrorKind::denied},      {404, ErrorKind::not_found},
      {429, ErrorKind::rate_limited}, {408, ErrorKind::unavailable}, {499, ErrorKind::unavailable},
      {500, ErrorKind::unavailable},  {503, ErrorKind::unavailable}, {522, ErrorKind::unavailable},
      {400, ErrorKind::invalid},      {405, ErrorKind::invalid},     {409, ErrorKind::invalid},
      {413, ErrorKind::invalid},      {302, ErrorKind::corrupt},     {204, ErrorKind::corrupt}};
  for (const auto& [status, kind] : expected) {
    INFO(status);
    CHECK(error_from("r.example", status, {}, "", answered_at).kind() == kind);
  }
}

TEST_CASE("the registry's own codes and words are in the error") {
  const auto error = error_from(
      "r.example", 404, {},
      R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{}}]})", answered_at);
  CHECK(std::string(error.what()) == "r.example answered 404 (MANIFEST_UNKNOWN: manifest unknown)");
}

TEST_CASE("error bodies that are no JSON, or odd JSON, are quoted") {
  for (const std::string body : {"<html>no</html>", "{\"errors\": 7}", "{\"errors\": [7]}", "[]", "null"}) {
    INFO(body);
    CHECK_THAT(error_from("r", 500, {}, body, answered_at).what(), Catch::Contains("answered 500 \""));
  }
}

TEST_CASE("C5: an error body is bounded and escaped") {
  const std::string hostile = "\x1b[2J\r\nlevel=info forged" + std::string(100'000, 'x');
  const std::string json =
      R"({"errors":[{"code":"\u001b[31mX","message":")" + std::string(5000, 'y') + R"("}]})";
  for (const auto& body : {hostile, json}) {
    const std::string text = error_from("r", 400, {}, body, answered_at).what();
    CHECK(text.size() < 600);
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\n') == std::string::npos);
  }
}

TEST_CASE("Last-Modified is moved to our clock by the answer's own Date") {
  const auto now = parse_time("2026-11-27T12:00:00Z").value();
  const auto modified = [&](const std::string& value, const std::string& date) {
    net::Headers headers{{"Last-Modified", value}};
    if (!date.empty()) headers.set("Date", date);
    return registry::last_modified(headers, now);
  };
  CHECK(modified("Fri, 27 Nov 2026 11:59:30 GMT", "Fri, 27 Nov 2026 12:00:00 GMT") == now - 30s);
  // Their clock is an hour ahead.
  CHECK(modified("Fri, 27 Nov 2026 12:59:30 GMT", "Fri, 27 Nov 2026 13:00:00 GMT") == now - 30s);
  CHECK(modified("Fri, 27 Nov 2026 11:00:00 GMT", "") == now - 3600s);
  CHECK_FALSE(modified("Fri, 27 Nov 2026 12:00:01 GMT", "Fri, 27 Nov 2026 12:00:00 GMT"));
  CHECK_FALSE(modified("yesterday", ""));
  CHECK_FALSE(registry::last_modified({}, now));
}

TEST_CASE("C4: a registry's Retry-After is obeyed for an hour at most") {
  CHECK(after("30") == 30s);
  CHECK(after("31536000") == registry::max_retry_after);
  CHECK_FALSE(after("soon").has_value());
}

TEST_CASE("Content-Type is compared without case and parameters") {
  CHECK(registry::content_type({{"Content-Type", "Text/HTML; charset=utf-8"}}) == "text/html");
  CHECK(registry::content_type({}).empty());
}

TEST_CASE("Content-Range must go on where we stopped, in a blob of our size") {
  using registry::continues_at;
  CHECK(continues_at("bytes 7-9/10", 7, 10));
  CHECK(continues_at("bytes 7-9/*", 7, 10));
  for (const char* wrong : {"bytes 6-9/10", "bytes 7-9/11", "bytes 7-9", "7-9/10", "bytes -9/10",
                            "bytes */10", "", "bytes 7x-9/10", "bytes 99999999999999999999-9/10"}) {
    INFO(wrong);
    CHECK_FALSE(continues_at(wrong, 7, 10));
  }
}

TEST_CASE("a 400 to plain HTTP that is no registry's answer may mean that TLS is wanted") {
  const auto plain = net::Url::parse("http://localhost:5000/v2/app/manifests/1");
  CHECK_THAT(registry::hint(plain, 400, {}),
             Catch::Contains("without TLS") && Catch::Contains("`http: false`"));
  CHECK(registry::hint(plain, 400, {"NAME_INVALID"}).empty());
  CHECK(registry::hint(plain, 404, {}).empty());
  CHECK(registry::hint(net::Url::parse("https://localhost:5000/v2/app/manifests/1"), 400, {}).empty());
}

TEST_CASE("a sha512 digest that is called invalid may not be known") {
  const std::string base = "https://r.example/v2/app/";
  const auto manifest = net::Url::parse(base + "manifests/sha512:" + std::string(128, 'a'));
  const auto upload = net::Url::parse(base + "blobs/uploads/1?digest=sha512%3A" + std::string(128, 'a'));
  for (const auto& url : {manifest, upload})
    CHECK_THAT(registry::hint(url, 400, {"DIGEST_INVALID"}), Catch::Contains("may know sha256 only"));
  CHECK(registry::hint(manifest, 400, {"MANIFEST_INVALID"}).empty());
  CHECK(registry::hint(net::Url::parse(base + "manifests/1"), 400, {"DIGEST_INVALID"}).empty());
}
