// Configurations of other tools: what carries over, what is told about the rest, and that no secret comes
// along.

#include "config/import/import.hpp"

#include "core/error.hpp"
#include "unit/config/support.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>

#include <fmt/format.h>

using namespace sluice;
using namespace sluice::config;
using namespace sluice::config::test;
using Catch::Contains;

namespace {

ForeignText example(const std::string& name) {
  std::ifstream in(std::string(SLUICE_SOURCE_DIR) + "/tests/data/import/" + name, std::ios::binary);
  REQUIRE(in);
  std::stringstream text;
  text << in.rdbuf();
  return {name, text.str()};
}

// What comes out must load, whatever went in.
struct Result {
  Imported imported;
  std::shared_ptr<const Config> config;

  const Pipeline& pipeline(const std::string& name) const {
    INFO(imported.text);
    const auto* found = config->pipeline(name);
    REQUIRE(found);
    return *found;
  }
  // The remarks on a line of a file, "kind: what: why" each.
  std::string told(const std::string& file, int line) const {
    std::string text;
    for (const auto& remark : imported.remarks)
      if (remark.file == file && remark.at.line == line)
        text += to_string(remark.kind) + ": " + remark.what + ": " + remark.why + "\n";
    return text;
  }
};

Result import(const std::string& tool, const std::vector<ForeignText>& files,
              const ImportPlaces& places = {}) {
  Result result;
  result.imported = import_config(tool, files, places);
  CHECK(result.imported.mistakes.empty());
  result.config = good(result.imported.text);
  CHECK(result.config->pipelines.size() == result.imported.pipelines);
  return result;
}

Result import_text(const std::string& tool, const std::string& text, const ImportPlaces& places = {}) {
  return import(tool, {{"file", text}}, places);
}

std::string pace(const std::string& schedule) {
  const auto result =
      import_text("regsync", "sync: [{source: 'a.io/x:1', target: 'b.io/x:1', type: image, schedule: '" +
                                 schedule + "'}]");
  const auto& text = result.imported.text;
  const auto at = text.find("poll: {every: ");
  if (at != std::string::npos) return text.substr(at + 14, text.find('}', at) - at - 14);
  return text.find("poll: {cron: \"" + schedule + "\"}") != std::string::npos ? "cron"
         : text.find("by the schedule " + schedule) != std::string::npos      ? "comment"
                                                                              : "none";
}

}  // namespace

TEST_CASE("diun: settings and lists of images make pipelines, logins and a pace") {
  // The order of the files does not matter.
  const auto result = import("diun", {example("diun-images.yml"), example("diun.yml")});
  CHECK(result.imported.pipelines == 4);
  const auto& node = result.pipeline("node-20-alpine");
  CHECK(node.upstream.text() == "docker.io/library/node:20-alpine");
  CHECK(node.poll.every == std::chrono::hours(6));
  CHECK(node.target.text() == "registry.example.com/base/node");
  CHECK(node.staging.text() == "registry.example.com/staging/node");
  CHECK(result.pipeline("alpine-3.20").platform.text() == "linux/arm64/v8");
  CHECK(result.config->registries.contains("registry.corp.example.com:5000"));
  CHECK_THAT(result.imported.text,
             Contains("# auth: {username: \"ourbot\", password: {file: \"/run/secrets/hub-password\"}}"));
  CHECK_THAT(result.imported.text,
             Contains("match: \".*(?:^v2\\\\.\\\\d+\\\\.\\\\d+$|^v3\\\\.).*\", newest: 10"));
  CHECK_THAT(result.told("diun-images.yml", 12), Contains("left out: exclude_tags"));
  CHECK_THAT(result.told("diun-images.yml", 19), Contains("it is imported already"));
  CHECK_THAT(result.told("diun-images.yml", 20), Contains("lower case"));
  CHECK_THAT(result.told("diun.yml", 12), Contains("left out: notif"));
  CHECK_THAT(result.told("diun.yml", 24), Contains("insecureTLS") && Contains("`ca`"));
}

TEST_CASE("regsync: each image has its target, and what would go in a circle is left out") {
  const auto result = import("regsync", {example("regsync.yml")});
  CHECK(result.imported.pipelines == 4);
  const auto& app = result.pipeline("app-stable");
  CHECK(app.target.text() == "registry.example.com/mirror/app");
  CHECK(app.stable_tag == "production");
  CHECK(app.staging.text() == "registry.example.com/staging/mirror/app");
  CHECK(app.poll.every == std::chrono::minutes(30));
  CHECK(app.platform.text() == "linux/amd64");
  CHECK(result.pipeline("busybox-1.36").poll.every == std::chrono::hours(1));
  CHECK(result.pipeline("alpine-edge").poll.every == std::chrono::hours(24));
  CHECK_THAT(result.imported.text, Contains("tags: {match: \"3\\\\.\\\\d+\"}"));
  CHECK(result.config->registry("mirror.example.com:5000").plain_http == true);
  CHECK_THAT(result.imported.text, Contains("password: {file: \"/var/run/secrets/hub_token\"}"));
  CHECK_THAT(result.told("regsync.yml", 42), Contains("not a whole registry"));
  CHECK_THAT(result.told("regsync.yml", 45), Contains("closes a loop"));
  CHECK_THAT(result.told("regsync.yml", 48), Contains("templates are not worked out"));
  CHECK_THAT(result.told("regsync.yml", 12), Contains("to do: regcert"));
}

TEST_CASE("keel: workloads with a policy and Helm values make pipelines") {
  const auto result = import("keel", {example("keel.yaml"), example("keel-values.yaml")});
  CHECK(result.pipeline("nginx-stable").poll.every == std::chrono::minutes(10));
  CHECK(result.pipeline("report-latest").upstream.text() == "ghcr.io/org/report:latest");
  CHECK(result.pipeline("api-2.1.0").poll.every == std::chrono::minutes(2));
  CHECK(result.pipeline("redis-7").upstream.text() == "docker.io/library/redis:7");
  CHECK_THAT(result.imported.text, Contains("semver: \">=1.4.2 <2\"") && Contains("glob: \"build-*\""));
  CHECK_THAT(result.imported.text, !Contains("migrate"));
  CHECK_THAT(result.told("keel.yaml", 10), Contains("keel.sh/approvals") && Contains("sluice hold"));
  CHECK_THAT(result.told("keel.yaml", 21), Contains("changed") && Contains("its tag is no version"));
  CHECK_THAT(result.told("keel-values.yaml", 20), Contains("no repository at the path"));
}

TEST_CASE("renovate: Dockerfiles are read by the rules of its configuration") {
  const auto result = import("renovate", {example("Dockerfile"), example("renovate.json5")});
  CHECK(result.pipeline("node-20-alpine").platform.text() == "linux/amd64");
  CHECK(result.pipeline("golang-1.23").upstream.text() == "docker.io/library/golang:1.23");
  CHECK(result.pipeline("base-4").upstream.text() == "harbor.example.com/library/base:4");
  CHECK(result.pipeline("debian-bookworm-slim").upstream.text() == "docker.io/library/debian:bookworm-slim");
  CHECK(result.imported.pipelines == 5);
  CHECK_THAT(result.imported.text, Contains("match: \".*(?:^7\\\\.).*\""));
  CHECK_THAT(result.told("Dockerfile", 4), Contains("changed: node:20-alpine") && Contains(">=18 <23"));
  CHECK_THAT(result.told("Dockerfile", 10), Contains("a rule switches updates of it off"));
  CHECK_THAT(result.told("Dockerfile", 11), Contains("a variable in it has no value"));
  CHECK_THAT(result.told("renovate.json5", 15), Contains("not a pattern"));
  CHECK_THAT(result.told("renovate.json5", 4), Contains("presets are not followed"));
}

namespace {

// What comes of two images by a list of rules: their names, and what is told.
Result by_rules(const std::string& rules, const std::string& more = {}) {
  return import("renovate", {{"renovate.json", "{\"packageRules\": [" + rules + "]" + more + "}"},
                             {"Dockerfile", "FROM redis:7\nFROM node:20\n"}});
}

std::string imported_by_rules(const std::string& rules, const std::string& more = {}) {
  std::string names;
  const auto result = by_rules(rules, more);
  for (const auto& pipeline : result.config->pipelines)
    names += (names.empty() ? "" : " ") + pipeline.name;
  return names;
}

}  // namespace

TEST_CASE("renovate: rules switch images off, by all the ways in which they name them") {
  for (
      const auto* off :
      {R"("matchPackageNames": ["redis"])", R"("matchDepNames": ["redis"])",
       R"("matchPackageNames": ["/^red/"])", R"("matchPackagePatterns": ["^red"])",
       R"("matchPackagePrefixes": ["red"])", R"("matchPackageNames": ["r*s"])",
       R"("matchPackageNames": ["!node"])", R"("excludePackageNames": ["node"])",
       R"("matchPackageNames": ["{redis,valkey}"])", R"("matchDepPatterns": ["dis$"])",
       R"("matchPackageNames": ["docker.io/library/redis"])",
       R"("matchDatasources": ["docker"], "matchManagers": ["dockerfile"], "matchPackageNames": ["/REDIS/i"])"}) {
    INFO(off);
    const auto result = by_rules(std::string("{") + off + R"(, "enabled": false})");
    CHECK(result.imported.pipelines == 1);
    CHECK(result.config->pipeline("node-20"));
    CHECK_THAT(result.told("Dockerfile", 1),
               Contains("redis:7: a rule switches updates of it off: renovate.json, line 1"));
  }
}

TEST_CASE("renovate: of the rules that fit, the last one holds") {
  const std::string all_off = R"({"matchPackageNames": ["*"], "enabled": false})";
  const std::string node_on = R"({"matchPackageNames": ["node"], "enabled": true})";
  CHECK(imported_by_rules(all_off).empty());
  CHECK(imported_by_rules(all_off + "," + node_on) == "node-20");
  CHECK(imported_by_rules(node_on + "," + all_off).empty());
  CHECK(imported_by_rules(all_off + "," + node_on, R"(, "ignoreDeps": ["node"])").empty());
}

TEST_CASE("renovate: rules about all images of Dockerfiles switch them off, others do not") {
  for (const auto* off : {R"("matchManagers": ["dockerfile"])", R"("matchDatasources": ["docker"])",
                          R"("matchCategories": ["docker"])", R"("matchManagers": ["!npm"])"})
    CHECK(imported_by_rules(std::string("{") + off + R"(, "enabled": false})").empty());
  for (const auto* other : {R"("matchManagers": ["npm"])", R"("matchDatasources": ["npm"])",
                            R"("matchManagers": ["docker-compose"])", R"("matchPackageNames": ["lodash"])"}) {
    const auto result = by_rules(std::string("{") + other + R"(, "enabled": false})");
    CHECK(result.imported.pipelines == 2);
    CHECK(result.told("Dockerfile", 1).empty());
  }
  for (const auto* off : {R"(, "enabledManagers": ["npm"])", R"(, "enabled": false)",
                          R"(, "dockerfile": {"enabled": false})"}) {
    const auto result = by_rules("", off);
    CHECK(result.imported.pipelines == 0);
    CHECK_THAT(result.told("Dockerfile", 1), Contains("left out: redis:7: updates are switched off"));
  }
  CHECK(imported_by_rules("", R"(, "enabledManagers": ["npm", "dockerfile"])") == "redis-7 node-20");
}

TEST_CASE("renovate: a rule for some updates or files only is told and switches nothing off") {
  for (const std::string narrow : {R"("matchUpdateTypes": ["major"])", R"("matchFileNames": ["other/**"])",
                                   R"("matchCurrentVersion": ">18")"}) {
    const auto result = by_rules(R"({"matchDatasources": ["docker"], "matchPackageNames": ["node"], )" +
                                 narrow + R"(, "enabled": false})");
    CHECK(result.imported.pipelines == 2);
    CHECK_THAT(result.told("renovate.json", 1), Contains("this rule holds only for some updates or files"));
  }
  CHECK_THAT(by_rules(R"({"matchPackageNames": ["/(/"], "enabled": false})").told("renovate.json", 1),
             Contains("'/(/' cannot be read"));
}

TEST_CASE("renovate: images that a Dockerfile copies from or mounts are images of it, too") {
  const auto result = import_text("renovate",
                                  "FROM node:20 AS build\nCOPY --from=ghcr.io/astral-sh/uv:0.4 /uv /bin/\n"
                                  "COPY --chown=1 --from=build /x /x\nCOPY --from=0 /y /y\n"
                                  "RUN --mount=type=bind,from=alpine:3,target=/a --network=none ls\n");
  CHECK(result.imported.pipelines == 3);
  CHECK(result.pipeline("uv-0.4").upstream.text() == "ghcr.io/astral-sh/uv:0.4");
  CHECK(result.pipeline("alpine-3").upstream.text() == "docker.io/library/alpine:3");
  const auto port =
      import_text("renovate", "FROM localhost:5000/node:20@sha256:" + std::string(64, 'a') + "\n");
  CHECK_THAT(port.told("file", 1),
             Contains("changed: localhost:5000/node:20@sha256") && Contains("the digest is not kept"));
}

TEST_CASE("diun: a login that no image uses is left out, and one that it uses has its comment") {
  const std::string settings =
      "regopts: [{name: hub, username: bot, password: x}, {name: lost, username: b}]\n";
  const auto result = import("diun", {{"diun.yml", settings},
                                      {"images.yml",
                                       "- {name: 'ghcr.io/org/app:1', regopt: hub}\n"
                                       "- {name: 'quay.io/org/app:1', regopt: other}\n"}});
  CHECK_THAT(result.told("diun.yml", 1), Contains("to do: login hub: put the password") &&
                                             Contains("left out: login lost: no image uses it") &&
                                             !Contains("to do: login lost"));
  CHECK_THAT(result.imported.text, Contains("# auth: {username: \"bot\"") && Contains("ghcr.io"));
  CHECK_THAT(result.told("images.yml", 2), Contains("left out: regopt other"));
}

TEST_CASE("regsync: a user name that is a template has to be put in") {
  const auto result = import_text("regsync",
                                  "creds: [{registry: r.io, user: '{{env \"HUB_USER\"}}', pass: x}]\n"
                                  "sync: [{source: 'r.io/x:1', target: 'b.io/x:1', type: image}]\n");
  CHECK_THAT(result.imported.text, Contains("username: \"USER\""));
  CHECK_THAT(result.told("file", 1),
             Contains("to do: user of r.io: a user name stands in the configuration"));
}

TEST_CASE("dregsy: a set that cannot be taken is named by its rule, not by a tag that it does not have") {
  const auto result = import_text("dregsy",
                                  "tasks: [{interval: 60, source: {registry: a.io}, target: {registry: "
                                  "t.io}, mappings: [{from: another-image, tags: ['1.26', 'regex: "
                                  "1(.*']}]}]\n");
  CHECK(result.imported.pipelines == 1);
  CHECK_THAT(
      result.told("file", 1),
      Contains("left out: a.io/another-image, tags 1(.*: '1(.*' is no regular") && !Contains("latest"));
}

TEST_CASE("a tag that is named keeps its pipeline, and the set around it does without it") {
  const auto dregsy = import_text("dregsy",
                                  "tasks: [{interval: 60, source: {registry: a.io}, target: {registry: "
                                  "t.io}, mappings: [{from: image, tags: ['1.26', 'regex: 1[.].*']}]}]\n");
  CHECK(dregsy.imported.pipelines == 2);
  CHECK(dregsy.pipeline("image-1.26").upstream.tag == "1.26");
  CHECK_THAT(dregsy.imported.text, Contains(R"(match: "1[.].*", exclude: ["1.26"])"));
  const auto regsync = import_text("regsync",
                                   "sync: [{source: a.io/x, target: b.io/x, type: repository, tags: {allow: "
                                   "['3.1', '3\\.\\d+']}}]\n");
  CHECK(regsync.imported.pipelines == 2);
  CHECK_THAT(regsync.imported.text, Contains(R"(exclude: ["3.1"])"));
  CHECK(regsync.imported.remarks.empty());
  const auto diun = import_text("diun", "- name: alpine:3.19\n- {name: alpine, watch_repo: true}\n",
                                {"r.io/in", "r.io/base"});
  CHECK(diun.imported.pipelines == 2);
  CHECK_THAT(diun.imported.text, Contains(R"(glob: "*", exclude: ["3.19"])"));
  CHECK(diun.imported.remarks.empty());
}

TEST_CASE("a set whose tag comes from another image, too, is told of it") {
  const auto result =
      import_text("diun", "- name: alpine:3.19\n- {name: quay.io/org/alpine, watch_repo: true}\n",
                  {"r.io/in", "r.io/base"});
  CHECK(result.imported.pipelines == 2);
  CHECK_THAT(
      result.told("file", 2),
      Contains("changed: quay.io/org/alpine, tags *: its tag 3.19 is left to docker.io/library/alpine"));
}

namespace {

Result by_tags(const std::string& filter) {
  return import_text("regsync",
                     "sync: [{source: a.io/x, target: b.io/x, type: repository, " + filter + "}]\n");
}

}  // namespace

TEST_CASE("regsync: a tag must be in a range and match a pattern, where both are given") {
  const auto both = by_tags(
      "tags: {allow: ['\\d+\\.\\d+\\.\\d+-alpine'], semverRange: ['>=18.0.0 <19.0.0', "
      "'>=20.0.0']}");
  CHECK(both.imported.pipelines == 1);
  const auto& filter = both.config->pipelines.front().tags->filter;
  CHECK(filter.accepts("18.2.0-alpine"));
  CHECK(filter.accepts("20.1.0-alpine"));
  CHECK_FALSE(filter.accepts("19.1.0-alpine"));
  CHECK_FALSE(filter.accepts("20.1.0"));
  const auto ranges = by_tags("tags: {semverRange: ['>=18.0.0 <19.0.0', '>=20.0.0']}");
  CHECK(ranges.imported.pipelines == 1);
  CHECK(ranges.config->pipelines.front().tags->filter.accepts("20.1.0-alpine"));
  const auto plain = by_tags("tags: {allow: ['3.1', '2.0'], semverRange: ['>=3.0.0']}");
  CHECK(plain.imported.pipelines == 1);
  CHECK(plain.config->pipelines.front().upstream.tag == "3.1");
  CHECK_THAT(plain.told("file", 1), Contains("left out: 2.0: it is in no range of `semverRange`"));
}

TEST_CASE("regsync: each of several filters is a set, and none of them is every tag") {
  const auto sets = by_tags("tagSets: [{allow: ['edge']}, {semverRange: ['>=3.0.0']}, {allow: ['1\\..*']}]");
  CHECK(sets.imported.pipelines == 3);
  CHECK_THAT(sets.imported.text, Contains(":edge") && Contains("semver: \">=3.0.0\", pre_releases: true") &&
                                     Contains("match: \"1\\\\..*\"") && !Contains("glob"));
  CHECK(sets.imported.remarks.empty());
  const auto more = by_tags("tags: {allow: ['2\\..*']}, tagSets: [{allow: ['1\\..*']}]");
  CHECK(more.imported.pipelines == 2);
  CHECK_THAT(by_tags("interval: 1h").imported.text, Contains("glob: \"*\""));
}

TEST_CASE("dregsy: a range takes versions with suffixes, which are compared by precedence alone") {
  const auto result = import_text("dregsy",
                                  "tasks: [{interval: 60, source: {registry: a.io}, target: {registry: "
                                  "t.io}, mappings: [{from: x, tags: ['semver: >=1.0.0 <2.0.0']}]}]\n");
  CHECK(result.config->pipelines.front().tags->filter.accepts("1.2.3-alpine"));
}

TEST_CASE("dregsy: the clouds' own credentials are used where no others are named, unless switched off") {
  const auto kind_of = [](const std::string& registry) {
    const auto result = import_text("dregsy", "tasks: [{interval: 60, source: {registry: " + registry +
                                                  "}, target: {registry: t.io}, mappings: [{from: a/b, tags: "
                                                  "['1']}]}]\n");
    const auto& registries = result.config->registries;
    return registries.empty() ? CloudIdentity::Kind::none : registries.begin()->second.identity.kind;
  };
  for (const auto* google : {"gcr.io", "eu.gcr.io", "europe-west1-docker.pkg.dev"}) {
    CHECK(kind_of(google) == CloudIdentity::Kind::google);
    CHECK(kind_of(google + std::string(", auth: none")) == CloudIdentity::Kind::none);
  }
  CHECK(kind_of("123456789012.dkr.ecr.eu-west-1.amazonaws.com") == CloudIdentity::Kind::aws);
  CHECK(kind_of("123456789012.dkr.ecr.eu-west-1.amazonaws.com, auth: none") == CloudIdentity::Kind::none);
  CHECK(kind_of("quay.io") == CloudIdentity::Kind::none);
}

namespace {

// What Helm values make of one image.
Result by_policy(const std::string& image, const std::string& policy) {
  return import_text("keel", "image: " + image + "\nkeel: {" + policy + "images: [{repository: image}]}\n",
                     {"r.io/in", "r.io/base"});
}

bool takes(const Result& result, const std::string& tag) {
  INFO(result.imported.text);
  REQUIRE(result.config->pipelines.size() == 1);
  REQUIRE(result.config->pipelines.front().is_set());
  return result.config->pipelines.front().tags->filter.accepts(tag);
}

}  // namespace

TEST_CASE("keel: what has no policy that Keel knows is left out") {
  const auto none = by_policy("a.io/x:1.2.3", "");
  CHECK(none.imported.pipelines == 0);
  CHECK_THAT(none.told("file", 2), Contains("left out: a.io/x:1.2.3: it has no policy"));
  const auto unknown = by_policy("a.io/x:1.2.3", "policy: newest, ");
  CHECK(unknown.imported.pipelines == 0);
  CHECK_THAT(unknown.told("file", 2), Contains("Keel knows no policy 'newest'"));
}

TEST_CASE("keel: versions are followed as Keel follows them") {
  const auto minor = by_policy("a.io/x:1.2.3", "policy: minor, ");
  CHECK(takes(minor, "v1.3"));
  CHECK_FALSE(takes(minor, "20240115"));
  CHECK_FALSE(takes(minor, "1.3.0-rc1"));
  CHECK_FALSE(takes(minor, "2.0.0"));
  const auto all = by_policy("a.io/x:1.2.3", "policy: all, ");
  CHECK(takes(all, "1.3.0-rc1"));
  CHECK(takes(all, "2.0.0"));
  CHECK_FALSE(takes(all, "20240115"));
  const auto suffix = by_policy("redis:7.2.4-alpine", "policy: minor, ");
  CHECK(takes(suffix, "7.2.5-alpine"));
  CHECK_FALSE(takes(suffix, "7.2.5"));
  CHECK_FALSE(takes(suffix, "7.2.5-rc1-alpine"));
  CHECK_FALSE(takes(suffix, "8.0.0-alpine"));
  const auto any_suffix = by_policy("redis:7.2.4-alpine", "policy: patch, matchPreRelease: false, ");
  CHECK(takes(any_suffix, "7.2.5-bookworm"));
  CHECK_FALSE(takes(any_suffix, "7.3.0"));
  const auto date = by_policy("a.io/x:20240115093000", "policy: minor, ");
  CHECK_FALSE(date.config->pipelines.front().is_set());
  CHECK_THAT(date.told("file", 2), Contains("its tag is no version"));
}

namespace {

std::string images_of(const std::string& dockerfile) {
  std::string images;
  const auto result = import_text("renovate", dockerfile);
  for (const auto& pipeline : result.config->pipelines)
    images += (images.empty() ? "" : " ") + pipeline.upstream.text();
  return images;
}

}  // namespace

TEST_CASE("renovate: what stands in a heredoc of a Dockerfile is no instruction") {
  for (const auto* begin : {"RUN <<EOF", "RUN --network=none <<-EOF cat", "COPY <<\"EOF\" /x",
                            "ADD <<'EOF' /x", "RUN cat \\\n  3<<EOF"})
    CHECK(images_of(std::string("FROM a.io/x:1\n") + begin + "\nFROM a.io/y:1\n EOF\n" +
                    (std::string(begin).find("<<-") == std::string::npos ? "" : "\t") +
                    "EOF\nFROM a.io/z:1\n") == "a.io/x:1 a.io/z:1");
  CHECK(images_of("FROM a.io/x:1\nRUN <<A <<B\nFROM a.io/y:1\nA\nFROM a.io/y:2\nB\nFROM a.io/z:1\n") ==
        "a.io/x:1 a.io/z:1");
  for (const auto* none :
       {"RUN echo \"a <<EOF b\"", "RUN cat <<<EOF", "RUN echo $((1<<2))", "LABEL a=1 <<EOF"})
    CHECK(images_of(std::string("FROM a.io/x:1\n") + none + "\nFROM a.io/z:1\n") == "a.io/x:1 a.io/z:1");
}

TEST_CASE("renovate: instructions go on over comments and behind backslashes with blanks") {
  CHECK(images_of(
            "FROM \\\n# a comment\n\n  a.io/x:1\nRUN a \\  \nFROM a.io/y:1\n# not here \\\nFROM a.io/z:1\n"
            "RUN b \\\\\nFROM a.io/w:1\n") == "a.io/x:1 a.io/z:1 a.io/w:1");
}

TEST_CASE("renovate: values of a Dockerfile may be made of others") {
  CHECK(images_of("ARG BASE=a.io/x\nARG IMG=${BASE}:1\nFROM ${IMG}\n") == "a.io/x:1");
  CHECK(images_of("ARG A=1 B=\"2\"\nFROM a.io/x:$A.$B\n") == "a.io/x:1.2");
  CHECK(images_of("ARG V=1\nFROM a.io/x:2${V:+-slim}${W:+-no}\n") == "a.io/x:2-slim");
  CHECK(images_of("ARG V=1\nFROM a.io/x:${W:-${V}}\n") == "a.io/x:1");
  std::string bomb = "ARG V0=aaaaaaaaaa\n";
  for (int i = 1; i < 40; ++i)
    bomb += fmt::format("ARG V{0}=${{V{1}}}${{V{1}}}\n", i, i - 1);
  CHECK(images_of(bomb + "FROM a.io/x:$V39\n").empty());
  std::string deep;
  for (int i = 0; i < 100'000; ++i)
    deep += "${V:-";
  CHECK(images_of("FROM a.io/x:" + deep + std::string(100'000, '}') + "\n").empty());
}

TEST_CASE("renovate: a configuration may begin with a byte order mark") {
  const auto result = import("renovate", {{"renovate.json", "\xEF\xBB\xBF{\"ignoreDeps\": [\"redis\"]}"},
                                          {"Dockerfile",
                                           "\xEF\xBB\xBF"
                                           "FROM node:20\nFROM redis:7\n"}});
  CHECK(result.imported.pipelines == 1);
  CHECK(result.config->pipeline("node-20"));
}

TEST_CASE("an image whose name cannot be a target is left out, and the others stay") {
  const auto result =
      import_text("diun", "- name: a.io/org/x:1\n- name: b.io/org/x:1\n- name: '[::1]:5000/org/x:1'\n",
                  {"r.io/in", "r.io/base"});
  CHECK(result.imported.pipelines == 2);
  CHECK_THAT(result.told("file", 3), Contains("left out: [::1]:5000/org/x:1: "));
}

TEST_CASE("what is cut off by a limit is told") {
  std::string twice;
  for (int i = 0; i < 1500; ++i)
    twice += "- name: a.io/x:1\n";
  const auto remarks = import_text("diun", twice).imported.remarks;
  REQUIRE(remarks.size() == 1001);
  CHECK(remarks.back().why == "there are 500 more, which are not shown");
  std::string many;
  for (int i = 0; i < 6000; ++i)
    many += fmt::format("- name: a.io/x:{}\n", i);
  CHECK_THROWS_WITH(import_config("diun", {{"file", many}}, {}), Contains("more than 1024 KiB"));
}

TEST_CASE("dregsy: tasks and mappings make pipelines, and clouds keep their own identity") {
  const auto result = import("dregsy", {example("dregsy.yaml")});
  CHECK(result.imported.pipelines == 6);
  CHECK(result.pipeline("node-22-alpine").poll.every == std::chrono::minutes(15));
  CHECK(result.pipeline("node-22-alpine").target.text() ==
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/mirror/node");
  CHECK(result.config->registry("123456789012.dkr.ecr.eu-west-1.amazonaws.com").identity.kind ==
        CloudIdentity::Kind::aws);
  CHECK_THAT(result.imported.text, Contains("username: \"mirror-bot\""));
  CHECK_THAT(result.imported.text, Contains("semver: \">=18.0.0 <23.0.0\"") && Contains("glob: \"*\""));
  CHECK_THAT(result.told("dregsy.yaml", 19), Contains("keep: latest 3"));
  CHECK_THAT(result.told("dregsy.yaml", 23), Contains("it ran once"));
}

TEST_CASE("no secret comes along, neither in the file nor in what is told") {
  const std::vector<std::pair<std::string, std::vector<ForeignText>>> all{
      {"diun", {example("diun.yml"), example("diun-images.yml")}},
      {"regsync", {example("regsync.yml")}},
      {"renovate", {example("renovate.json5"), example("Dockerfile")}},
      {"dregsy", {example("dregsy.yaml")}}};
  for (const auto& [tool, files] : all) {
    const auto result = import(tool, files);
    auto everything = result.imported.text;
    for (const auto& remark : result.imported.remarks)
      everything += remark.what + remark.why;
    for (const auto* secret :
         {"plain-text-password", "TokenOfGotify", "not-in-the-output", "secret-of-harbor", "other-secret",
          "eyJ1c2VybmFtZSI6", "a-password-of-the-mirror", "MIIB"})
      CHECK_THAT(everything, !Contains(secret));
  }
}

TEST_CASE("places for staging and targets are taken, and are never one another") {
  const std::string text =
      "- name: docker.io/library/node:20\n- name: ghcr.io/org/node:20\n- name: quay.io/org/node:20\n";
  const auto result = import_text("diun", text, {"r.io/in", "r.io/out/base"});
  CHECK(result.pipeline("node-20").target.text() == "r.io/out/base/node");
  CHECK(result.pipeline("node-20").staging.text() == "r.io/in/node");
  CHECK(result.pipeline("org-node-20").target.text() == "r.io/out/base/org/node");
  CHECK(result.pipeline("quay.io-org-node-20").target.text() == "r.io/out/base/quay.io/org/node");
  CHECK(result.imported.remarks.empty());
  const auto same = import_text("diun", text, {"r.io/x", "r.io/x"});
  CHECK(same.pipeline("node-20").staging.text() == "r.io/x/node-staging");
  const auto mirror = import_text("regsync",
                                  "sync:\n- {source: 'a.io/x:1', target: 'r.io/x:1', type: image}\n"
                                  "- {source: 'a.io/y:1', target: 'r.io/staging/x:1', type: image}\n");
  CHECK(mirror.pipeline("x-1").staging.text() == "r.io/staging/x-staging");
}

TEST_CASE("regular schedules become intervals, others crons") {
  CHECK(pace("0 */6 * * *") == "6h");
  CHECK(pace("*/15 * * * *") == "15m");
  CHECK(pace("* * * * *") == "1m");
  CHECK(pace("17 * * * *") == "1h");
  CHECK(pace("0 4 * * *") == "24h");
  CHECK(pace("0 0 */12 * * *") == "12h");
  CHECK(pace("@every 1h30m") == "90m");
  CHECK(pace("@daily") == "24h");
  CHECK(pace("@weekly") == "7d");
  for (const auto* irregular :
       {"*/7 * * * *", "0 */5 * * *", "0 9-17 * * *", "0 4 * * 1", "0 4 1 * *", "0,20 * * * *"})
    CHECK(pace(irregular) == "cron");
  CHECK(pace("nonsense") == "comment");
  CHECK(pace("*/5 0 4 * * 1") == "comment");
}

namespace {

// What is looked at by this schedule, with zones as the machine knows them.
Result by_schedule(const std::string& schedule) {
  auto sources = fake_secrets();
  sources.time_zone = [](const std::string& name, std::string& why) -> std::optional<std::string> {
    std::ifstream in("/usr/share/zoneinfo/" + name, std::ios::binary);
    if (in) return std::string(std::istreambuf_iterator<char>(in), {});
    why = "there is no such file";
    return std::nullopt;
  };
  Result result;
  const auto text =
      "sync: [{source: 'a.io/x:1', target: 'b.io/x:1', type: image, schedule: '" + schedule + "'}]";
  result.imported = import_config("regsync", {{"file", text}}, {}, sources);
  const auto loaded = parse(result.imported.text, "sluice.yaml", fake_parts(), sources);
  INFO(loaded.diagnostics.text());
  REQUIRE(loaded.config);
  result.config = loaded.config;
  return result;
}

}  // namespace

TEST_CASE("crons keep their times, as far as five fields and a zone can say them") {
  const auto with_seconds = by_schedule("10 30 9 ? * 1-5");
  CHECK_THAT(with_seconds.imported.text, Contains("poll: {cron: \"30 9 * * 1-5\"}"));
  CHECK_THAT(with_seconds.told("file", 1), Contains("its seconds are not kept") && Contains("taken as UTC"));
  CHECK_THAT(by_schedule("0 30 9 * * 1-5").told("file", 1), !Contains("seconds"));
  CHECK_THAT(by_schedule("@monthly").imported.text, Contains("cron: \"0 0 1 * *\""));
  CHECK_THAT(by_schedule("@yearly").imported.text, Contains("cron: \"0 0 1 1 *\""));
  CHECK_THAT(by_schedule("nonsense").told("file", 1), Contains("left out: nonsense: "));
  const auto zoned = by_schedule("CRON_TZ=Europe/Berlin 30 9 * * 1-5");
  CHECK_THAT(zoned.imported.text, Contains("poll: {cron: \"30 9 * * 1-5\", timezone: \"Europe/Berlin\"}"));
  CHECK(zoned.imported.remarks.empty());
  CHECK_THAT(by_schedule("TZ=Europe/Berlin 0 */6 * * *").imported.text, Contains("poll: {every: 6h}"));
  const auto nowhere = by_schedule("TZ=No/Where 30 9 * * 1-5");
  CHECK_THAT(nowhere.imported.text, Contains("poll: {cron: \"30 9 * * 1-5\"}"));
  CHECK_THAT(nowhere.told("file", 1), Contains("changed: time zone No/Where: its times are taken as UTC"));
}

TEST_CASE("D9: what stands in foreign files stays a text in ours") {
  const std::string nasty = "x\\npipelines: [{name: evil}]\\n# \\u001b[2J\\\"}";
  const auto result =
      import_text("diun", "- {name: 'a.io/x:1', watch_repo: true, include_tags: [\"" + nasty +
                              "\"]}\n"
                              "- {name: \"" +
                              nasty + "\"}\n- {name: 'a.io/y:1', platform: {arch: \"" + nasty +
                              "\"}}\n"
                              "- name: 'a.io/z:1'\n");
  CHECK(result.config->pipelines.size() == 1);
  CHECK(result.imported.text.find('\x1b') == std::string::npos);
  const auto schedule = import_text(
      "regsync", "sync: [{source: 'a.io/x:1', target: 'b.io/x:1', type: image, schedule: \"" + nasty +
                     "\"}]\n"
                     "creds: [{registry: \"" +
                     nasty + "\", user: \"" + nasty + "\", pass: x}, {registry: r.io, user: \"" + nasty +
                     "\", pass: x}]\n");
  CHECK(schedule.config->pipelines.size() == 1);
  CHECK(schedule.config->registries.size() == 1);
  CHECK(import("diun", {{"a\nb: 1\n", "- name: 'a.io/x:1'\n"}}).config->pipelines.size() == 1);
}

TEST_CASE("D6: hostile files are refused within the limits of our own files, and told by name") {
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n";
  for (char level = 'b'; level < 'j'; ++level)
    bomb += std::string(1, level) + ": &" + level + " [*" + std::string(9, '?') + "]\n";
  std::string aliases = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const auto before = "*a" + std::to_string(i - 1);
    aliases += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 9; ++j)
      aliases += ", " + before;
    aliases += "]\n";
  }
  std::string deep = "sync: ";
  for (int i = 0; i < 2000; ++i)
    deep += "[";
  const std::vector<std::pair<std::string, std::string>> hostile{
      {aliases, "more than 100000 values"},
      {deep + std::string(2000, ']'), "nested too deeply"},
      {"sync: " + std::string(100, '[') + std::string(100, ']'), "nested deeper"},
      {std::string(1024 * 1024 + 1, '#'), "larger than"},
      {"a: [\n", "is not closed"},
      {std::string("a\0b", 3), "control character"},
      {bomb, "line"}};
  for (const auto& tool : import_sources())
    for (const auto& [text, reason] : hostile) {
      if (tool == "renovate") continue;  // what is no JSON is a Dockerfile
      const auto imported = import_config(tool, {{"hostile.yml", text}}, {});
      REQUIRE(imported.mistakes.size() == 1);
      CHECK(imported.mistakes.front().file == "hostile.yml");
      if (reason != "line") CHECK_THAT(imported.mistakes.front().text(), Contains(reason));
      CHECK(imported.text.empty());
    }
  CHECK(import_config("renovate", {{"x", "{" + aliases.substr(0, 40)}}, {}).mistakes.size() == 1);
  CHECK(import_config("renovate", {{"Dockerfile", std::string(1024 * 1024 + 1, 'x')}}, {}).mistakes.size() ==
        1);
}

TEST_CASE("files of something else are no reason to fall") {
  for (const auto& tool : import_sources())
    for (const auto* text : {"", "[]", "{}", "a", "- a\n- [b]\n- {c: d}\n",
                             "tasks: x\nsync: {a: b}\nkeel: 1\nregopts: [1]\npackageRules: {}\n",
                             "sync: [1, {source: [a]}]\ntasks: [{mappings: [x]}]\ncreds: [a]\nkind: [x]\n",
                             "FROM\nFROM --platform\nARG\n"}) {
      INFO(tool << ": " << text);
      const auto result = import_text(tool, text);
      CHECK(result.imported.pipelines == 0);
    }
  CHECK_THROWS_AS(import_config("watchtower", {}, {}), Error);
}

TEST_CASE("a registry that the loader would refuse is left out and told") {
  const auto result = import_text("dregsy",
                                  "tasks: [{interval: 60, source: {registry: r.example.com, auth-refresh: "
                                  "10h}, target: {registry: t.io}, "
                                  "mappings: [{from: a, tags: ['1']}]}]\n");
  CHECK(result.imported.pipelines == 1);
  CHECK(result.config->registries.empty());
  CHECK_THAT(result.told("dregsy", 0),
             Contains("registry r.example.com") && Contains("gives no credentials"));
}

TEST_CASE("whatever happens to foreign files, what comes out loads") {
  const std::vector<std::pair<std::string, std::string>> all{
      {"diun", "diun.yml"},       {"diun", "diun-images.yml"},   {"regsync", "regsync.yml"},
      {"keel", "keel.yaml"},      {"keel", "keel-values.yaml"},  {"dregsy", "dregsy.yaml"},
      {"renovate", "Dockerfile"}, {"renovate", "renovate.json5"}};
  std::mt19937 draw(20'261'127);
  const auto below = [&](std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(draw);
  };
  const std::string bytes = "\"'[]{}:,#-*&!|>%@`$ \n\\0aA./\x01\xff";
  int loaded = 0;
  for (const auto& [tool, name] : all) {
    const auto whole = example(name).text;
    for (int round = 0; round < 150; ++round) {
      auto text = whole;
      for (auto changes = below(4) + 1; changes > 0; --changes) {
        const auto at = below(text.size());
        const auto count = below(20);
        if (below(2) == 0)
          text[at] = bytes[below(bytes.size())];
        else if (below(2) == 0)
          text.erase(at, count);
        else
          text.insert(below(text.size()), text.substr(at, count));
      }
      INFO(text);
      const auto imported = import_config(tool, {{name, text}}, {});
      if (!imported.mistakes.empty()) continue;
      good(imported.text);
      ++loaded;
    }
  }
  CHECK(loaded > 100);
}
