#include "dependents/confirm.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::dependents;

namespace {

oci::Digest layer(const std::string& name) {
  return oci::Digest::of(name);
}

oci::ImageConfig image(const std::vector<std::string>& layers,
                       std::map<std::string, std::string> labels = {}) {
  oci::ImageConfig config;
  for (const auto& name : layers)
    config.diff_ids.push_back(layer(name));
  config.labels = std::move(labels);
  return config;
}

using Texts = std::map<std::string, std::string>;
const std::string key = "org.opencontainers.image.base.digest";
const oci::Digest index_digest = oci::Digest::of("index");
const oci::Digest manifest_digest = oci::Digest::of("manifest");
const std::vector<oci::Digest> base_digests{index_digest, manifest_digest};

Confirmation compared(const oci::ImageConfig& built, const oci::ImageConfig& base,
                      const Texts& annotations = {}) {
  return compare(built, annotations, base, base_digests);
}

}  // namespace

TEST_CASE("an image that begins with all layers of the base sits on it") {
  for (const auto& built : {image({"a", "b", "c"}), image({"a", "b"})}) {
    const auto found = compared(built, image({"a", "b"}));
    CHECK(found.confirmed);
    CHECK(found.how == "layers");
  }
}

TEST_CASE("an image with other layers does not sit on the base, and it is told how many differ") {
  const auto found = compared(image({"a", "x", "y", "z", "w", "app"}), image({"a", "b", "c", "d", "e"}));
  CHECK_FALSE(found.confirmed);
  CHECK(found.how == "4 of 5 base layers differ");
}

TEST_CASE("layers in another order, or later in the image, do not count") {
  CHECK_FALSE(compared(image({"b", "a"}), image({"a", "b"})).confirmed);
  CHECK_FALSE(compared(image({"x", "a", "b"}), image({"a", "b"})).confirmed);
}

TEST_CASE("layers that differ win over an annotation or label that names the base") {
  const Texts naming{{key, index_digest.text()}};
  CHECK_FALSE(compared(image({"x", "app"}), image({"a"}), naming).confirmed);
  CHECK_FALSE(compared(image({"x", "app"}, naming), image({"a"})).confirmed);
}

TEST_CASE("where layers cannot tell, an annotation or label with a digest of the base does") {
  for (const auto& digest : base_digests) {
    const Texts naming{{key, digest.text()}};
    const auto squashed = compared(image({"all"}), image({"a", "b"}), naming);
    CHECK(squashed.confirmed);
    CHECK(squashed.how == "annotation");
    CHECK(compared(image({"all"}, naming), image({"a", "b"})).confirmed);
    CHECK(compared(image({"all"}), image({}), naming).confirmed);
  }
  const Texts naming_other{{key, oci::Digest::of("older").text()}};
  CHECK_FALSE(compared(image({"all"}), image({"a", "b"}), naming_other).confirmed);
  CHECK_FALSE(compared(image({"all"}), image({"a", "b"}), {{key, "nonsense"}}).confirmed);
}

TEST_CASE("an image may begin with the layers of the new base and still sit on the one that was replaced") {
  const std::vector<oci::Digest> replaced_digests{oci::Digest::of("replaced")};
  const auto sits = [&](const oci::ImageConfig& built, const oci::ImageConfig& base,
                        const oci::ImageConfig& replaced, const Texts& annotations = {}) {
    return sits_on_replaced(built, annotations, base, replaced, replaced_digests);
  };
  const Texts naming{{key, replaced_digests[0].text()}};
  CHECK(sits(image({"a", "fix", "app"}), image({"a"}), image({"a", "fix"})));
  CHECK_FALSE(sits(image({"a", "app"}), image({"a"}), image({"a", "fix"})));
  CHECK_FALSE(sits(image({"a", "fix", "app"}), image({"a", "fix"}), image({"a"})));
  // Layers that tell the bases apart win over an annotation.
  CHECK_FALSE(sits(image({"b", "app"}), image({"b"}), image({"a"}), naming));
  CHECK_FALSE(sits(image({"a", "app"}), image({"a"}), image({"a", "fix"}), naming));
  CHECK(sits(image({"a", "app"}), image({"a"}), image({"a"}), naming));
  CHECK_FALSE(sits(image({"a", "app"}, naming), image({"a"}), image({"a"})));
  CHECK_FALSE(sits(image({"a", "app"}), image({"a"}), image({"a"})));
}

TEST_CASE("a base without layers confirms nothing by itself") {
  CHECK_FALSE(compared(image({"a"}), image({})).confirmed);
  CHECK_FALSE(compared(image({}), image({})).confirmed);
}

TEST_CASE("an image with fewer layers than the base and no word about it does not sit on it") {
  CHECK(compared(image({"a"}), image({"a", "b"})).how == "it has 1 layers, the base has 2");
}
