#include "registry/self_mounts.hpp"

#include <catch2/catch.hpp>

using sluice::registry::SelfMounts;

TEST_CASE("a registry is asked by mounts after a 201, and believed after a 202 too") {
  SelfMounts mounts;
  CHECK(mounts.may_be_probed());
  CHECK_FALSE(mounts.is_asked());
  mounts.probed();
  CHECK_FALSE(mounts.may_be_probed());
  CHECK_FALSE(mounts.is_asked());
  mounts.affirmed();
  CHECK(mounts.is_asked());
  CHECK_FALSE(mounts.is_proven());
  mounts.told_apart();
  CHECK(mounts.is_asked());
  CHECK(mounts.is_proven());
}

TEST_CASE("a registry that was found not to tell by mounts is not asked again, whatever comes after") {
  SelfMounts mounts;
  mounts.probed();
  mounts.affirmed();
  mounts.disproved();
  mounts.told_apart();
  mounts.doubted();
  mounts.probed();
  mounts.affirmed();
  CHECK_FALSE(mounts.may_be_probed());
  CHECK_FALSE(mounts.is_asked());
}

TEST_CASE("a registry whose mounts are in doubt may be probed again, twice") {
  SelfMounts mounts;
  mounts.probed();
  mounts.affirmed();
  mounts.told_apart();
  mounts.doubted();
  mounts.doubted();  // of the same word
  CHECK_FALSE(mounts.is_asked());
  for (int doubts = 1; doubts < 3; ++doubts) {
    REQUIRE(mounts.may_be_probed());
    mounts.probed();
    mounts.doubted();
  }
  CHECK_FALSE(mounts.may_be_probed());
}
