#include "watch/tag_set.hpp"

#include "core/random.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::watch;
using config::TagSet;
using Texts = std::vector<std::string>;

namespace {

config::Pipeline set_of(TagSet tags) {
  config::Pipeline set;
  set.name = "node";
  set.upstream.repository = oci::Repository::parse("docker.io/library/node");
  set.staging = oci::Repository::parse("r.io/staging/node");
  set.target = oci::Repository::parse("r.io/base/node");
  set.stable_tag = "{tag}";
  set.unique_tag = "{tag}-{run}";
  set.tags = std::make_shared<const TagSet>(std::move(tags));
  return set;
}

TagSet rules(oci::TagRules rules) {
  TagSet set;
  set.filter = oci::TagFilter(std::move(rules));
  return set;
}

TagChoice chosen(const TagSet& tags, Texts listed, const Created& created = {}) {
  return choose(set_of(tags), std::move(listed), created);
}

}  // namespace

TEST_CASE("a set watches what its rules accept, the newest first") {
  const auto choice = chosen(rules({.semver = "^20"}), {"20.1.0", "18.0.0", "20.9.1", "latest", "20.10.0"});
  CHECK(choice.watched == Texts{"20.10.0", "20.9.1", "20.1.0"});
  CHECK(choice.matched == 3);
  CHECK(choice.excess == 0);
}

TEST_CASE("tags that no staging repository can be called after are left out and told") {
  auto set = set_of(rules({.globs = {"*"}}));
  set.staging = oci::Repository{"r.io", "staging/node/{tag}"};
  const auto choice = choose(set, {"20.1", "20-Alpine", "20-alpine", "20_"}, {});
  CHECK(choice.watched == Texts{"20.1", "20-alpine"});
  CHECK(choice.unstaged == Texts{"20-Alpine", "20_"});
  CHECK(choice.matched == 2);
}

TEST_CASE("the newest of a set are its highest versions") {
  auto set = rules({.globs = {"*-alpine"}, .exclude = {"*-rc*"}, .semver = ">=18"});
  set.newest = 2;
  const auto choice =
      chosen(set, {"18-alpine", "20.1-alpine", "22.3-alpine", "9-alpine", "23.0-rc.1-alpine", "22.3"});
  CHECK(choice.watched == Texts{"22.3-alpine", "20.1-alpine"});
  CHECK(choice.matched == 3);
  CHECK(choice.excess == 0);
}

TEST_CASE("the newest of a set by time are its latest images, whatever their tags say") {
  const std::map<std::string, Time> times{{"a", Time(std::chrono::hours(3))},
                                          {"b", Time(std::chrono::hours(9))},
                                          {"c", Time(std::chrono::hours(5))}};
  auto set = rules({.globs = {"?"}});
  set.newest = 2;
  set.by = TagSet::Order::created;
  const auto created = [&](const std::string& tag) -> std::optional<Time> {
    const auto found = times.find(tag);
    return found == times.end() ? std::nullopt : std::optional(found->second);
  };
  CHECK(chosen(set, {"a", "x", "b", "c"}, created).watched == Texts{"b", "c"});
  // What has no time is older than everything.
  set.newest = 4;
  CHECK(chosen(set, {"x", "a", "b", "c"}, created).watched == Texts{"b", "c", "a", "x"});
}

TEST_CASE("more tags than the limit are not watched, and counted") {
  auto set = rules({.globs = {"*"}});
  set.limit = 3;
  const auto choice = chosen(set, {"1", "2", "3", "4", "5"});
  CHECK(choice.watched == Texts{"5", "4", "3"});
  CHECK(choice.matched == 5);
  CHECK(choice.excess == 2);
}

TEST_CASE("a tag that is listed twice is watched once") {
  CHECK(chosen(rules({.globs = {"*"}}), {"1", "2", "1"}).watched == Texts{"2", "1"});
}

TEST_CASE("a tag whose promotion would be under no valid tag is not watched") {
  const std::string longest(128, 'a');
  const auto choice = chosen(rules({.globs = {"a*"}}), {longest, "a1"});
  CHECK(choice.watched == Texts{"a1"});
  CHECK(choice.refused == Texts{longest});
}

TEST_CASE("C7: what is gone is told from what is not chosen any more") {
  const auto changes = compare({"a", "b", "c"}, {"d", "b"}, {"b", "c", "d", "e"});
  CHECK(changes == TagChanges{.added = {"d"}, .withdrawn = {"a"}, .left = {"c"}});
  CHECK(compare({"a"}, {"a"}, {"a", "b"}) == TagChanges{});
}

TEST_CASE("property: what was watched and what changed give what is watched, within every bound") {
  SeededRandom random(11);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random.next() % limit); };
  Texts known;
  for (int round = 0; round < 500; ++round) {
    Texts listed;
    for (int tag = 0; tag < 30; ++tag)
      if (below(2) == 0) listed.push_back(std::to_string(tag) + (below(3) == 0 ? "-rc.1" : ""));
    auto set = rules(below(2) == 0 ? oci::TagRules{.semver = ">=" + std::to_string(below(30))}
                                   : oci::TagRules{.globs = {"*"}});
    set.newest = below(2) == 0 ? 0 : 1 + below(10);
    set.limit = 1 + below(20);
    const auto choice = chosen(set, listed);
    REQUIRE(choice.watched.size() <= set.limit);
    if (set.newest > 0) REQUIRE(choice.watched.size() <= set.newest);
    for (const auto& tag : choice.watched) {
      REQUIRE(std::count(listed.begin(), listed.end(), tag) >= 1);
      REQUIRE(set.filter.accepts(tag));
    }
    const auto changes = compare(known, choice.watched, listed);
    std::set<std::string> now(known.begin(), known.end());
    for (const auto& tag : changes.withdrawn) {
      REQUIRE(std::count(listed.begin(), listed.end(), tag) == 0);
      REQUIRE(now.erase(tag) == 1);
    }
    for (const auto& tag : changes.left)
      REQUIRE(now.erase(tag) == 1);
    for (const auto& tag : changes.added)
      REQUIRE(now.insert(tag).second);
    REQUIRE(now == std::set<std::string>(choice.watched.begin(), choice.watched.end()));
    known = choice.watched;
  }
}
