#include "core/cleanup.hpp"

#include "support/run.hpp"

#include <stdexcept>
#include <string>

#include <catch2/catch.hpp>

using namespace sluice;

namespace {

Task<int> works() {
  co_return 7;
}
Task<int> fails() {
  throw std::runtime_error("broken");
  co_return 0;
}
Task<> note(int& count) {
  ++count;
  co_return;
}
Task<> note_and_fail(int& count) {
  ++count;
  throw std::runtime_error("the cleanup broke");
  co_return;
}

}  // namespace

TEST_CASE("the cleanup runs after work that succeeds, and its result is given") {
  int count = 0;
  CHECK(test::run([&] { return with_cleanup(works(), note(count)); }) == 7);
  CHECK(count == 1);
}

TEST_CASE("the cleanup runs after work that fails, and the failure is given") {
  int count = 0;
  CHECK_THROWS_WITH(test::run([&] { return with_cleanup(fails(), note(count)); }), "broken");
  CHECK(count == 1);
}

TEST_CASE("a cleanup that fails hides neither a result nor a failure") {
  int count = 0;
  CHECK(test::run([&] { return with_cleanup(works(), note_and_fail(count)); }) == 7);
  CHECK_THROWS_WITH(test::run([&] { return with_cleanup(fails(), note_and_fail(count)); }), "broken");
  CHECK(count == 2);
}
