#include "oci/tag_filter.hpp"

#include "core/error.hpp"
#include "core/random.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::oci;
using Catch::Contains;
using Texts = std::vector<std::string>;

namespace {

const std::string signature_tag = "sha256-" + std::string(64, 'a') + ".sig";
const Texts node{"20",        "20.1",          "20.1.3",  "20-alpine",  "20.1-alpine", "20.1.3-alpine",
                 "22-alpine", "22.0.0-alpine", "22.0.0",  "18.20.1",    "latest",      "21.0.0-rc.1",
                 "lts",       "current-slim",  "v23.0.0", signature_tag};

std::string why_refused(TagRules rules) {
  try {
    const TagFilter filter(std::move(rules));
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid);
    return error.what();
  }
  return "accepted";
}

std::string version_of(const TagRules& rules, const std::string& tag) {
  const auto version = TagFilter(rules).version(tag);
  if (!version) return "none";
  auto text = std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
              std::to_string(version->patch);
  for (const auto& part : version->pre_release)
    text += "-" + part;
  return text;
}

// What '*' and '?' mean, written without any cleverness.
bool fits_slowly(std::string_view glob, std::string_view text) {
  if (glob.empty()) return text.empty();
  if (glob.front() == '*') {
    for (std::size_t skip = 0; skip <= text.size(); ++skip)
      if (fits_slowly(glob.substr(1), text.substr(skip))) return true;
    return false;
  }
  return !text.empty() && (glob.front() == '?' || glob.front() == text.front()) &&
         fits_slowly(glob.substr(1), text.substr(1));
}

}  // namespace

TEST_CASE("globs fit whole tags") {
  CHECK(fits_glob("20*-alpine", "20.1-alpine"));
  CHECK(fits_glob("20*-alpine", "20-alpine"));
  CHECK_FALSE(fits_glob("20*-alpine", "20-alpine3.19"));
  CHECK_FALSE(fits_glob("20*-alpine", "120-alpine"));
  CHECK(fits_glob("?.?", "1.2"));
  CHECK_FALSE(fits_glob("?.?", "1.20"));
  CHECK(fits_glob("*", ""));
  CHECK_FALSE(fits_glob("", "x"));
  CHECK_FALSE(fits_glob("a.c", "abc"));
}

TEST_CASE("property: globs fit as their definition says") {
  SeededRandom random(7);
  const auto text = [&](std::string_view letters, std::size_t most) {
    std::string made(static_cast<std::size_t>(random.next() % (most + 1)), ' ');
    for (auto& c : made)
      c = letters[static_cast<std::size_t>(random.next() % letters.size())];
    return made;
  };
  int fitting = 0;
  for (int round = 0; round < 20'000; ++round) {
    const auto glob = text("ab*?", 7);
    const auto tag = text("ab", 9);
    CAPTURE(glob, tag);
    const bool fits = fits_glob(glob, tag);
    fitting += fits ? 1 : 0;
    REQUIRE(fits == fits_slowly(glob, tag));
  }
  CHECK(fitting > 1000);
  CHECK(fitting < 19'000);
}

TEST_CASE("a glob with many stars does not take for ever") {
  std::string glob;
  for (int i = 0; i < 60; ++i)
    glob += "a*";
  CHECK_FALSE(fits_glob(glob + "b", std::string(128, 'a')));
}

TEST_CASE("rules that are empty take every tag but those of signatures") {
  const auto all = TagFilter(TagRules{}).select(node);
  CHECK(all.size() == node.size() - 1);
  CHECK(std::count(all.begin(), all.end(), signature_tag) == 0);
  CHECK(TagFilter({.artifacts = true}).select(node).size() == node.size());
  CHECK_FALSE(is_artifact_tag("sha256-abc"));
  CHECK(is_artifact_tag("sha256-" + std::string(64, '0')));
  CHECK(is_artifact_tag("sha512-" + std::string(64, 'f') + ".sig"));
  CHECK_FALSE(is_artifact_tag("sha384-" + std::string(64, '0')));
}

TEST_CASE("globs, a pattern, exclusions and a range must all agree") {
  const auto take = [](TagRules rules) { return TagFilter(std::move(rules)).select(node); };
  CHECK(take({.globs = {"20*-alpine"}}) == Texts{"20-alpine", "20.1-alpine", "20.1.3-alpine"});
  CHECK(take({.globs = {"lts", "latest"}}) == Texts{"latest", "lts"});
  CHECK(take({.match = R"(20\.\d+)"}) == Texts{"20.1"});
  CHECK(take({.globs = {"20*"}, .exclude = {"*-alpine", "20"}}) == Texts{"20.1", "20.1.3"});
  CHECK(take({.semver = "^20"}) == Texts{"20", "20.1", "20.1.3"});
  CHECK(take({.semver = ">=18 <21"}) == Texts{"20", "20.1", "20.1.3", "18.20.1"});
  CHECK(take({.match = R"(\d+\.\d+\.\d+)", .exclude = {"22*"}, .semver = ">=20"}) == Texts{"20.1.3"});
}

TEST_CASE("pre-releases are among the tags only when asked for") {
  CHECK(TagFilter({.semver = "^21"}).select(node).empty());
  CHECK(TagFilter({.match = R"(21.*)", .semver = ">=21.0.0-a", .pre_releases = true}).select(node) ==
        Texts{"21.0.0-rc.1"});
}

TEST_CASE("a version stands between the fixed words of a glob") {
  CHECK(version_of({.globs = {"*-alpine"}}, "20.1-alpine") == "20.1.0");
  CHECK(version_of({.globs = {"20*-alpine"}}, "20.1.3-alpine") == "20.1.3");
  CHECK(version_of({.globs = {"release-20.*"}}, "release-20.4") == "20.4.0");
  CHECK(version_of({.globs = {"v*"}}, "v1.2") == "1.2.0");
  CHECK(version_of({.globs = {"*.0"}}, "1.2.0") == "1.2.0");
  CHECK(version_of({.globs = {"*.0-slim"}}, "1.2.0-slim") == "1.2.0");
  CHECK(version_of({.globs = {"*-alpine", "*"}}, "20.1-slim") == "20.1.0-slim");
  CHECK(version_of({.globs = {"*"}}, "20.1-rc.1") == "20.1.0-rc-1");
  CHECK(version_of({.globs = {"lts"}}, "lts") == "none");
  CHECK(version_of({}, "latest") == "none");
  CHECK(TagFilter({.globs = {"*-alpine"}, .semver = "^20"}).select(node) ==
        Texts{"20-alpine", "20.1-alpine", "20.1.3-alpine"});
}

TEST_CASE("a pattern may say where the version stands") {
  const TagRules rules{.match = R"(jdk-(?P<version>\d+(\.\d+)*)_build(\d+)?.*)", .semver = ">=17"};
  CHECK(version_of(rules, "jdk-17.0.2_build8") == "17.0.2");
  CHECK(TagFilter(rules).select({"jdk-11.0.1_build3", "jdk-21_build", "17"}) == Texts{"jdk-21_build"});
  // The group takes no part in the match.
  CHECK(version_of({.match = R"((?P<version>\d+)|latest)"}, "latest") == "none");
}

TEST_CASE("the newest version comes first, what is no version last") {
  const auto ordered = TagFilter(TagRules{.globs = {"*"}, .exclude = {"*-*"}}).newest_first(node);
  CHECK(ordered == Texts{"v23.0.0", "22.0.0", "20.1.3", "20.1", "20", "18.20.1", "latest", "lts"});
  CHECK(TagFilter({.globs = {"*-alpine"}}).newest_first(node) ==
        Texts{"22.0.0-alpine", "22-alpine", "20.1.3-alpine", "20.1-alpine", "20-alpine"});
}

TEST_CASE("property: however a list is shuffled, the order of versions is the same") {
  SeededRandom random(3);
  Texts tags;
  for (int major = 0; major < 4; ++major)
    for (int minor = 0; minor < 12; minor += 5)
      for (const auto* form : {"%d.%d", "v%d.%d", "%d.%d.0", "%d.%d-rc.1"}) {
        char text[32];
        std::snprintf(text, sizeof text, form, major, minor);
        tags.emplace_back(text);
      }
  const TagFilter filter{TagRules{}};
  const auto expected = filter.newest_first(tags);
  for (std::size_t at = 1; at < expected.size(); ++at) {
    CAPTURE(expected[at - 1], expected[at]);
    REQUIRE(filter.version(expected[at - 1]).value() >= filter.version(expected[at]).value());
  }
  for (int round = 0; round < 50; ++round) {
    for (std::size_t i = tags.size() - 1; i > 0; --i)
      std::swap(tags[i], tags[static_cast<std::size_t>(random.next() % (i + 1))]);
    REQUIRE(filter.newest_first(tags) == expected);
  }
}

TEST_CASE("rules that cannot be read are refused with what is wrong") {
  CHECK_THAT(why_refused({.globs = {"20.[0-9]"}}), Contains("'20.[0-9]' cannot fit a tag because of '['"));
  CHECK_THAT(why_refused({.globs = {""}}), Contains("a glob is empty"));
  CHECK_THAT(why_refused({.exclude = {"a b"}}), Contains("cannot fit a tag because of ' '"));
  CHECK_THAT(why_refused({.match = "20.("}), Contains("'20.(' is no regular expression (RE2)"));
  CHECK_THAT(why_refused({.match = "((a{100}){100}){100}"}), Contains("is no regular expression (RE2)"));
  CHECK_THAT(why_refused({.semver = ">=x20"}), Contains("is no version range"));
}
