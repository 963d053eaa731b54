#include "support.hpp"

#include <catch2/catch.hpp>

namespace sluice::store {
namespace {

using namespace test;
using Texts = std::vector<std::string>;

Member member(const std::string& tag, const std::string& state, bool baseline = false) {
  return {.pipeline = "node", .tag = tag, .state = state, .since = at(1), .baseline = baseline};
}

template <class F>
void with_members(F use) {
  const TemporaryDirectory directory;
  auto store = open_store(directory.database());
  write(*store, use);
}

TEST_CASE("C7: a member that is withdrawn is kept with its state, and may be watched again") {
  with_members([](Tables& tables) {
    CHECK_FALSE(tables.members.begun("node"));
    tables.members.put(member("20.1", "watched", true));
    tables.members.put(member("20.2", "watched"));
    tables.members.put(member("20.1", "withdrawn"));
    CHECK(tables.members.in_state("node", "watched") == Texts{"20.2"});
    CHECK(tables.members.count("node", "withdrawn") == 1);
    CHECK(tables.members.find("node", "20.1")->state == "withdrawn");
    // That it was there when the set began does not change.
    CHECK(tables.members.find("node", "20.1")->baseline);
    tables.members.put(member("20.1", "watched"));
    CHECK(tables.members.in_state("node", "watched") == Texts{"20.1", "20.2"});
    CHECK(tables.members.begun("node"));
    CHECK_FALSE(tables.members.begun("nod"));
    tables.members.begin("nod", Time());
    CHECK(tables.members.begun("nod"));
    CHECK(tables.members.in_state("nod", "watched").empty());
    CHECK_FALSE(tables.members.find("other", "20.1"));
  });
}

TEST_CASE("A hold of a set is in force for its members, and their own holds come first") {
  with_members([](Tables& tables) {
    tables.holds.set({.pipeline = "node", .reason = "all", .by = "ann", .since = at(1)});
    tables.holds.set({.pipeline = "node:20.1", .reason = "one", .by = "ann", .since = at(1)});
    tables.holds.set({.pipeline = "node-x:1", .reason = "other", .by = "ann", .since = at(1)});
    CHECK(tables.holds.in_force("node:20.1")->reason == "one");
    CHECK(tables.holds.in_force("node:20.2")->reason == "all");
    CHECK(tables.holds.in_force("node")->reason == "all");
    CHECK_FALSE(tables.holds.in_force("python:3"));
    CHECK_FALSE(tables.holds.active("node:20.2"));
    REQUIRE(tables.holds.of_members("node").size() == 1);
    CHECK(tables.holds.of_members("node")[0].pipeline == "node:20.1");
  });
}

TEST_CASE("The open runs of a set are those of its members") {
  with_members([](Tables& tables) {
    const auto first = tables.runs.insert(pipeline_run("node:20.1"));
    tables.runs.insert(pipeline_run("node"));
    tables.runs.insert(pipeline_run("node-x:1"));
    tables.runs.insert(ended_run("node:20.2", at(5)));
    const auto second = tables.runs.insert(pipeline_run("node:20.3"));
    const auto open = tables.runs.open_of_members("node");
    REQUIRE(open.size() == 2);
    CHECK(open[0].id == first);
    CHECK(open[1].id == second);
  });
}

TEST_CASE("Retention leaves the runs of a set's members under a hold of the set") {
  with_members([](Tables& tables) {
    const auto member_run = tables.runs.insert(ended_run("node:20.1", at(1)));
    const auto other = tables.runs.insert(ended_run("node-x", at(1)));
    tables.holds.set({.pipeline = "node", .reason = "wait", .by = "ann", .since = at(1)});
    CHECK(tables.retain(at(10), 100) == 1);
    CHECK(tables.runs.find(member_run));
    CHECK_FALSE(tables.runs.find(other));
    tables.holds.lift("node");
    CHECK(tables.retain(at(10), 100) == 1);
    CHECK_FALSE(tables.runs.find(member_run));
  });
}

TEST_CASE("The time of an image is known once it was looked into, also that there is none") {
  with_members([](Tables& tables) {
    CHECK_FALSE(tables.image_times.find(digest("a")));
    tables.image_times.put(digest("a"), at(7));
    tables.image_times.put(digest("b"), std::nullopt);
    tables.image_times.put(digest("a"), at(9));  // by digest: it cannot have changed
    CHECK(tables.image_times.find(digest("a")).value() == at(7));
    REQUIRE(tables.image_times.find(digest("b")));
    CHECK_FALSE(tables.image_times.find(digest("b")).value());
  });
}

}  // namespace
}  // namespace sluice::store
