#include "core/workers.hpp"

#include "support/run.hpp"

#include <stdexcept>
#include <thread>

#include <catch2/catch.hpp>

using namespace sluice;

TEST_CASE("work runs on another thread and its result comes back to the caller's") {
  Workers workers(2);
  const auto here = std::this_thread::get_id();
  const auto there = test::run([&]() -> Task<std::thread::id> {
    auto id = co_await workers.run([] { return std::this_thread::get_id(); });
    CHECK(std::this_thread::get_id() == here);
    co_return id;
  });
  CHECK(there != here);
}

TEST_CASE("what work throws is thrown at the caller") {
  Workers workers(1);
  CHECK_THROWS_AS(test::run([&]() -> Task<> { co_await workers.run([] { throw std::out_of_range("x"); }); }),
                  std::out_of_range);
  CHECK_THROWS_AS(test::run([&]() -> Task<int> {
                    auto value = co_await workers.run([]() -> int { throw std::out_of_range("x"); });
                    co_return value;
                  }),
                  std::out_of_range);
}
