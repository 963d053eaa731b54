// What is looked at, and for whom.

#include "engine/watch_list.hpp"

#include "core/random.hpp"

#include <map>
#include <set>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace std::chrono_literals;
using engine::WatchList;

namespace {

WatchList::Question ask(const std::string& repository, const std::string& tag, Milliseconds every = 60s) {
  return {.repository = oci::Repository::parse("up.example/" + repository),
          .tag = tag,
          .poll = {.every = every}};
}

}  // namespace

TEST_CASE("names that ask the same at the same pace share a look") {
  WatchList list;
  const auto first = list.put("a", ask("node", "9"));
  const auto second = list.put("b", ask("node", "9"));
  CHECK(first.fresh);
  CHECK_FALSE(second.fresh);
  CHECK(second.joined);
  CHECK(second.id == first.id);
  CHECK(list.put("c", ask("node", "10")).fresh);
  CHECK(list.put("d", ask("node", "9", 5s)).fresh);
  CHECK(list.put("e", ask("node", "")).fresh);
  CHECK(list.find(first.id)->subscribers.size() == 2);
  CHECK(list.find(*list.of("e"))->is_list());
}

TEST_CASE("a look ends with the last name that wants it") {
  WatchList list;
  const auto id = list.put("a", ask("node", "9")).id;
  list.put("b", ask("node", "9"));
  CHECK_FALSE(list.remove("a"));
  CHECK(list.remove("b") == id);
  CHECK_FALSE(list.remove("b"));
  CHECK_FALSE(list.find(id));
  CHECK(list.statuses().empty());
}

TEST_CASE("a name that asks something else forgets what was seen; one that asks the same does not") {
  WatchList list;
  const auto before = list.put("a", ask("node", "9"));
  list.subscriber("a")->seen.observation = 7;
  CHECK_FALSE(list.put("a", ask("node", "9")).joined);
  CHECK(list.subscriber("a")->seen.observation == 7);
  const auto after = list.put("a", ask("node", "10"));
  CHECK(after.fresh);
  CHECK(after.ended == before.id);
  CHECK(list.subscriber("a")->seen.observation == 0);
}

TEST_CASE("the members of a set are those with its name before the colon") {
  WatchList list;
  for (const auto* name : {"node", "node:2", "node:1", "node-x", "node-x:1", "nod:1"})
    list.put(name, ask("node", name));
  CHECK(list.members("node") == std::vector<std::string>{"node:1", "node:2"});
  CHECK(list.members("no").empty());
}

TEST_CASE("property: each name is served by exactly one look, which asks what it wants") {
  SeededRandom random(2);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random.next() % limit); };
  WatchList list;
  std::map<std::string, std::string> wanted;
  for (int round = 0; round < 5000; ++round) {
    const auto name = "n" + std::to_string(below(20));
    if (below(3) == 0) {
      list.remove(name);
      wanted.erase(name);
    } else {
      wanted[name] = std::to_string(below(8));
      list.put(name, ask("r" + wanted[name], wanted[name]));
    }
    std::map<std::string, std::string> served;
    list.each([&](const WatchList::Look& look) {
      REQUIRE_FALSE(look.subscribers.empty());
      for (const auto& one : look.subscribers) {
        REQUIRE(look.repository->path == "r" + look.tag);
        REQUIRE(served.emplace(*one.name, look.tag).second);
        REQUIRE(one.status == &list.statuses().at(*one.name));
      }
    });
    REQUIRE(served == wanted);
  }
}
