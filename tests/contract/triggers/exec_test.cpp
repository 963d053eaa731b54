#include "contract/triggers/bench.hpp"

using namespace sluice;
using namespace sluice::test;

TEST_CASE("a real program starts a rebuild with what it is told") {
  TriggerBench bench;
  CHECK(bench.send(R"(exec: {run: [sh, -c, "echo $SLUICE_IDEMPOTENCY_KEY $1", sh, "{image}"]})") ==
        "exit code 0: rebuild-ca1b r.example.com/team/app:latest");
  CHECK(bench.failure("exec: {run: [sh, -c, \"exit 75\"]}").kind() == ErrorKind::unavailable);
  CHECK(bench.failure("exec: {run: [sh, -c, \"exit 1\"]}").kind() == ErrorKind::invalid);
}
