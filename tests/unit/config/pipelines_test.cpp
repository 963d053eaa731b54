// Pipelines and dependents, each for itself.

#include "unit/config/support.hpp"

using namespace sluice;
using namespace sluice::config;
using namespace sluice::config::test;
using Catch::Contains;
using namespace std::chrono_literals;

namespace {

std::string dependent_with(const std::string& keys) {
  return pipeline_node + "dependents:\n  - {" + keys + "}\n";
}

std::string with_checks(const std::string& checks) {
  return pipeline_node + "    checks: " + checks + "\n";
}

}  // namespace

TEST_CASE("a pipeline is read, with defaults for what is not said") {
  const auto config = good(pipeline_node);
  REQUIRE(config->pipelines.size() == 1);
  const auto& pipeline = *config->pipeline("node");
  CHECK(pipeline.upstream.text() == "docker.io/library/node:9-alpine");
  CHECK(pipeline.staging.text() == "r.example.com/staging/node");
  CHECK(pipeline.target.text() == "r.example.com/base/node");
  CHECK(pipeline.stable_tag == "9");
  CHECK(pipeline.unique_tag == "9-{run}");
  CHECK(pipeline.unique_tag_for("ca1a") == "9-ca1a");
  CHECK(pipeline.platform == oci::Platform::host());
  CHECK(pipeline.poll.every == 15min);
  CHECK(pipeline.on_drift == OnDrift::hold);
  CHECK(pipeline.referrers);
  CHECK(pipeline.at == Position{2, 5});
  CHECK_FALSE(config->pipeline("python"));
}

TEST_CASE("a pipeline takes over the pace of its registry, unless it has its own") {
  const std::string registries = "registries: {docker.io: {poll: {every: 1h}}}\n";
  CHECK(good(registries + pipeline_node)->pipelines[0].poll.every == 1h);
  CHECK(good(registries + pipeline_node + "    poll: {every: 30s}\n")->pipelines[0].poll.every == 30s);
}

TEST_CASE("referrers may be left behind") {
  CHECK_FALSE(good(pipeline_node + "    referrers: false\n")->pipelines[0].referrers);
}

TEST_CASE("the two tags may come in either order") {
  const auto config = good(R"(
pipelines:
  - {name: a, upstream: node, staging: r.io/s, promote: {to: r.io/t, tags: ["x-{run}-{run}", x]}, on_drift: overwrite}
)");
  CHECK(config->pipelines[0].stable_tag == "x");
  CHECK(config->pipelines[0].unique_tag_for("ca1a") == "x-ca1a-ca1a");
  CHECK(config->pipelines[0].on_drift == OnDrift::overwrite);
  CHECK(config->pipelines[0].upstream.text() == "docker.io/library/node:latest");
}

TEST_CASE("tags must be one stable and one unique, and both tags") {
  const auto with = [](const std::string& tags) {
    return "pipelines:\n  - {name: a, upstream: node, staging: r.io/s, promote: {to: r.io/t, tags: " + tags +
           "}}\n";
  };
  for (const auto* tags :
       {"[]", "['9']", "['9', '10']", "['9-{run}']", "['a-{run}', 'b-{run}']", "['9', '9-{run}', '10']"})
    CHECK_THAT(wrong(with(tags)), Contains("'tags' must be two"));
  CHECK_THAT(wrong(with("['9']")), Contains("tags: [\"9\", \"9-{run}\"]"));
  CHECK_THAT(wrong(with("['9 x', '9-{run}']")), Contains("'9 x' cannot be a tag"));
  CHECK_THAT(wrong(with("['9', '9-{run}-{date}']")), Contains("cannot be a tag"));
  CHECK_THAT(wrong(with("['9', '" + std::string(120, 'x') + "{run}']")), Contains("at most 128 characters"));
}

TEST_CASE("an upstream is a tag, which can move") {
  const auto with = [](const std::string& upstream) {
    return "pipelines:\n  - {name: a, upstream: " + upstream +
           ", staging: r.io/s, promote: {to: r.io/t, tags: [x, 'x-{run}']}}\n";
  };
  CHECK_THAT(wrong(with("'node@sha256:" + std::string(64, 'a') + "'")),
             Contains("names a digest, which never changes"));
  CHECK_THAT(wrong(with("[node]")), Contains("'upstream' must be one value"));
  CHECK_THAT(wrong(with("'Node'")), Contains("lower case"));
}

TEST_CASE("every missing part of a pipeline is told at once") {
  const auto told = wrong("pipelines:\n  - poll: {}\n");
  for (const auto* key : {"name", "upstream", "staging", "promote"})
    CHECK_THAT(told, Contains("'" + std::string(key) + "' is missing"));
}

TEST_CASE("names that could not stand in a table, a path or an argument are refused") {
  for (const auto* name : {"a b", "-x", "../x", "a/b", "ä", ".x", "'a\\tb'"})
    CHECK_THAT(wrong("pipelines:\n  - {name: " + std::string(name) + "}\n"), Contains("cannot be a name"));
  CHECK_THAT(wrong("pipelines:\n  - {name: " + std::string(65, 'x') + "}\n"), Contains("cannot be a name"));
}

TEST_CASE("what is written of a check changes with its settings, not with comments") {
  const auto written = [](const std::string& check) {
    return good(with_checks(check))->pipelines[0].checks[0].written;
  };
  const auto one = written("\n      - container: {run: [node]}\n");
  CHECK_FALSE(one.empty());
  CHECK(written("\n      - container: {run: [node]}  # starts\n") == one);
  CHECK(written("\n      - container: {run: [npm]}\n") != one);
  CHECK(written("\n      - container: {run: [node]}\n        name: starts\n") != one);
}

TEST_CASE("checks are read in order, with the name given or that of their kind") {
  const auto config =
      good(with_checks("[{container: {run: [node, -e, '0']}, name: starts}, {command: }, {command: {}}]"));
  const auto& checks = config->pipelines[0].checks;
  REQUIRE(checks.size() == 3);
  CHECK(checks[0].kind == "container");
  CHECK(checks[0].name == "starts");
  CHECK(std::dynamic_pointer_cast<const FakePart>(checks[0].part)->run.size() == 3);
  CHECK(checks[1].name == "command");
  CHECK(checks[2].name == "command-2");
}

TEST_CASE("a check has one kind that this version knows") {
  CHECK_THAT(
      wrong(with_checks("[{contaner: {}}]")),
      Contains("sluice.yaml:6:25: this version knows no check 'contaner'\n    did you mean 'container'?"));
  CHECK_THAT(wrong(with_checks("[{soak: 24h}]")),
             Contains("knows no check 'soak'\n    known: command, container"));
  CHECK_THAT(wrong(with_checks("[{container: {}, command: {}}]")),
             Contains("the check must be of one kind, not of 'container' and 'command'"));
  CHECK_THAT(wrong(with_checks("[{name: x}]")), Contains("the check names no kind"));
  CHECK_THAT(wrong(with_checks("[container]")), Contains("each item of 'checks' must be a mapping"));
  CHECK_THAT(wrong(with_checks("[{container: [x]}]")), Contains("'container' must be a mapping"));
  CHECK_THAT(wrong(with_checks("[{container: {rn: [x]}}]")),
             Contains("unknown key 'rn'\n    did you mean 'run'?"));
  CHECK_THAT(wrong(with_checks("[{name: a, container: }, {name: a, command: }]")),
             Contains("another check of this pipeline is called 'a'"));
}

TEST_CASE("a dependent is read, named after its image unless it has a name") {
  const auto config = good(dependent_with(
      "image: 'r.io/team/hello', from: ['r.example.com/base/node:9'], rebuild: {exec: {run: [make]}}"));
  const auto& hello = *config->dependent("hello");
  CHECK(hello.image.text() == "r.io/team/hello:latest");
  CHECK(hello.from.size() == 1);
  CHECK(hello.trigger_kind == "exec");
  CHECK(std::dynamic_pointer_cast<const FakePart>(hello.trigger)->run == std::vector<std::string>{"make"});
  CHECK(hello.confirm_within == 1h);
  CHECK(hello.platform == oci::Platform::host());
  CHECK(good(dependent_with(
                 "image: r.io/x, name: other, from: ['r.example.com/base/node:9'], rebuild: {exec: }, "
                 "platform: linux/arm64, confirm_within: 5m"))
            ->dependent("other")
            ->confirm_within == 5min);
}

TEST_CASE("mistakes about dependents are told") {
  CHECK_THAT(wrong(dependent_with("image: r.io/x, from: ['r.example.com/base/node:9']")),
             Contains("'rebuild' is missing"));
  CHECK_THAT(wrong(dependent_with(
                 "image: r.io/x, from: ['r.example.com/base/node:9'], rebuild: {exec: , webhook: }")),
             Contains("must be of one kind"));
  CHECK_THAT(
      wrong(dependent_with("image: r.io/x, from: ['r.example.com/base/node:9'], rebuild: {github: {}}")),
      Contains("this version knows no rebuild 'github'\n    known: buildah, exec, webhook"));
  CHECK_THAT(wrong(dependent_with("image: r.io/x, rebuild: {exec: }")), Contains("'from' must list"));
  CHECK_THAT(wrong(dependent_with("from: ['r.example.com/base/node:9'], rebuild: {exec: }")),
             Contains("'image' is missing"));
  CHECK_THAT(wrong(dependent_with("image: r.io/x, from: ['r.example.com/base/node@sha256:" +
                                  std::string(64, 'a') + "'], rebuild: {exec: }")),
             Contains("named by its tag"));
  CHECK_THAT(wrong(dependent_with("image: r.io/x, from: ['Bad:9'], rebuild: {exec: }")),
             Contains("lower case"));
}
