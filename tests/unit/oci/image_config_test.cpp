#include "core/error.hpp"
#include "oci/manifest.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::oci;

namespace {
const std::string a = Digest::of("a").text();
const std::string b = Digest::of("b").text();

std::string config_refusal(std::string_view text) {
  try {
    parse_image_config(text);
    return {};
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::corrupt);
    return error.what();
  }
}
}  // namespace

TEST_CASE("an image config gives platform, layers, labels and creation time") {
  const auto config = parse_image_config(
      R"({"architecture":"arm","os":"linux","variant":"v7","created":"2026-01-02T03:04:05Z",
    "config":{"Env":["A=b"],"Labels":{"org.opencontainers.image.base.digest":"x"}},
    "rootfs":{"type":"layers","diff_ids":[")" +
      a + R"(",")" + b + R"("]},"history":[{"empty_layer":true}]})");
  CHECK(config.platform.text() == "linux/arm/v7");
  CHECK(config.created == "2026-01-02T03:04:05Z");
  REQUIRE(config.diff_ids.size() == 2);
  CHECK(config.diff_ids[1].text() == b);
  CHECK(config.labels.at("org.opencontainers.image.base.digest") == "x");
}

TEST_CASE("an image without layers and labels is fine") {
  const auto config = parse_image_config(
      R"({"os":"linux","architecture":"amd64","config":{"Labels":null},"rootfs":{"type":"layers","diff_ids":null}})");
  CHECK(config.diff_ids.empty());
  CHECK(config.labels.empty());
}

TEST_CASE("what is not an image config is corrupt") {
  CHECK_FALSE(config_refusal("").empty());
  CHECK_FALSE(config_refusal("{}").empty());
  CHECK_FALSE(config_refusal("[]").empty());
  CHECK_FALSE(config_refusal(R"({"rootfs":[]})").empty());
  CHECK_FALSE(config_refusal(R"({"rootfs":{"diff_ids":["nonsense"]}})").empty());
  CHECK_FALSE(config_refusal(R"({"rootfs":{"diff_ids":[1]}})").empty());
  CHECK_FALSE(config_refusal(R"({"rootfs":{},"os":1})").empty());
  CHECK_FALSE(config_refusal(R"({"rootfs":{},"config":{"Labels":{"a":1}}})").empty());
}
