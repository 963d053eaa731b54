#include "support.hpp"

#include <catch2/catch.hpp>

namespace sluice::store {
namespace {

using namespace test;

Receipt receipt(const std::string& delivery, Time received = at(1), const std::string& hook = "hub") {
  return {.hook = hook, .delivery = delivery, .received = received, .matched = 1};
}

template <class F>
void with_tables(F use) {
  const TemporaryDirectory directory;
  auto store = open_store(directory.database());
  write(*store, use);
}

TEST_CASE("A delivery that counts once is known when it comes again, from the same sender only") {
  with_tables([](Tables& tables) {
    CHECK(tables.webhooks.accept(receipt("id:1"), true));
    CHECK_FALSE(tables.webhooks.accept(receipt("id:1", at(2)), true));
    CHECK(tables.webhooks.accept(receipt("id:1", at(2), "other"), true));
  });
}

TEST_CASE("One that may come again gets a new number each time and leaves one row") {
  with_tables([](Tables& tables) {
    const auto first = tables.webhooks.accept(receipt("body:1"), false);
    const auto second = tables.webhooks.accept(receipt("body:1", at(2)), false);
    REQUIRE(first);
    REQUIRE(second);
    CHECK(*second > *first);
    CHECK(tables.webhooks.forget(at(100), 10) == 1);
  });
}

TEST_CASE("A promised look is kept until it was made for the newest receipt") {
  with_tables([](Tables& tables) {
    tables.webhooks.owe({.pipeline = "node", .receipt = 1, .hook = "hub", .since = at(1)});
    tables.webhooks.owe({.pipeline = "node", .receipt = 5, .hook = "acr", .since = at(5)});
    tables.webhooks.owe({.pipeline = "other", .receipt = 5, .hook = "acr", .since = at(5)});
    tables.webhooks.looked("node", 4);
    const auto owed = tables.webhooks.owed();
    REQUIRE(owed.size() == 2);
    CHECK(owed[0].pipeline == "node");
    CHECK(owed[0].receipt == 5);
    CHECK(owed[0].hook == "acr");
    CHECK(owed[0].since == at(1));
    tables.webhooks.looked("node", 5);
    CHECK(tables.webhooks.owed().size() == 1);
  });
}

TEST_CASE("Old receipts go, a piece at a time; promised looks stay") {
  with_tables([](Tables& tables) {
    for (int i = 0; i < 10; ++i)
      tables.webhooks.accept(receipt("id:" + std::to_string(i), at(i)), true);
    tables.webhooks.owe({.pipeline = "node", .receipt = 1, .hook = "hub", .since = at(1)});
    CHECK(tables.webhooks.forget(at(8), 5) == 5);
    CHECK(tables.webhooks.forget(at(8), 5) == 3);
    CHECK(tables.webhooks.forget(at(8), 5) == 0);
    CHECK(tables.webhooks.owed().size() == 1);
    CHECK_FALSE(tables.webhooks.accept(receipt("id:9"), true));
    CHECK(tables.webhooks.accept(receipt("id:1"), true));
  });
}

}  // namespace
}  // namespace sluice::store
