// What holds between the parts.

#include "unit/config/support.hpp"

#include <algorithm>

using namespace sluice::config;
using namespace sluice::config::test;
using Catch::Contains;

namespace {

// A pipeline in one line: upstream and target are image names below r.io.
std::string pipeline(const std::string& name, const std::string& upstream, const std::string& target,
                     const std::string& tag, const std::string& staging = "staging") {
  return "  - {name: " + name + ", upstream: 'r.io/" + upstream + "', staging: r.io/" + staging +
         ", promote: {to: r.io/" + target + ", tags: ['" + tag + "', '" + tag + "-{run}']}}\n";
}

std::string dependent(const std::string& image, const std::string& from) {
  return "  - {image: 'r.io/" + image + "', from: ['r.io/" + from + "'], rebuild: {exec: {run: [x]}}}\n";
}

const std::string two_bases =
    "pipelines:\n" + pipeline("a", "up/a:1", "base/a", "1") + pipeline("b", "up/b:1", "base/b", "1");

}  // namespace

TEST_CASE("pipelines that go side by side or one after the other are fine") {
  good(two_bases);
  good("pipelines:\n" + pipeline("a", "up/a:1", "base/a", "1") + pipeline("b", "base/a:1", "curated/a", "1"));
  good("pipelines:\n" + pipeline("a", "up/a:1", "base/a", "1") + pipeline("b", "up/a:2", "base/a", "2"));
}

TEST_CASE("a name stands for one pipeline or dependent") {
  CHECK_THAT(
      wrong("pipelines:\n" + pipeline("a", "up/a:1", "base/a", "1") + pipeline("a", "up/b:1", "base/b", "1")),
      Contains("sluice.yaml:3:12: the name 'a' is taken: see line 2"));
  CHECK_THAT(
      wrong(two_bases + "dependents:\n" + dependent("team/x", "base/a:1") + dependent("other/x", "base/a:1")),
      Contains("the name 'x' is taken: see line 5\n    give the dependent another 'name'"));
  CHECK_THAT(wrong(two_bases + "dependents:\n" + dependent("team/a", "base/a:1")),
             Contains("the name 'a' is taken"));
}

TEST_CASE("F4: two pipelines that promote to one tag are refused") {
  CHECK_THAT(
      wrong("pipelines:\n" + pipeline("a", "up/a:1", "base/a", "1") + pipeline("b", "up/b:1", "base/a", "1")),
      Contains("two pipelines promote to r.io/base/a:1: see line 2"));
}

TEST_CASE("F4: a target that is its own upstream is refused") {
  CHECK_THAT(wrong("pipelines:\n" + pipeline("a", "base/a:1", "base/a", "1")),
             Contains("promotes to its own upstream, r.io/base/a:1"));
  good("pipelines:\n" + pipeline("a", "base/a:1", "base/a", "1-tested"));
}

TEST_CASE("F4: staging must be apart from upstream and from every target") {
  CHECK_THAT(wrong("pipelines:\n" + pipeline("a", "up/a:1", "base/a", "1", "base/a")),
             Contains("staging and promotion are the same repository"));
  CHECK_THAT(wrong("pipelines:\n" + pipeline("a", "up/a:1", "base/a", "1", "up/a")),
             Contains("staging is the upstream repository itself"));
  CHECK_THAT(wrong("pipelines:\n" + pipeline("a", "up/a:1", "base/a", "1") +
                   pipeline("b", "up/b:1", "base/b", "1", "base/a")),
             Contains("another pipeline promotes to this repository: see line 2"));
}

TEST_CASE("F4: a dependent that is built from its own product is refused") {
  CHECK_THAT(wrong(two_bases + "dependents:\n" + dependent("team/x", "team/x:latest")),
             Contains("this closes a loop: r.io/team/x:latest -> r.io/team/x:latest"));
}

TEST_CASE("F4: dependents in a circle are refused, and told as such") {
  const auto told = wrong(two_bases + "dependents:\n" + dependent("team/x", "team/z:latest") +
                          dependent("team/y", "team/x:latest") + dependent("team/z", "team/y:latest"));
  CHECK_THAT(told, Contains("closes a loop: r.io/team/"));
  CHECK(std::count(told.begin(), told.end(), '>') == 3);
}

TEST_CASE("F4: a dependent that loops back to its base through a pipeline is refused") {
  CHECK_THAT(wrong("pipelines:\n" + pipeline("a", "team/x:latest", "base/a", "1") + "dependents:\n" +
                   dependent("team/x", "base/a:1")),
             Contains("closes a loop"));
}

TEST_CASE("F4: pipelines in a circle are refused") {
  CHECK_THAT(wrong("pipelines:\n" + pipeline("a", "base/b:1", "base/a", "1") +
                   pipeline("b", "base/a:1", "base/b", "1")),
             Contains("closes a loop: r.io/base/b:1 -> r.io/base/a:1 -> r.io/base/b:1"));
}

TEST_CASE("dependents of dependents are fine") {
  good(two_bases + "dependents:\n" + dependent("team/y", "team/x:latest") + dependent("team/x", "base/a:1"));
}

TEST_CASE("a base that nobody promotes is refused with the likely one") {
  CHECK_THAT(wrong(two_bases + "dependents:\n" + dependent("team/x", "base/aa:1")),
             Contains("nothing promotes 'r.io/base/aa:1'\n    did you mean 'r.io/base/a:1'?"));
  CHECK_THAT(wrong(two_bases + "dependents:\n" + dependent("team/x", "base/b:nightly")),
             Contains("did you mean 'r.io/base/b:1'?"));
  CHECK_THAT(wrong(two_bases + "dependents:\n" + dependent("team/x", "elsewhere/python:3")),
             Contains("name the stable tag of a pipeline, or the image of another dependent"));
  CHECK_THAT(wrong("dependents:\n" + dependent("team/x", "base/b:1")), Contains("there is no pipeline"));
}

TEST_CASE("a promotion that was not understood does not make its dependents wrong") {
  const auto told = wrong(
      "pipelines:\n  - {name: a, upstream: 'r.io/u:1', staging: r.io/s, promote: {to: r.io/base/a, tags: "
      "[]}}\n"
      "dependents:\n" +
      dependent("team/x", "base/a:1"));
  CHECK_THAT(told, Contains("'tags' must be two"));
  CHECK_THAT(told, !Contains("nothing promotes"));
}

TEST_CASE("a tag is written by one pipeline or dependent only") {
  CHECK_THAT(wrong(two_bases + "dependents:\n" + dependent("base/b:1", "base/a:1")),
             Contains("a pipeline promotes to r.io/base/b:1: see line 3"));
  CHECK_THAT(
      wrong(two_bases + "dependents:\n" + dependent("team/x", "base/a:1") + dependent("team/x", "base/b:1")),
      Contains("r.io/team/x:latest is a dependent already"));
}

TEST_CASE("F1: all mistakes are told at once, in file order, each with its place and advice") {
  const auto loaded = parsed(R"(serverr: {}
store: {pathh: /tmp/x}
registries:
  127.0.0.1:1: {poll: {every: soon}}
pipelines:
  - name: a
    upstream: UPPER/case:1
    staging: 127.0.0.1:1/staging/a
    promote: {to: 127.0.0.1:1/base/a, tags: ["1"]}
  - name: a
    upstream: 127.0.0.1:1/library/b:1
    staging: 127.0.0.1:1/staging/b
    checks: [{contaner: {run: [x]}}]
    promote: {to: 127.0.0.1:1/base/b, tags: ["1", "1-{run}"]}
  - name: c
    upstream: 127.0.0.1:1/library/c:1
    promote: {to: 127.0.0.1:1/base/b, tags: ["1", "1-{run}"]}
dependents:
  - image: 127.0.0.1:1/team/x:latest
    from: [127.0.0.1:1/base/b:1]
    rebuild: {exec: {run: [x]}, webhook: {url: y}}
  - image: 127.0.0.1:1/team/y:latest
    from: [127.0.0.1:1/team/y:latest]
    rebuild: {exec: {run: [x]}}
)");
  CHECK_FALSE(loaded.config);
  std::vector<int> lines;
  for (const auto& error : loaded.diagnostics.errors) {
    lines.push_back(error.at.line);
    CHECK(error.at.column > 0);
  }
  CHECK(lines == std::vector<int>{1, 2, 4, 7, 9, 10, 13, 15, 17, 21, 23});
}

TEST_CASE("a hundred pipelines and a thousand dependents are read") {
  std::string text = "pipelines:\n";
  for (int i = 0; i < 100; ++i) {
    const auto n = std::to_string(i);
    text += pipeline("p" + n, "up/n" + n + ":1", "base/n" + n, "1");
  }
  text += "dependents:\n";
  for (int i = 0; i < 1000; ++i)
    text += dependent("team/x" + std::to_string(i), "base/n" + std::to_string(i % 100) + ":1");
  const auto config = good(text);
  CHECK(config->pipelines.size() == 100);
  CHECK(config->dependents.size() == 1000);
}
