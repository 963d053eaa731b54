// Adding a pipeline to the text of a file: all else stays byte for byte, and the result is the same
// configuration with one more pipeline.

#include "config/edit.hpp"

#include "config/suggest.hpp"
#include "core/error.hpp"
#include "unit/config/support.hpp"

#include <fstream>
#include <random>
#include <sstream>

using namespace sluice;
using namespace sluice::config;
using namespace sluice::config::test;

namespace {

NewPipeline redis(const std::string& every = "") {
  return {.name = "redis-7",
          .upstream = oci::Reference::parse("docker.io/library/redis:7"),
          .staging = oci::Repository::parse("r.example.com/staging/redis"),
          .target = oci::Repository::parse("r.example.com/base/redis"),
          .stable_tag = "7",
          .every = every};
}

// What was put into a text: it must be there in one piece, with all else unchanged around it.
std::string put_into(const std::string& before, const NewPipeline& pipeline = redis()) {
  const auto edited = add_pipeline(before, pipeline);
  const auto& after = edited.text;
  std::size_t front = 0;
  while (front < before.size() && before[front] == after[front])
    ++front;
  std::size_t back = 0;
  while (back < before.size() - front && before[before.size() - 1 - back] == after[after.size() - 1 - back])
    ++back;
  INFO(after);
  CHECK(front + back == before.size());
  const auto config = good(after);
  REQUIRE_FALSE(config->pipelines.empty());
  CHECK(config->pipelines.back().name == pipeline.name);
  CHECK(config->pipelines.back().upstream == pipeline.upstream);
  CHECK(config->pipelines.back().staging == pipeline.staging);
  CHECK(config->pipelines.back().target == pipeline.target);
  CHECK(config->pipelines.back().stable_tag == pipeline.stable_tag);
  CHECK(config->pipelines.back().unique_tag == pipeline.stable_tag + "-{run}");
  CHECK(config->pipelines.back().at.line == edited.line);
  return after.substr(front, after.size() - front - back);
}

std::string refusal(const std::string& before) {
  try {
    return "accepted: " + add_pipeline(before, redis()).text;
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid);
    return error.what();
  }
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

}  // namespace

TEST_CASE(
    "a pipeline goes behind the last one, and sections, comments and blank lines behind it stay behind it") {
  const auto before =
      "# mine\n" + pipeline_node + "    # the last word on node\n\n# who builds\ndependents: []\n";
  const auto added = put_into(before);
  CHECK(added.starts_with("  - name: redis-7\n    upstream: docker.io/library/redis:7\n"));
  CHECK(add_pipeline(before, redis()).text.find("# the last word on node\n  - name: redis-7\n") !=
        std::string::npos);
  CHECK(add_pipeline(before, redis()).text.ends_with("\n\n# who builds\ndependents: []\n"));
}

TEST_CASE("the new pipeline is indented like the ones that are there") {
  const std::string deep =
      "pipelines:\n"
      "      -    name: node\n"
      "           upstream: docker.io/library/node:9-alpine\n"
      "           staging: r.example.com/staging/node\n"
      "           promote: {to: r.example.com/base/node, tags: [\"9\", \"9-{run}\"]}\n";
  CHECK(put_into(deep).starts_with("      -    name: redis-7\n           upstream: docker.io"));
  const auto flush = replaced(replaced(pipeline_node, "  - name", "- name"), "\n    ", "\n  ");
  CHECK(
      put_into(flush + "# next\nlog: {level: info}\n").starts_with("- name: redis-7\n  upstream: docker.io"));
  const auto lonely = replaced(pipeline_node, "  - name", "  -\n    name");
  CHECK(put_into(lonely).starts_with("  - name: redis-7\n    upstream"));
}

TEST_CASE("pipelines that stand apart get a blank line before the new one") {
  const auto second = replaced(replaced(pipeline_node, "pipelines:\n", ""), "node", "python");
  CHECK(put_into(pipeline_node + "\n  # snakes\n" + second).starts_with("\n  - name: redis-7"));
  CHECK(put_into(pipeline_node + "  # snakes\n" + second).starts_with("  - name: redis-7"));
}

TEST_CASE("a section for pipelines is made where there is none") {
  CHECK(put_into("log: {level: info}\n").starts_with("\npipelines:\n  - name: redis-7\n"));
  CHECK(put_into("log: {level: info}").starts_with("\n\npipelines:\n"));
  CHECK(put_into("  log: {level: info}\n  store: {path: /x}\n")
            .starts_with("\n  pipelines:\n    - name: redis-7\n"));
  CHECK(put_into("---\nlog: {level: info}\n...\n").starts_with("\npipelines:\n"));
  CHECK(put_into("pipelines:\n\n# end\n").starts_with("  - name: redis-7\n"));
  CHECK(put_into("pipelines:  # none yet\n  # really\nlog: {level: info}\n")
            .starts_with("  - name: redis-7\n"));
  CHECK(put_into("").starts_with("pipelines:\n"));
  CHECK(put_into("# only words").starts_with("\n\npipelines:\n"));
  CHECK(put_into("---\n").starts_with("\npipelines:\n"));
}

TEST_CASE("an empty list becomes one with a pipeline") {
  for (const auto* empty : {"pipelines: []\n", "log: {level: info}\npipelines: [ ]   \n",
                            "pipelines: [] # none\nstore: {path: /x}\n", "pipelines: []\r\nlog: {}\r\n"}) {
    const auto edited = add_pipeline(empty, redis());
    INFO(edited.text);
    const auto config = good(edited.text);
    CHECK(config->pipelines.size() == 1);
    CHECK(config->pipelines.front().at.line == edited.line);
    CHECK(edited.text.find("pipelines:") != std::string::npos);
    for (const auto* left : {"[]", "[ ]", "pipelines: \n"})
      CHECK(edited.text.find(left) == std::string::npos);
  }
}

TEST_CASE("a file in flow style gets its pipeline in flow style") {
  const std::string node =
      R"({"name": "node", "upstream": "docker.io/library/node:9", "staging": "r.example.com/staging/node", )"
      R"("promote": {"to": "r.example.com/base/node", "tags": ["9", "9-{run}"]}})";
  CHECK(put_into("{\"pipelines\": [" + node + "], \"log\": {}}").starts_with(",\n  {\"name\": \"redis-7\""));
  CHECK(put_into("{\n  \"pipelines\": [\n    " + node + "\n  ],\n  \"log\": {}\n}\n")
            .starts_with(",\n    {\"name\""));
  CHECK(put_into("pipelines: [\n  " + node + ",  # it's node's\n]\n").starts_with("  {\"name\""));
  CHECK(put_into("{}").starts_with("\n  \"pipelines\": [{\"name\""));
  CHECK(put_into("{\"log\": {\"level\": \"info\"}}", redis("90s")).find("\"poll\": {\"every\": \"90s\"}") !=
        std::string::npos);
  CHECK(put_into("{\"pipelines\": []}").starts_with("\n  {\"name\""));
}

TEST_CASE("line ends and a byte order mark stay what they are") {
  const auto added = put_into(replaced(pipeline_node + "log: {level: info}\n", "\n", "\r\n"));
  CHECK(std::count(added.begin(), added.end(), '\n') == std::count(added.begin(), added.end(), '\r'));
  CHECK(put_into("\xef\xbb\xbf" + pipeline_node).starts_with("  - name: redis-7\n"));
  CHECK(put_into(pipeline_node.substr(0, pipeline_node.size() - 1)).starts_with("\n  - name: redis-7\n"));
}

TEST_CASE("text that only looks like a comment, a quote or an end stays whole") {
  const auto scalar =
      replaced(pipeline_node, "    staging",
               "    checks:\n      - command:\n          run:\n            - sh\n            - |\n"
               "              echo '[{'\n              # not a comment\n    staging");
  CHECK(put_into(scalar).starts_with("  - name: redis-7"));
  const std::string last =
      "pipelines:\n"
      "- name: node\n"
      "  upstream: docker.io/library/node:9\n"
      "  staging: r.example.com/staging/node\n"
      "  promote: {to: r.example.com/base/node, tags: [\"9\", \"9-{run}\"]}\n"
      "  checks:\n"
      "  - command:\n"
      "      run: [sh, -c, \"a ] # b\", 'it''s ]']\n";
  CHECK(put_into(last).starts_with("- name: redis-7"));
  CHECK(put_into("{\"pipelines\": [], \"log\": {\"level\": \"info\"}} # ] }\n").starts_with("\n  {\"name\""));
}

TEST_CASE("names and tags that YAML would take for something else are quoted") {
  auto odd = redis();
  odd.name = "null";
  odd.stable_tag = "1.0";
  CHECK(put_into(pipeline_node, odd).starts_with("  - name: \"null\"\n"));
}

TEST_CASE("what cannot be edited safely is refused with the reason") {
  CHECK(refusal("- a\n").find("it must be a mapping") != std::string::npos);
  CHECK(refusal("pipelines: {a: 1}\n").find("'pipelines' must be a list") != std::string::npos);
  CHECK(refusal("log: {}\n---\nlog: {}\n").find("more than one document") != std::string::npos);
  CHECK(refusal("x: &a\n  - name: n\npipelines: *a\n").find("alias") != std::string::npos);
  CHECK(refusal("pipelines: ~\n").find("nothing behind it") != std::string::npos);
  CHECK(refusal("pipelines: [\n").find("a '[' is not closed") != std::string::npos);
  CHECK(refusal("a: 1\na: 2\n").find("stands here twice") != std::string::npos);
  CHECK(refusal(std::string(1024 * 1024 + 1, '#')).find("larger than") != std::string::npos);
}

TEST_CASE("the example with every option takes a pipeline anywhere without losing a byte") {
  std::ifstream in(std::string(SLUICE_SOURCE_DIR) + "/config/sluice.yaml", std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  const auto before = text.str();
  const auto after = add_pipeline(before, redis()).text;
  const auto at = after.find("  - name: redis-7\n");
  REQUIRE(at != std::string::npos);
  CHECK(after.substr(0, at) == before.substr(0, at));
  CHECK(after.ends_with(before.substr(at)));
  CHECK(before.substr(at).starts_with("# Images built FROM what is promoted."));
}

TEST_CASE("a first file is complete") {
  const auto first = first_config(redis("15m"));
  const auto config = good(first.text);
  CHECK(config->pipelines.size() == 1);
  CHECK(config->pipelines.front().at.line == first.line);
  CHECK(config->pipelines.front().poll.every == std::chrono::minutes(15));
  CHECK(first.text.starts_with("# Configuration of sluice."));
}

TEST_CASE("a name is made of the path and the tag, and is nobody else's") {
  const auto name = [](const std::string& text, const std::string& image) {
    return free_name(*good(text), oci::Reference::parse(image));
  };
  CHECK(name("log: {}\n", "node:9-alpine") == "node-9-alpine");
  CHECK(name("log: {}\n", "ghcr.io/org/app_x:V1.2") == "app_x-V1.2");
  CHECK(name("log: {}\n", "r.example.com/a:" + std::string(128, 'x')).size() == 56);
  CHECK(name("log: {}\n", "r.example.com/a:_x.") == "a-_x");
  const auto taken = replaced(pipeline_node, "name: node", "name: app-1");
  CHECK(name(taken, "ghcr.io/org/app:1") == "org-app-1");
  const auto both =
      taken + replaced(replaced(replaced(pipeline_node, "pipelines:\n", ""), "name: node", "name: org-app-1"),
                       "/node", "/x");
  CHECK(name(both, "ghcr.io/org/app:1") == "ghcr.io-org-app-1");
  const auto three = both + replaced(replaced(replaced(pipeline_node, "pipelines:\n", ""), "name: node",
                                              "name: ghcr.io-org-app-1"),
                                     "/node", "/y");
  CHECK(name(three, "ghcr.io/org/app:1") == "org-app-1-2");
}

TEST_CASE("staging and target follow the way of the pipelines that are there") {
  const auto node = oci::Reference::parse("docker.io/library/redis:7");
  const auto pipeline = [](const std::string& upstream, const std::string& staging, const std::string& to) {
    static int number = 0;
    return "  - {name: p" + std::to_string(++number) + ", upstream: \"" + upstream +
           ":1\", staging: " + staging + ", promote: {to: " + to + ", tags: [\"1\", \"1-{run}\"]}}\n";
  };
  const auto staging = [&](const std::string& text) {
    return suggest_staging(*good("pipelines:\n" + text), node);
  };
  const auto place = [&](const std::string& text) {
    const auto found = staging(text);
    return found.repository ? found.repository->text() : "none: " + found.how;
  };
  CHECK(place(pipeline("node", "r.io/s/node", "r.io/b/node")) == "r.io/s/redis");
  CHECK(place(pipeline("node", "r.io/s/library/node", "r.io/b/node")) == "r.io/s/library/redis");
  CHECK(place(pipeline("node", "r.io/s/docker.io/library/node", "r.io/b/node")) ==
        "r.io/s/docker.io/library/redis");
  // One alone may mean either; both together mean the last part.
  CHECK(place(pipeline("node", "r.io/library/node", "r.io/b/node") +
              pipeline("quay.io/x/y", "r.io/library/y", "r.io/b/y")) == "r.io/library/redis");
  // Those of the same registry agree where all do not.
  CHECK(place(pipeline("node", "r.io/hub/node", "r.io/b/node") +
              pipeline("quay.io/x/y", "r.io/quay/y", "r.io/b/y")) == "r.io/hub/redis");
  // Another tag of the same upstream.
  CHECK(place(pipeline("redis", "r.io/anywhere", "r.io/b/node")) == "r.io/anywhere");
  CHECK(place(pipeline("node", "r.io/anywhere", "r.io/b/node")) ==
        "none: the pipelines follow no common way: r.io/anywhere");
  CHECK(suggest_staging(*good("log: {}\n"), node).how == "there is no pipeline yet to go by");
  CHECK(suggest_target(*good("pipelines:\n" + pipeline("node", "r.io/s/node", "r.io/b/node")), node)
            .repository->text() == "r.io/b/redis");
}

TEST_CASE("whatever a file looks like, it is edited rightly or refused") {
  const std::vector<std::string> files{
      pipeline_node + "\n# who builds\ndependents: []\n",
      "# a\nlog: {level: info}  # b\npipelines:\n-   name: node\n    upstream: a.io/x:1\n    staging: "
      "b.io/x\n"
      "    promote:\n      to: c.io/x\n      tags:\n      - '1'\n      - 1-{run}\n\n\nstore:\n  path: |-\n   "
      " /x\n",
      R"({"log": {}, "pipelines": [{"name": "node", "upstream": "a.io/x:1", "staging": "b.io/x", )"
      R"("promote": {"to": "c.io/x", "tags": ["1", "1-{run}"]}}]})"};
  std::mt19937 draw(20'261'127);
  const auto below = [&](std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(draw);
  };
  const std::string bytes = "\"'[]{}:,#-*&!|> \n\\~";
  int edited = 0;
  for (const auto& whole : files)
    for (int round = 0; round < 400; ++round) {
      auto text = whole;
      for (auto changes = below(3) + 1; changes > 0; --changes) {
        const auto at = below(text.size());
        if (below(2) == 0)
          text[at] = bytes[below(bytes.size())];
        else if (below(2) == 0)
          text.erase(at, below(12));
        else
          text.insert(at, 1, bytes[below(bytes.size())]);
      }
      INFO(text);
      try {
        const auto after = add_pipeline(text, redis()).text;
        CHECK(after.size() > text.size());
        ++edited;
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::invalid);
      }
    }
  CHECK(edited > 200);
}
