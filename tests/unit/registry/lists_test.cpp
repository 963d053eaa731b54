// Tags, referrers, and the indexes that list them.

#include "core/error.hpp"
#include "registry/layout.hpp"
#include "registry/platforms.hpp"
#include "registry/referrers.hpp"
#include "registry/tags.hpp"
#include "registry/upload_send.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::registry;
using nlohmann::json;

namespace {

template <class F>
ErrorKind kind_of(F action) {
  try {
    action();
  } catch (const Error& error) {
    return error.kind();
  }
  return ErrorKind::cancelled;  // nothing was thrown
}

json entry_of(const std::string& content, const std::string& platform) {
  json entry{{"mediaType", oci::media_type::oci_manifest},
             {"digest", oci::Digest::of(content).text()},
             {"size", content.size()}};
  if (!platform.empty()) {
    const auto parsed = oci::Platform::parse(platform);
    entry["platform"] = {{"os", parsed.os}, {"architecture", parsed.architecture}};
  }
  return entry;
}

FetchedManifest index_of(const json& entries, std::string_view type = oci::media_type::oci_index) {
  const json document{{"schemaVersion", 2}, {"mediaType", type}, {"manifests", entries}, {"x-kept", {1, 2}}};
  std::string bytes = document.dump();
  auto manifest = oci::parse_manifest(bytes, type);
  return {oci::Digest::of(bytes), std::string(type), std::move(bytes), std::move(manifest)};
}

}  // namespace

TEST_CASE("the tags of a page; nulls and what is no tag are passed over") {
  CHECK(parse_tags(R"({"name":"a","tags":["1","latest"]})") == std::vector<std::string>{"1", "latest"});
  CHECK(parse_tags(R"({"tags":null})").empty());
  CHECK(parse_tags(
            R"({"child":{"tags":["no"]},"tags":["1",null,7,{"tags":["no"]},["no"],"-bad","sha256:x"]})") ==
        std::vector<std::string>{"1"});
  const std::string deep = "{\"tags\":" + std::string(100'000, '[');
  for (const std::string body :
       {"", "[]", "{}", R"({"tags":{}})", R"({"tags":"1"})", "<html>", R"({"tags":["1")", deep.c_str()})
    CHECK_THROWS_AS(parse_tags(body), Error);
}

TEST_CASE("D4: a page with very many tags is read in linear time and memory") {
  std::string body = "{\"tags\":[";
  for (int i = 0; i < 200'000; ++i)
    body += "\"tag-" + std::to_string(i) + "\",";
  body.back() = ']';
  CHECK(parse_tags(body + "}").size() == 200'000);
}

TEST_CASE("what an upload holds, by its Range") {
  CHECK(bytes_held("0-1023") == 1024);
  CHECK(bytes_held("bytes=0-1023") == 1024);
  CHECK(bytes_held("0-0") == 0);
  for (const std::string range : {"", "0-", "5-9", "0-x", "0-1 ", "bytes 0-1", "0-99999999999999999999"})
    CHECK(bytes_held(range) == std::nullopt);
}

TEST_CASE("where blobs are is remembered for the latest places only, and forgotten") {
  UploadNotes notes;
  const auto digest = oci::Digest::of("x");
  CHECK(notes.holders("r", digest).empty());
  for (const std::string path : {"a", "b", "a", "c"})
    notes.holds({"r", path}, digest);
  CHECK(notes.holders("r", digest) == std::vector<std::string>{"c", "a"});
  CHECK(notes.holders("other", digest).empty());
  notes.forget({"r", "c"}, digest);
  CHECK(notes.holders("r", digest) == std::vector<std::string>{"a"});
}

TEST_CASE("a referrer is listed once in the fallback index, with its type and annotations") {
  CHECK(referrers_tag(oci::Digest::of("x")) == "sha256-" + std::string(oci::Digest::of("x").hex()));
  const std::string manifest =
      R"({"schemaVersion":2,"config":{"mediaType":"application/x-config","size":2,"digest":")" +
      oci::Digest::of("{}").text() + R"("},"layers":[],"annotations":{"a":"b"}})";
  const auto digest = oci::Digest::of(manifest);
  const std::string type(oci::media_type::oci_manifest);
  const auto first = with_referrer("", digest, manifest, type);
  const auto index = oci::parse_manifest(first, oci::media_type::oci_index);
  REQUIRE(index.manifests.size() == 1);
  CHECK(index.manifests[0].digest == digest);
  CHECK(index.manifests[0].annotations.at("a") == "b");
  CHECK(json::parse(first)["manifests"][0]["artifactType"] == "application/x-config");
  CHECK(with_referrer(first, digest, manifest, type) == first);
  const std::string other = R"({"schemaVersion":2,"artifactType":"application/x",)" + manifest.substr(19);
  const auto second = with_referrer(first, oci::Digest::of(other), other, type);
  CHECK(oci::parse_manifest(second, oci::media_type::oci_index).manifests.size() == 2);
  CHECK(json::parse(second)["manifests"][1]["artifactType"] == "application/x");
}

TEST_CASE("what is no index gets no entries") {
  const auto digest = oci::Digest::of("x");
  const std::string type(oci::media_type::oci_manifest);
  const std::string image = R"({"schemaVersion":2,"config":{"mediaType":"a/b","size":2,"digest":")" +
                            digest.text() + R"("},"layers":[]})";
  for (const std::string& bad : {std::string("[]"), std::string("<html>"), image,
                                 std::string(R"({"schemaVersion":2,"manifests":{"a":1}})"),
                                 std::string(R"({"schemaVersion":2,"manifests":[{"annotations":[1]}]})")}) {
    INFO(bad);
    CHECK(kind_of([&] { with_referrer(bad, digest, image, type); }) == ErrorKind::corrupt);
    CHECK(kind_of([&] { with_entry(bad, "1", digest, type, 1); }) == ErrorKind::corrupt);
  }
  CHECK(kind_of([&] { with_referrer("", digest, R"({"config":null})", type); }) == ErrorKind::corrupt);
}

TEST_CASE("an entry of a layout replaces the one of its name and leaves all others") {
  const std::string type(oci::media_type::oci_manifest);
  auto index = with_entry("", "1", oci::Digest::of("a"), type, 1);
  index = with_entry(index, "2", oci::Digest::of("b"), type, 1);
  index = with_entry(index, "", oci::Digest::of("c"), type, 1);
  CHECK(with_entry(index, "", oci::Digest::of("c"), type, 1) == index);
  index = with_entry(index, "1", oci::Digest::of("d"), type, 1);
  const auto entries = oci::parse_manifest(index, oci::media_type::oci_index).manifests;
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].digest == oci::Digest::of("b"));
  CHECK(entries[1].digest == oci::Digest::of("c"));
  CHECK(entries[2].digest == oci::Digest::of("d"));
}

TEST_CASE("a part of an index keeps order, unknown fields and attestations, and says what is left out") {
  json attestation = entry_of("att", "unknown/unknown");
  attestation["annotations"] = {{"vnd.docker.reference.type", "attestation-manifest"},
                                {"vnd.docker.reference.digest", oci::Digest::of("arm").text()}};
  const auto whole = index_of({entry_of("amd", "linux/amd64"), entry_of("arm", "linux/arm64"), attestation});
  const auto [part, left_out] = only_platforms(whole, {oci::Platform::parse("linux/arm64")});
  REQUIRE(part.manifest.manifests.size() == 2);
  CHECK(part.manifest.manifests[0].digest == oci::Digest::of("arm"));
  CHECK(part.manifest.manifests[1].digest == oci::Digest::of("att"));
  CHECK(part.digest == oci::Digest::of(part.bytes));
  REQUIRE(left_out.size() == 1);
  CHECK(left_out[0].text() == "linux/amd64");
  const auto document = json::parse(part.bytes);
  CHECK(document["x-kept"] == json{1, 2});
  CHECK(document["annotations"]["dev.sluice.source.digest"] == whole.digest.text());
  CHECK(document["annotations"]["dev.sluice.platforms.left-out"] == "linux/amd64");
}

TEST_CASE("a part with everything in it is the same bytes; a platform that is not there is named") {
  const auto whole = index_of(json::array({entry_of("amd", "linux/amd64")}), oci::media_type::docker_list);
  CHECK(only_platforms(whole, {oci::Platform::parse("linux/amd64")}).manifest.bytes == whole.bytes);
  try {
    only_platforms(whole, {oci::Platform::parse("linux/s390x")});
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::not_found);
    CHECK(std::string(error.what()).find("linux/s390x, it has linux/amd64") != std::string::npos);
  }
}
