#include "oci/manifest.hpp"

#include "core/error.hpp"
#include "core/random.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::oci;
using nlohmann::json;

namespace {

json descriptor(const std::string& content,
                std::string_view type = "application/vnd.oci.image.layer.v1.tar+gzip") {
  return {{"mediaType", type}, {"digest", Digest::of(content).text()}, {"size", content.size()}};
}

json image() {
  return {{"schemaVersion", 2},
          {"mediaType", media_type::oci_manifest},
          {"config", descriptor("config", "application/vnd.oci.image.config.v1+json")},
          {"layers", json::array({descriptor("one"), descriptor("two")})}};
}

json child(const std::string& content, const std::string& os, const std::string& architecture,
           const std::string& variant = "") {
  auto entry = descriptor(content, media_type::oci_manifest);
  entry["platform"] = {{"os", os}, {"architecture", architecture}};
  if (!variant.empty()) entry["platform"]["variant"] = variant;
  return entry;
}

json index() {
  return {
      {"schemaVersion", 2},
      {"mediaType", media_type::oci_index},
      {"manifests", json::array({child("amd64", "linux", "amd64"), child("armv6", "linux", "arm", "v6"),
                                 child("armv7", "linux", "arm", "v7"), child("arm64", "linux", "arm64", "v8"),
                                 child("attestation", "unknown", "unknown")})}};
}

/// The message with which a text is refused as corrupt, empty when it is not.
std::string refusal(const std::string& text, std::string_view content_type = "") {
  try {
    parse_manifest(text, content_type);
    return {};
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::corrupt);
    return error.what();
  }
}
std::string refusal_of(const json& document, std::string_view content_type = "") {
  return refusal(document.dump(), content_type);
}

json with(json document, const std::string& pointer, json value) {
  document[json::json_pointer(pointer)] = std::move(value);
  return document;
}
json without(json document, const std::string& name) {
  document.erase(name);
  return document;
}
bool mentions(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("an image manifest is read") {
  auto document = image();
  document["annotations"] = {{"a", "b"}};
  document["subject"] = descriptor("subject", media_type::oci_manifest);
  document["artifactType"] = "application/x";
  document["layers"][0]["urls"] = {"https://example.com/x"};
  const auto manifest = parse_manifest(document.dump(), media_type::oci_manifest);
  CHECK_FALSE(manifest.is_index);
  CHECK(manifest.media_type == media_type::oci_manifest);
  REQUIRE(manifest.config);
  CHECK(manifest.config->digest == Digest::of("config"));
  REQUIRE(manifest.layers.size() == 2);
  CHECK(manifest.layers[1].digest == Digest::of("two"));
  CHECK(manifest.layers[1].size == 3);
  CHECK(manifest.layers[0].urls.at(0) == "https://example.com/x");
  CHECK(manifest.annotations.at("a") == "b");
  CHECK(manifest.subject->digest == Digest::of("subject"));
  CHECK(manifest.artifact_type == "application/x");
}

TEST_CASE("an artifact manifest is read, which has no schemaVersion") {
  const json artifact{{"mediaType", media_type::oci_artifact},
                      {"artifactType", "application/x"},
                      {"blobs", json::array({descriptor("one", "application/json")})},
                      {"subject", descriptor("subject", media_type::oci_manifest)},
                      {"annotations", {{"a", "b"}}}};
  const auto manifest = parse_manifest(artifact.dump(), "");
  CHECK(manifest.media_type == media_type::oci_artifact);
  CHECK_FALSE(manifest.is_index);
  CHECK_FALSE(manifest.config);
  REQUIRE(manifest.blobs.size() == 1);
  CHECK(manifest.blobs[0].digest == Digest::of("one"));
  CHECK(manifest.subject->digest == Digest::of("subject"));
  CHECK(manifest.artifact_type == "application/x");
  CHECK(manifest.annotations.at("a") == "b");
  CHECK(parse_manifest(without(artifact, "blobs").dump(), "").blobs.empty());
  CHECK(parse_manifest(without(artifact, "mediaType").dump(), media_type::oci_artifact).blobs.size() == 1);
  CHECK(mentions(refusal_of(without(artifact, "mediaType")), "schemaVersion is missing"));
  CHECK(mentions(refusal_of(artifact, media_type::oci_manifest), "registry sent it as"));
  for (const std::string name : {"config", "layers", "manifests"})
    CHECK(mentions(refusal_of(with(artifact, "/" + name, json::array())), "at the same time"));
  CHECK(mentions(refusal_of(with(artifact, "/fsLayers", json::array())), "schema 1"));
}

TEST_CASE("an index is read") {
  const auto manifest =
      parse_manifest(index().dump(), "application/vnd.oci.image.index.v1+json; charset=utf-8");
  CHECK(manifest.is_index);
  CHECK_FALSE(manifest.config);
  REQUIRE(manifest.manifests.size() == 5);
  CHECK(manifest.manifests[2].platform->text() == "linux/arm/v7");
}

TEST_CASE("the type comes from the body, else from the registry, else from the fields") {
  CHECK(parse_manifest(with(image(), "/mediaType", media_type::docker_manifest).dump(), "text/plain")
            .media_type == media_type::docker_manifest);
  const auto bare = without(image(), "mediaType");
  CHECK(parse_manifest(bare.dump(), "Application/VND.docker.distribution.manifest.v2+json").media_type ==
        media_type::docker_manifest);
  CHECK(parse_manifest(bare.dump(), "").media_type == media_type::oci_manifest);
  CHECK(parse_manifest(without(index(), "mediaType").dump(), "application/json").media_type ==
        media_type::oci_index);
}

TEST_CASE("fields that Go programs write as null count as empty") {
  auto document = image();
  document["layers"] = nullptr;
  document["annotations"] = nullptr;
  document["config"]["annotations"] = nullptr;
  CHECK(parse_manifest(document.dump(), "").layers.empty());
  CHECK(parse_manifest(with(index(), "/manifests", nullptr).dump(), "").manifests.empty());
}

TEST_CASE("D3: a document that is both image and index is corrupt") {
  CHECK(mentions(refusal_of(with(index(), "/layers", json::array())), "at the same time"));
  CHECK(mentions(refusal_of(with(index(), "/config", nullptr)), "at the same time"));
  CHECK(mentions(refusal_of(with(image(), "/manifests", json::array())), "at the same time"));
}

TEST_CASE("D3: a mediaType that contradicts the Content-Type or the fields is corrupt") {
  CHECK(mentions(refusal_of(image(), media_type::oci_index), "sent it as"));
  CHECK(mentions(refusal_of(image(), media_type::docker_manifest), "sent it as"));
  CHECK_FALSE(refusal_of(with(image(), "/mediaType", media_type::oci_index)).empty());
  CHECK_FALSE(refusal_of(with(index(), "/mediaType", media_type::oci_manifest)).empty());
  CHECK_FALSE(refusal_of(without(image(), "mediaType"), media_type::oci_index).empty());
  CHECK(mentions(refusal_of(with(image(), "/mediaType", "application/x-own")), "not supported"));
}

TEST_CASE("schema 1 is refused with advice") {
  const json old{{"schemaVersion", 1}, {"fsLayers", json::array()}, {"name", "x"}};
  CHECK(mentions(refusal_of(old, "application/vnd.docker.distribution.manifest.v1+prettyjws"), "schema 1"));
  CHECK(mentions(refusal_of(image(), "application/vnd.docker.distribution.manifest.v1+json"), "schema 1"));
  CHECK(mentions(refusal_of(with(image(), "/schemaVersion", 1)), "schema 1"));
}

TEST_CASE("C5: what is not a manifest is corrupt, and what came instead is quoted, bounded and escaped") {
  const auto html = refusal("<html>\x1b[31m" + std::string(100'000, 'x'), "text/html");
  CHECK(mentions(html, "<html>\\x1b[31m"));
  CHECK(html.size() < 400);
  CHECK_FALSE(refusal("").empty());
  CHECK_FALSE(refusal("null").empty());
  CHECK_FALSE(refusal("[]").empty());
  CHECK_FALSE(refusal("{}").empty());
  CHECK_FALSE(refusal(R"({"errors":[{"code":"UNKNOWN"}]})").empty());
  CHECK_FALSE(refusal(image().dump() + "x").empty());
  CHECK_FALSE(refusal("\x1f\x8b\x08").empty());
  CHECK_FALSE(refusal("{\"schemaVersion\":2,\"x\":\"\xff\"}").empty());
}

TEST_CASE("C5: a manifest that was cut anywhere is corrupt") {
  const auto whole = image().dump();
  for (std::size_t size = 0; size < whole.size(); ++size)
    REQUIRE_FALSE(refusal(whole.substr(0, size)).empty());
}

TEST_CASE("a manifest with a wrong field is corrupt, and the message names the place") {
  struct Wrong {
    std::string pointer;
    json value;
    std::string place;
  };
  const std::vector<Wrong> cases{
      {"/schemaVersion", 3, "schemaVersion"},
      {"/schemaVersion", "2", "schemaVersion"},
      {"/schemaVersion", 2.5, "schemaVersion"},
      {"/schemaVersion", nullptr, "schemaVersion"},
      {"/mediaType", 5, "mediaType"},
      {"/config", nullptr, "config"},
      {"/config", json::array(), "config"},
      {"/config/digest", "sha256:12", "config: digest"},
      {"/config/digest", nullptr, "digest"},
      {"/layers", json::object(), "layers"},
      {"/layers/1", 5, "layers[1]"},
      {"/layers/1/digest", "md5:00", "layers[1]: digest"},
      {"/layers/1/size", -1, "layers[1]: size"},
      {"/layers/1/size", 1.0, "size"},
      {"/layers/1/size", "5", "size"},
      {"/layers/1/size", nullptr, "size"},
      {"/layers/1/size", std::uint64_t{1} << 53, "size"},
      {"/layers/1/size", ~std::uint64_t{0}, "size"},
      {"/layers/1/mediaType", nullptr, "mediaType"},
      {"/layers/1/annotations", {{"a", 1}}, "annotations"},
      {"/layers/1/urls", "x", "urls"},
      {"/layers/1/urls", {1}, "urls"},
      {"/layers/1/platform", {{"os", "linux/../x"}, {"architecture", "y"}}, "platform"},
      {"/layers/1/platform", {{"os", 5}}, "platform"},
      {"/annotations", json::array(), "annotations"},
      {"/subject", {{"digest", "x"}}, "subject"},
  };
  for (const auto& [pointer, value, place] : cases) {
    CAPTURE(pointer, value.dump());
    CHECK(mentions(refusal_of(with(image(), pointer, value)), place));
  }
  CHECK(refusal_of(with(image(), "/layers/1/size", (std::uint64_t{1} << 53) - 1)).empty());
}

TEST_CASE("D4: repeated keys are corrupt at any depth, also when escaped differently") {
  auto text = image().dump();
  text.insert(1, R"("schemaVersion":2,)");
  CHECK(mentions(refusal(text), "twice"));
  text = image().dump();
  text.insert(text.find("\"digest\""), R"("di\u0067est":"x",)");
  CHECK(mentions(refusal(text), "twice"));
}

TEST_CASE("D4: JSON of any depth is refused without harm") {
  const auto nested = [](std::size_t depth) {
    return R"({"schemaVersion":2,"x":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  CHECK(mentions(refusal(nested(64)), "deeper"));
  CHECK(mentions(refusal(nested(100'000)), "deeper"));
  CHECK(mentions(refusal(std::string(1'000'000, '[')), "deeper"));
  CHECK_FALSE(mentions(refusal(nested(63)), "deeper"));
  std::string objects;
  for (int i = 0; i < 100'000; ++i)
    objects += R"({"a":)";
  CHECK(mentions(refusal(objects), "deeper"));
}

TEST_CASE("D4: a manifest that is too large or has too many parts is refused") {
  CHECK(mentions(refusal(std::string(max_manifest_bytes + 1, ' ')), "limit"));
  auto document = image();
  document["layers"] = json::array();
  for (std::size_t i = 0; i <= max_descriptors; ++i)
    document["layers"].push_back(descriptor("x"));
  CHECK(mentions(refusal_of(document), "limit"));
}

TEST_CASE("D4: a body of very many tiny parts is refused in time") {
  std::string text = R"({"schemaVersion":2,"x":[{})";
  while (text.size() < max_manifest_bytes / 8)
    text += ",{}";
  CHECK_FALSE(refusal(text + "]}").empty());
}

TEST_CASE("a damaged manifest is either read or corrupt, never anything else") {
  SeededRandom random(37);
  const auto whole = index().dump();
  for (int i = 0; i < 3'000; ++i) {
    auto text = whole;
    for (auto changes = random.next() % 4 + 1; changes > 0; --changes) {
      const auto at = random.next() % text.size();
      switch (random.next() % 3) {
        case 0:
          text[at] = static_cast<char>(random.next());
          break;
        case 1:
          text.erase(at, random.next() % 20);
          break;
        default:
          text.insert(at, text.substr(random.next() % text.size(), random.next() % 20));
      }
      if (text.empty()) break;
    }
    refusal(text, random.next() % 2 ? media_type::oci_index : "");
  }
}

TEST_CASE("the child of a platform is found in an index") {
  const auto manifest = parse_manifest(index().dump(), "");
  const auto chosen = [&](const Platform& platform) {
    const auto found = select_platform(manifest, platform);
    return found ? found->digest.text() : "none";
  };
  CHECK(chosen({"linux", "amd64", ""}) == Digest::of("amd64").text());
  CHECK(chosen({"linux", "arm", "v7"}) == Digest::of("armv7").text());
  CHECK(chosen({"linux", "arm", ""}) == Digest::of("armv6").text());
  CHECK(chosen({"linux", "arm64", ""}) == Digest::of("arm64").text());
  CHECK(chosen({"linux", "arm64", "v8"}) == Digest::of("arm64").text());
  CHECK(chosen({"linux", "arm", "v5"}) == "none");
  CHECK(chosen({"windows", "amd64", ""}) == "none");
  CHECK(chosen({"unknown", "unknown", ""}) == "none");
}

TEST_CASE("a child that is marked as an attestation is not an image, whatever platform it claims") {
  auto document = index();
  document["manifests"][0]["annotations"] = {{"vnd.docker.reference.type", "attestation-manifest"}};
  CHECK_FALSE(select_platform(parse_manifest(document.dump(), ""), {"linux", "amd64", ""}));
}
