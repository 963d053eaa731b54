#include "dependents/graph.hpp"

#include "core/random.hpp"

#include <map>
#include <set>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::dependents;

namespace {

oci::Reference reference(const std::string& text) {
  return oci::Reference::parse("r.example.com/" + text);
}

Node node(const std::string& name, std::vector<std::string> from) {
  Node made{.name = name, .image = reference(name + ":latest"), .from = {}};
  for (const auto& base : from)
    made.from.push_back(reference(base));
  return made;
}

}  // namespace

TEST_CASE("nothing is planned when nothing is built from the promoted tag") {
  CHECK(plan({}, reference("node:9")).empty());
  CHECK(plan({node("app", {"python:3"})}, reference("node:9")).empty());
}

TEST_CASE("another tag of the same repository is another base") {
  CHECK(plan({node("app", {"node:10"})}, reference("node:9")).empty());
}

TEST_CASE("direct dependents are the first wave, by name") {
  const auto planned = plan({node("worker", {"node:9"}), node("app", {"node:9"})}, reference("node:9"));
  CHECK(planned == std::vector<Planned>{{"app", 0, reference("node:9")}, {"worker", 0, reference("node:9")}});
}

TEST_CASE("the digest of a promotion does not matter for who depends on its tag") {
  auto promoted = reference("node:9");
  promoted.digest = oci::Digest::of("x");
  CHECK(plan({node("app", {"node:9"})}, promoted).size() == 1);
}

TEST_CASE("a dependent of a dependent is in the wave after it, and its base is that image") {
  const auto planned =
      plan({node("app", {"team-base:latest"}), node("team-base", {"node:9"})}, reference("node:9"));
  CHECK(planned == std::vector<Planned>{{"team-base", 0, reference("node:9")},
                                        {"app", 1, reference("team-base:latest")}});
}

TEST_CASE("a dependent that is reached in two ways goes in its latest wave") {
  const auto planned =
      plan({node("app", {"node:9", "top:latest"}), node("mid", {"node:9"}), node("top", {"mid:latest"})},
           reference("node:9"));
  REQUIRE(planned.size() == 3);
  CHECK(planned[2] == Planned{"app", 2, reference("top:latest")});
}

TEST_CASE("a base that is not affected does not matter") {
  const auto planned = plan({node("app", {"python:3", "node:9"})}, reference("node:9"));
  CHECK(planned == std::vector<Planned>{{"app", 0, reference("node:9")}});
}

TEST_CASE("a cycle ends the walk, and all that is reached is planned once") {
  const std::vector<Node> nodes = {node("a", {"b:latest"}), node("b", {"a:latest", "node:9"}),
                                   node("c", {"c:latest", "a:latest"})};
  const auto planned = plan(nodes, reference("node:9"));
  CHECK(planned == std::vector<Planned>{{"b", 0, reference("node:9")},
                                        {"a", 1, reference("b:latest")},
                                        {"c", 2, reference("a:latest")}});
}

TEST_CASE("a chain of ten thousand images is planned") {
  std::vector<Node> nodes;
  nodes.push_back(node("n0", {"node:9"}));
  for (int i = 1; i < 10'000; ++i)
    nodes.push_back(node("n" + std::to_string(i), {"n" + std::to_string(i - 1) + ":latest"}));
  const auto planned = plan(nodes, reference("node:9"));
  REQUIRE(planned.size() == 10'000);
  CHECK(planned.back().wave == 9'999);
}

TEST_CASE("property: every planned base is the promoted tag or was planned in an earlier wave") {
  SeededRandom random(1);
  const auto promoted = reference("node:9");
  for (int round = 0; round < 500; ++round) {
    std::vector<Node> nodes;
    std::set<std::string> reached;
    for (int i = 0; i < 20; ++i) {
      std::vector<std::string> from;
      bool affected = false;
      for (std::uint64_t n = random.next() % 3; n > 0; --n) {
        const auto of = static_cast<int>(random.next() % 22);
        const auto base =
            of >= i ? std::string(of % 2 ? "node:9" : "other:1") : "n" + std::to_string(of) + ":latest";
        affected = affected || base == "node:9" || (of < i && reached.contains("n" + std::to_string(of)));
        from.push_back(base);
      }
      nodes.push_back(node("n" + std::to_string(i), from));
      if (affected) reached.insert(nodes.back().name);
    }
    std::map<std::string, int> wave_of;
    for (const auto& planned : plan(nodes, promoted)) {
      REQUIRE(wave_of.emplace(reference(planned.name + ":latest").text(), planned.wave).second);
      if (planned.wave == 0) {
        REQUIRE(planned.base == promoted);
        continue;
      }
      REQUIRE(wave_of.at(planned.base.text()) == planned.wave - 1);
    }
    REQUIRE(wave_of.size() == reached.size());
  }
}
