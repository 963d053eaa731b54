#include "registry/image_names.hpp"

#include "core/error.hpp"

#include <string>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::registry;

namespace {
using Places = std::vector<std::size_t>;
const std::string hex(64, 'a');
}  // namespace

TEST_CASE("an image is called by its whole name before it is called by its tag") {
  const std::vector<ImageNames> images{
      {"docker.io/library/node:20"}, {"team/app:20", "team/app:latest"}, {"9"}, {}};
  CHECK(called(images, "docker.io/library/node:20") == Places{0});
  CHECK(called(images, "node:20") == Places{0});
  CHECK(called(images, "docker.io/team/app:20") == Places{1});
  CHECK(called(images, "team/app") == Places{1});
  CHECK(called(images, "latest") == Places{1});
  CHECK(called(images, "20") == Places{0, 1});
  CHECK(called(images, "9") == Places{2});
  CHECK(called(images, "docker.io/library/9:latest").empty());
  CHECK(called(images, "node:21").empty());
  CHECK(called(images, "no name").empty());
  CHECK(called({{"a/b:1"}, {"c/d:a"}}, "a") == Places{1});
}

TEST_CASE("an image is chosen by its position in a list, and one that is not there is refused") {
  CHECK(at_position("@0", 1, "oci:x") == 0);
  CHECK(at_position("@2", 3, "oci:x") == 2);
  CHECK_FALSE(at_position("20", 3, "oci:x").has_value());
  CHECK_THROWS_WITH(at_position("@3", 3, "oci:x"), "oci:x has no @3: it lists 3 images, @0 to @2");
  CHECK_THROWS_WITH(at_position("@1", 1, "oci:x"), "oci:x has no @1: it lists one image, @0");
  CHECK_THROWS_WITH(at_position("@0", 0, "oci:x"), "oci:x has no @0: it lists no image");
  CHECK_THROWS_AS(at_position("@", 3, "oci:x"), Error);
}

TEST_CASE("a choice that is left to a person comes with names") {
  try {
    refuse_choice("oci:x", "", {{"1"}, {"2\x1b"}, {}});
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid);
    CHECK_THAT(error.what(), Catch::Contains("oci:x holds 3 images") && Catch::Contains("(1, 2\\x1b)"));
  }
}

TEST_CASE("tags of referrers are told from others") {
  for (const std::string end : {"", ".sig", ".att", ".sbom"})
    CHECK(is_referrers_tag("sha256-" + hex + end));
  for (const std::string& tag : {"sha256-" + hex + ".x", "sha256-" + hex.substr(1), "sha256-" + hex + "a",
                                 std::string("20"), std::string(), "sha256-" + std::string(64, 'A')}) {
    CAPTURE(tag);
    CHECK_FALSE(is_referrers_tag(tag));
  }
}
