#include "oci/semver.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using sluice::Error;
using sluice::oci::Version;
using sluice::oci::VersionRange;

namespace {

bool in(const std::string& range, const std::string& tag, bool pre_releases = false) {
  return VersionRange::parse(range).contains(Version::parse(tag).value(), pre_releases);
}

}  // namespace

TEST_CASE("tags that are versions, with and without v and all three numbers") {
  const auto version = Version::parse("v20.11.1-rc.1").value();
  CHECK(version.major == 20);
  CHECK(version.minor == 11);
  CHECK(version.patch == 1);
  CHECK(version.pre_release == std::vector<std::string>{"rc", "1"});
  CHECK(Version::parse("20").value().parts == 1);
  CHECK(Version::parse("20.1").value().parts == 2);
  CHECK(Version::parse("2024.01.05").has_value());
  CHECK(Version::parse("9-alpine").value().pre_release == std::vector<std::string>{"alpine"});
  for (const std::string tag : {"", "latest", "v", "1.x", "x", "1.2.3.4", "1..2", "1.2.3-", "1.-2",
                                "99999999999999999999", "1.2-a..b", "sha256-abc"}) {
    CAPTURE(tag);
    CHECK_FALSE(Version::parse(tag).has_value());
  }
}

TEST_CASE("precedence is that of semver.org, item 11") {
  const std::vector<std::string> ascending{"1.0.0-alpha",
                                           "1.0.0-alpha.1",
                                           "1.0.0-alpha.beta",
                                           "1.0.0-beta",
                                           "1.0.0-beta.2",
                                           "1.0.0-beta.11",
                                           "1.0.0-rc.1",
                                           "1.0.0",
                                           "1.0.1",
                                           "1.2",
                                           "2",
                                           "10.0.0"};
  for (std::size_t at = 1; at < ascending.size(); ++at) {
    CAPTURE(ascending[at]);
    CHECK(Version::parse(ascending[at - 1]).value() < Version::parse(ascending[at]).value());
  }
  CHECK(Version::parse("1.0").value() == Version::parse("v1.0.0").value());
}

TEST_CASE("ranges") {
  CHECK(in("^20", "20.11.1"));
  CHECK_FALSE(in("^20", "21.0.0"));
  CHECK(in("^0.2.3", "0.2.9"));
  CHECK_FALSE(in("^0.2.3", "0.3.0"));
  CHECK(in("^0.0.3", "0.0.3"));
  CHECK_FALSE(in("^0.0.3", "0.0.4"));
  CHECK(in("~1.2", "1.2.9"));
  CHECK_FALSE(in("~1.2", "1.3"));
  CHECK(in(">=18 <23", "18"));
  CHECK(in(">=18 <23", "22.99.1"));
  CHECK_FALSE(in(">=18 <23", "23"));
  CHECK(in(">= 18, < 23", "20"));
  CHECK(in("1.x", "1.9.3"));
  CHECK_FALSE(in("1.x", "2.0.0"));
  CHECK(in("1.2 - 2.3", "2.3.99"));
  CHECK_FALSE(in("1.2 - 2.3", "2.4.0"));
  CHECK(in("16 || >=18.1", "16.5.0"));
  CHECK_FALSE(in("16 || >=18.1", "18.0.9"));
  CHECK(in(">1.2", "1.3.0"));
  CHECK_FALSE(in(">1.2", "1.2.5"));
  CHECK(in("<=1.2", "1.2.5"));
  CHECK(in("1.2.3", "1.2.3"));
  CHECK_FALSE(in("1.2.3", "1.2.4"));
  CHECK(in("*", "3.1"));
  CHECK(in("", "3.1"));
}

TEST_CASE("pre-releases are in a range only when asked for") {
  CHECK_FALSE(in("^20", "20.1.0-rc.1"));
  CHECK(in("^20", "20.1.0-rc.1", true));
  CHECK_FALSE(in("^20", "20.0.0-rc.1", true));
}

TEST_CASE(
    "a range that ends before a version ends before its pre-releases, unless it names that version in full") {
  for (const std::string range :
       {"^20", "^20.1.2", "20", "20.x", "20.*", "~20", "<21", "<21.0", ">=18 <21", "<=20", "18 - 20"}) {
    CAPTURE(range);
    CHECK_FALSE(in(range, "21.0.0-rc.1", true));
    CHECK_FALSE(in(range, "21-alpine", true));
    CHECK_FALSE(in(range, "21.0.0-0", true));
    CHECK(in(range, "20.2.0-rc.1", true));
  }
  CHECK_FALSE(in(">=18 <23", "23.0.0-rc.1", true));
  CHECK_FALSE(in("<23", "23.0.0-rc.1", true));
  CHECK_FALSE(in("1.x", "2.0.0-beta", true));
  CHECK_FALSE(in("~1.2", "1.3.0-rc", true));
  CHECK_FALSE(in("^0.2.3", "0.3.0-rc", true));
  CHECK_FALSE(in("^0.0.3", "0.0.4-rc", true));
  CHECK(in("<23.0.0", "23.0.0-rc.1", true));
  CHECK(in("<=20.1.2", "20.1.2-rc.1", true));
  CHECK(in("<23-rc.2", "23.0.0-rc.1", true));
  CHECK_FALSE(in("<23-rc.2", "23.0.0-rc.2", true));
}

TEST_CASE("what is no range is refused with an example") {
  for (const std::string text : {"latest", ">=", "^", "1.2.3.4", "=>1", "1 -", "^x.1", "~~1", ">=18 <"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(VersionRange::parse(text), Error);
  }
}
