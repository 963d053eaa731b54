#include "contract/checks/bench.hpp"

using namespace sluice;
using namespace sluice::test;

namespace {
const std::string image_name = "r.example.com/staging/node@sha256:" + std::string(64, 'a');
}

TEST_CASE("a real program judges an image by what it is told") {
  CheckBench bench;
  const auto outcome = bench.run(
      image_name,
      R"(command: {run: [sh, -c, "echo $SLUICE_IMAGE $1 $LEVEL", sh, "{run}"], environment: {LEVEL: high}})");
  CHECK(outcome.passed);
  CHECK(bench.log == std::vector<std::string>{image_name + " ca1a high"});
  CHECK(bench.run(image_name, "command: {run: [sh, -c, \"echo no; exit 4\"]}").summary == "exit code 4: no");
}

TEST_CASE("D9: a value is one argument, whatever is in it") {
  CheckBench bench;
  bench.run(image_name, R"(command: {run: [sh, -c, "echo $#", sh, "$(id) ; {run} *"]})");
  CHECK(bench.log == std::vector<std::string>{"1"});
}

TEST_CASE("a program that does not exist is an error that names it") {
  CheckBench bench;
  CHECK_THAT(bench.failure(image_name, "command: {run: [/nonexistent/scan]}").what(),
             Catch::Contains("/nonexistent/scan"));
}
