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

TEST_CASE("a registry whose mounts are in doubt may be probed again, twice until it tells blobs apart") {
  SelfMounts mounts;
  const auto doubt_again = [&] {
    REQUIRE(mounts.may_be_probed());
    mounts.probed();
    mounts.doubted();
    mounts.doubted();  // of the same word, by another upload
    CHECK_FALSE(mounts.is_asked());
  };
  doubt_again();
  doubt_again();
  mounts.probed();
  mounts.affirmed();
  mounts.told_apart();
  mounts.doubted();
  doubt_again();
  doubt_again();
  CHECK_FALSE(mounts.may_be_probed());
}

TEST_CASE("a probe that was not answered is made again, as often as it takes; what is known stays known") {
  SelfMounts mounts;
  for (int times = 0; times < 5; ++times) {
    mounts.probed();
    mounts.unanswered();
    REQUIRE(mounts.may_be_probed());
  }
  mounts.probed();
  mounts.affirmed();
  mounts.unanswered();
  CHECK(mounts.is_asked());
}
