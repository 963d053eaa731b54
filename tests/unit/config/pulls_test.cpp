// budget and mirrors of registries.

#include "unit/config/support.hpp"

using namespace sluice::config;
using namespace sluice::config::test;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

std::string hub(const std::string& settings) {
  return "registries: {docker.io: {" + settings + "}}";
}

}  // namespace

TEST_CASE("a budget is a number of pulls or requests in a time") {
  struct Case {
    const char* text;
    std::int64_t count;
    sluice::Milliseconds period;
    bool counts_all;
  };
  const Case cases[] = {{"100/6h", 100, 6h, false},
                        {"200 pulls/6h", 200, 6h, false},
                        {"50 requests/1s", 50, 1s, true},
                        {"1 requests / 31d", 1, std::chrono::days(31), true},
                        {"1000000/1h30m", 1'000'000, 90min, false}};
  for (const auto& one : cases) {
    INFO(one.text);
    const auto budget = good(hub("budget: " + std::string(one.text)))->registry("docker.io").budget;
    REQUIRE(budget);
    CHECK(budget->count == one.count);
    CHECK(budget->period == one.period);
    CHECK(budget->counts_all == one.counts_all);
  }
  CHECK_FALSE(good(hub("budget: none"))->registry("docker.io").budget);
  CHECK_FALSE(good("log: {}")->registry("docker.io").budget);
}

TEST_CASE("what is no budget is told with its place") {
  for (const auto* text : {"100", "/6h", "0/6h", "-1/6h", "100/0s", "100/6", "100/32d", "100 looks/6h",
                           "1000001/1h", "100/6h/2", "1.5/1h", "many/6h"}) {
    INFO(text);
    CHECK_THAT(wrong(hub("budget: " + std::string(text))),
               Contains("is not a number of pulls or requests") && Contains("1:"));
  }
}

TEST_CASE("mirrors keep their order, paths and permissions") {
  const auto mirrors = good(R"(
registries:
  docker.io:
    mirrors:
      - mirror.gcr.io
      - {registry: "registry.example.com:5000/hub/proxy", tags: true}
      - registry: other.example.com
)")
                           ->registry("docker.io")
                           .mirrors;
  REQUIRE(mirrors.size() == 3);
  CHECK(mirrors[0].host == "mirror.gcr.io");
  CHECK(mirrors[0].path.empty());
  CHECK_FALSE(mirrors[0].tags);
  CHECK(mirrors[1].host == "registry.example.com:5000");
  CHECK(mirrors[1].path == "hub/proxy");
  CHECK(mirrors[1].tags);
  CHECK(mirrors[2].host == "other.example.com");
}

TEST_CASE("mistakes about mirrors are told with line and column") {
  CHECK_THAT(wrong("registries:\n  docker.io:\n    mirrors:\n      - https://mirror.gcr.io\n"),
             Contains("4:9") && Contains("is not a registry"));
  for (const auto* text :
       {"mirror.gcr.io/", "mirror.gcr.io/UPPER", "mirror.gcr.io//a", "word", "a b.example.com"})
    CHECK_THAT(wrong(hub("mirrors: ['" + std::string(text) + "']")), Contains("is not a registry"));
  CHECK_THAT(wrong(hub("mirrors: mirror.gcr.io")), Contains("must be a list"));
  CHECK_THAT(wrong(hub("mirrors: [{tags: true}]")), Contains("'registry' is missing"));
  CHECK_THAT(wrong(hub("mirrors: [{registry: mirror.gcr.io, tag: true}]")), Contains("did you mean 'tags'?"));
  CHECK_THAT(wrong(hub("mirrors: [[mirror.gcr.io]]")), Contains("must be a mapping"));
  CHECK_THAT(wrong(hub("mirrors: [mirror.gcr.io, mirror.gcr.io]")), Contains("stands here twice"));
}

TEST_CASE("a registry is no mirror of itself, by whatever name, nor of its own mirror") {
  for (const auto* name : {"docker.io", "index.docker.io/library", "registry-1.docker.io"})
    CHECK_THAT(wrong(hub("mirrors: [" + std::string(name) + "]")), Contains("is a mirror of itself"));
  CHECK_THAT(
      wrong(R"(registries:
  a.example.com: {mirrors: [b.example.com]}
  b.example.com: {mirrors: [c.example.com/x]}
  c.example.com: {mirrors: [a.example.com]}
)"),
      Contains("4:29") && Contains("a.example.com -> b.example.com -> c.example.com -> a.example.com"));
  // A chain leads nowhere back, and two registries may share a mirror.
  good(
      "registries: {a.example.com: {mirrors: [b.example.com, c.example.com]}, "
      "b.example.com: {mirrors: [c.example.com]}}");
}
