#include "registry/kept_manifests.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::registry;

namespace {

const oci::Repository here{"docker.io", "library/node"};
const oci::Repository elsewhere{"docker.io", "library/other"};

KeptManifest of(std::string bytes) {
  auto digest = oci::Digest::of(bytes);
  return {std::move(digest), "type", std::move(bytes)};
}

}  // namespace

TEST_CASE("a kept manifest is given once, to its own repository") {
  KeptManifests kept;
  const auto one = of("one");
  kept.keep(here, one);
  CHECK_FALSE(kept.take(elsewhere, one.digest));
  const auto taken = kept.take(here, one.digest);
  REQUIRE(taken);
  CHECK(taken->bytes == "one");
  CHECK_FALSE(kept.take(here, one.digest));
}

TEST_CASE("what is kept is bounded") {
  KeptManifests kept;
  const auto size = KeptManifests::limit / 4;
  std::vector<oci::Digest> digests;
  for (char c = 'a'; c < 'k'; ++c) {
    auto manifest = of(std::string(size, c));
    digests.push_back(manifest.digest);
    kept.keep(here, manifest);
    kept.keep(here, std::move(manifest));  // the same again counts once
  }
  int there = 0;
  for (const auto& digest : digests)
    there += kept.take(here, digest).has_value();
  CHECK(there >= 1);
  CHECK(there <= 4);
  const auto huge = of(std::string(KeptManifests::limit + 1, 'x'));
  kept.keep(here, huge);
  CHECK_FALSE(kept.take(here, huge.digest));
}
