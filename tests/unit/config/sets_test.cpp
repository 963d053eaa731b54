// Pipelines that are sets of tags.

#include "core/random.hpp"
#include "unit/config/support.hpp"

#include <algorithm>

using namespace sluice::config;
using namespace sluice::config::test;
using namespace sluice;
using Catch::Contains;
using Texts = std::vector<std::string>;

namespace {

std::string set_named(const std::string& name, const std::string& upstream, const std::string& tags,
                      const std::string& target, const std::string& stable = "{tag}") {
  return "  - {name: " + name + ", upstream: {repository: r.io/" + upstream + ", tags: " + tags +
         "}, staging: r.io/staging, promote: {to: r.io/" + target + ", tags: ['" + stable + "', '" + stable +
         "-{run}']}}\n";
}

std::string one_set(const std::string& tags, const std::string& stable = "{tag}") {
  return "pipelines:\n" + set_named("a", "up/a", tags, "base/a", stable);
}

std::string plain(const std::string& name, const std::string& upstream, const std::string& target,
                  const std::string& tag) {
  return "  - {name: " + name + ", upstream: 'r.io/" + upstream +
         "', staging: r.io/staging, promote: {to: r.io/" + target + ", tags: ['" + tag + "', '" + tag +
         "-{run}']}}\n";
}

std::string dependent_on(const std::string& image, const std::string& from) {
  return "dependents:\n  - {image: 'r.io/" + image + "', from: ['r.io/" + from +
         "'], rebuild: {exec: {run: [x]}}}\n";
}

}  // namespace

TEST_CASE("a set is read with all that it may say") {
  const auto config =
      good(one_set("{glob: '20*', match: '.*', exclude: ['*-rc*', '*-slim'], semver: '>=18 <23', "
                   "pre_releases: true, newest: 5, by: created, limit: 7, initial: none}"));
  const auto& set = config->pipelines[0];
  REQUIRE(set.is_set());
  CHECK(set.upstream.repository.text() == "r.io/up/a");
  CHECK_FALSE(set.upstream.tag);
  const auto& rules = set.tags->filter.rules();
  CHECK(rules.globs == Texts{"20*"});
  CHECK(rules.match == ".*");
  CHECK(rules.exclude == Texts{"*-rc*", "*-slim"});
  CHECK(rules.semver == ">=18 <23");
  CHECK(rules.pre_releases);
  CHECK(set.tags->newest == 5);
  CHECK(set.tags->by == TagSet::Order::created);
  CHECK(set.tags->limit == 7);
  CHECK_FALSE(set.tags->initial);
}

TEST_CASE("each tag may be staged in a repository of its own") {
  const auto staged = [](const std::string& staging, const std::string& promote = "base/a") {
    auto text = set_named("a", "up/a", "{glob: '*', exclude: [secret]}", promote);
    const std::string before = "staging: r.io/staging";
    text.replace(text.find(before), before.size(), "staging: '" + staging + "'");
    return "pipelines:\n" + text;
  };
  const auto config = good(staged("r.io:5000/in/a-{tag}/x"));
  CHECK(config->pipelines[0].staging.text() == "r.io:5000/in/a-{tag}/x");
  CHECK(config->watched("a:20.1")->staging.text() == "r.io:5000/in/a-20.1/x");
  CHECK(config->watched("a:20.1")->can_be_staged());
  CHECK_FALSE(config->watched("a:Alpine")->can_be_staged());
  CHECK_FALSE(config->watched("a:1_")->can_be_staged());
  CHECK(config->pipelines[0].tag_staged_in(oci::Repository::parse("r.io:5000/in/a-9/x")) == "9");
  CHECK_THAT(wrong(staged("{tag}.io/in/a")), Contains("{tag} must stand in the path"));
  CHECK_THAT(wrong(staged("r.io/{tag}/{tag}")), Contains("only once"));
  CHECK_THAT(wrong(staged("r.io/In/{tag}")), Contains("lower case"));
  CHECK_THAT(wrong(staged("r.io/base/{tag}")), Contains("staging and promotion are the same"));
  CHECK_THAT(wrong(staged("r.io/up/{tag}")), Contains("staging is the upstream"));
  const auto other = plain("b", "up/b:1", "in/b", "1");
  CHECK_THAT(wrong(staged("r.io/in/{tag}") + other),
             Contains("another pipeline promotes to this repository"));
  good(staged("r.io/in/{tag}") + plain("b", "up/b:1", "in/secret", "1"));
  good(staged("r.io/in/{tag}/x") + other);
}

TEST_CASE("a pipeline of one tag may name it in its staging, too") {
  const std::string begin = "pipelines:\n  - {name: a, staging: 'r.io/in/{tag}', upstream: 'r.io/up/a:";
  const std::string end = "', promote: {to: r.io/base/a, tags: ['{tag}', '{tag}-{run}']}}\n";
  CHECK(good(begin + "20.1" + end)->pipelines[0].staging.text() == "r.io/in/20.1");
  CHECK_THAT(wrong(begin + "20-Alpine" + end), Contains("lower case"));
}

TEST_CASE("a set takes all tags at its start, up to a limit, unless it says otherwise") {
  const auto set = good(one_set("{semver: '*'}"))->pipelines[0].tags;
  CHECK(set->newest == 0);
  CHECK(set->limit == 100);
  CHECK(set->initial);
  CHECK(set->by == TagSet::Order::version);
  CHECK(good(one_set("{newest: 500}"))->pipelines[0].tags->limit == 500);
}

TEST_CASE("a member is a pipeline of its own") {
  const auto config = good(one_set("{glob: '*'}", "{tag}-tested"));
  const auto member = config->watched("a:20.1").value();
  CHECK(member.name == "a:20.1");
  CHECK(member.upstream.text() == "r.io/up/a:20.1");
  CHECK(member.stable_tag == "20.1-tested");
  CHECK(member.unique_tag_for("ca1a") == "20.1-tested-ca1a");
  CHECK_FALSE(member.is_set());
  CHECK_FALSE(config->watched("a"));  // the set itself watches no single tag
  CHECK_FALSE(config->watched("b:20.1"));
  CHECK_FALSE(config->watched("a:"));
  CHECK_FALSE(config->watched("a:x y"));
  CHECK(config->pipeline("a"));
  CHECK_FALSE(config->pipeline("a:20.1"));
}

TEST_CASE("a pipeline of one tag has no members") {
  const auto config = good("pipelines:\n" + plain("a", "up/a:1", "base/a", "1"));
  CHECK(config->watched("a"));
  CHECK_FALSE(config->watched("a:1"));
}

TEST_CASE("a pipeline of one tag may promote under its upstream's tag") {
  const auto config = good("pipelines:\n" + plain("a", "up/a:20.1", "base/a", "{tag}"));
  CHECK(config->pipelines[0].stable_tag == "20.1");
  CHECK(config->pipelines[0].unique_tag == "20.1-{run}");
}

TEST_CASE("property: the tag behind a stable tag is the tag of the member that promotes to it") {
  SeededRandom random(5);
  const std::string letters = "ab1.-_";
  const auto text = [&](std::size_t most) {
    std::string made;
    for (auto left = random.next() % (most + 1); left > 0; --left)
      made += letters[static_cast<std::size_t>(random.next() % letters.size())];
    return made;
  };
  Pipeline set;
  set.name = "s";
  set.tags = std::make_shared<const TagSet>();
  int valid = 0;
  for (int round = 0; round < 5000; ++round) {
    set.stable_tag = text(3) + "{tag}" + text(3);
    const auto tag = text(6);
    if (!oci::is_valid_tag(tag)) continue;
    ++valid;
    CAPTURE(set.stable_tag, tag);
    REQUIRE(set.tag_behind(set.member(tag).stable_tag) == tag);
  }
  CHECK(valid > 1000);
}

TEST_CASE("what a set says wrongly is told at its place, all at once") {
  const auto told = wrong(
      "pipelines:\n  - name: a\n    upstream:\n      repository: r.io/up/a\n      tags:\n        glob: "
      "['x[']\n"
      "        match: '('\n        semver: abc\n        by: created\n        limit: 0\n        newst: 3\n"
      "    staging: r.io/s\n    promote: {to: r.io/t, tags: ['9', '9-{run}']}\n");
  CHECK_THAT(told, Contains("sluice.yaml:6:15: 'x[' cannot fit a tag because of '['"));
  CHECK_THAT(told, Contains("sluice.yaml:7:16: '(' is no regular expression"));
  CHECK_THAT(told, Contains("sluice.yaml:8:17: 'abc' is no version range"));
  CHECK_THAT(told, Contains("'by' says what 'newest' looks at, which is not there"));
  CHECK_THAT(told, Contains("'limit' must be a whole number from 1"));
  CHECK_THAT(told, Contains("unknown key 'newst'\n    did you mean 'newest'?"));
  CHECK_THAT(told, Contains("the stable tag of a set must have {tag} in it once"));
}

TEST_CASE("a set must say which tags, and of what") {
  CHECK_THAT(wrong(one_set("{}")), Contains("'tags' must say which tags: glob, match, semver or newest"));
  CHECK_THAT(wrong(one_set("{exclude: x}")), Contains("'tags' must say which tags"));
  CHECK_THAT(
      wrong("pipelines:\n  - {name: a, upstream: {}, staging: r.io/s, promote: {to: r.io/t, tags: ['{tag}', "
            "'{run}']}}\n"),
      Contains("'repository' is missing") && Contains("'tags' is missing: which tags are watched?"));
  CHECK_THAT(wrong(one_set("{glob: '*', pre_releases: true}")),
             Contains("'pre_releases' says something about 'semver'"));
  CHECK_THAT(wrong(one_set("{newest: 9, limit: 3}")), Contains("'limit' is smaller than 'newest'"));
}

TEST_CASE("each tag of a set is promoted to a tag of its own") {
  for (const auto* stable : {"9", "{tag}-{tag}"})
    CHECK_THAT(wrong(one_set("{glob: '*'}", stable)), Contains("must have {tag} in it once"));
  good(one_set("{glob: '*'}", "x-{tag}"));
}

TEST_CASE("F4: a set and a pipeline of one tag that promote to one tag are refused") {
  const auto told = wrong("pipelines:\n" + set_named("a", "up/a", "{glob: '20*'}", "base/a") +
                          plain("b", "up/b:1", "base/a", "20.1"));
  CHECK_THAT(told, Contains("two pipelines promote to r.io/base/a:20.1: see line 2"));
  CHECK_THAT(told, Contains("exclude the tag from the set"));
  good("pipelines:\n" + set_named("a", "up/a", "{glob: '20*', exclude: '20.1'}", "base/a") +
       plain("b", "up/b:1", "base/a", "20.1"));
  good("pipelines:\n" + set_named("a", "up/a", "{glob: '20*'}", "base/a", "x-{tag}") +
       plain("b", "up/b:1", "base/a", "20.1"));
}

TEST_CASE("F4: two sets that are bound to promote to one tag are refused, two that may not be are not") {
  CHECK_THAT(wrong("pipelines:\n" + set_named("a", "up/a", "{glob: '20*'}", "base/a") +
                   set_named("b", "up/b", "{glob: '20*'}", "base/a")),
             Contains("two pipelines promote to r.io/base/a:{tag}: see line 2"));
  CHECK_THAT(wrong("pipelines:\n" + set_named("a", "up/a", "{glob: ['20', '22']}", "base/a") +
                   set_named("b", "up/b", "{semver: '^20'}", "base/a")),
             Contains("two pipelines promote to"));
  good("pipelines:\n" + set_named("a", "up/a", "{semver: '^20'}", "base/a") +
       set_named("b", "up/a", "{semver: '^22'}", "base/a"));
  good("pipelines:\n" + set_named("a", "up/a", "{glob: '*'}", "base/a", "{tag}-a") +
       set_named("b", "up/a", "{glob: '*'}", "base/a", "{tag}-b"));
}

TEST_CASE("F4: a set that promotes into what it watches is refused") {
  CHECK_THAT(wrong("pipelines:\n" + set_named("a", "base/a", "{glob: '20*'}", "base/a", "ok-{tag}")),
             Contains("the set promotes to the repository that it watches"));
}

TEST_CASE("F4: circles through sets are refused") {
  CHECK_THAT(wrong("pipelines:\n" + set_named("a", "up/a", "{glob: '*'}", "base/a") +
                   set_named("b", "base/a", "{glob: '*'}", "up/a")),
             Contains("this closes a loop"));
  CHECK_THAT(wrong("pipelines:\n" + set_named("a", "team/x", "{glob: '*'}", "base/a") +
                   dependent_on("team/x:latest", "base/a:20")),
             Contains("this closes a loop"));
  // The set takes no such tag.
  good("pipelines:\n" + set_named("a", "team/x", "{semver: '*'}", "base/a") +
       dependent_on("team/x:latest", "base/a:20"));
  good("pipelines:\n" + set_named("a", "up/a", "{glob: '*'}", "base/a") +
       set_named("b", "base/a", "{glob: '*'}", "curated/a"));
}

TEST_CASE("a dependent may be built from what a set promotes, if the set takes that tag") {
  good(one_set("{semver: '^20'}") + dependent_on("team/x", "base/a:20.1"));
  CHECK_THAT(wrong(one_set("{semver: '^20'}") + dependent_on("team/x", "base/a:18.1")),
             Contains("nothing promotes 'r.io/base/a:18.1'"));
  CHECK_THAT(wrong(one_set("{semver: '^20'}") + dependent_on("base/a:20.3", "base/a:20.1")),
             Contains("a pipeline promotes to r.io/base/a:20.3: see line 2"));
}

TEST_CASE("pipelines are found by name however many there are") {
  std::string text = "pipelines:\n";
  for (int i = 0; i < 300; ++i)
    text +=
        plain("p" + std::to_string(i * 7919 % 300), "up/a:" + std::to_string(i), "base/a", std::to_string(i));
  const auto config = good(text);
  for (int i = 0; i < 300; ++i) {
    const auto name = "p" + std::to_string(i);
    REQUIRE(config->pipeline(name));
    REQUIRE(config->pipeline(name)->name == name);
  }
  CHECK_FALSE(config->pipeline("p300"));
  auto changed = *config;  // by hand, as tests do
  changed.pipelines.push_back(changed.pipelines[0]);
  changed.pipelines.back().name = "late";
  CHECK(changed.pipeline("late"));
  changed.pipelines.clear();
  CHECK_FALSE(changed.pipeline("p1"));
}
