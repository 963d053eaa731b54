// The text format of Prometheus.

#include "api/exposition.hpp"

#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

using namespace sluice;
using sluice::api::Exposition;

TEST_CASE("a metric has its help, its type and its samples") {
  Exposition out;
  out.counter("sluice_polls_total", "Looks.");
  out.sample(3, {{"registry", "docker.io"}, {"result", "changed"}});
  out.gauge("sluice_jobs_queued", "Jobs.");
  out.sample(0.5);
  CHECK(out.take() ==
        "# HELP sluice_polls_total Looks.\n# TYPE sluice_polls_total counter\n"
        "sluice_polls_total{registry=\"docker.io\",result=\"changed\"} 3\n"
        "# HELP sluice_jobs_queued Jobs.\n# TYPE sluice_jobs_queued gauge\nsluice_jobs_queued 0.5\n");
}

TEST_CASE("D8: a label holds whatever it is given without breaking the line or the quotes") {
  Exposition out;
  out.gauge("x", "X.");
  out.sample(1, {{"a", "q\"b\\n\n\x1b[31m\xff"}});
  CHECK(out.take() == "# HELP x X.\n# TYPE x gauge\nx{a=\"q\\\"b\\\\n\\\\x0a\\\\x1b[31m\\\\xff\"} 1\n");
}

TEST_CASE("large counts are written in full, and what is no number by its name") {
  Exposition out;
  out.gauge("x", "X.");
  out.sample(123456789012345);
  out.sample(std::numeric_limits<double>::infinity());
  out.sample(std::nan(""));
  CHECK(out.take() == "# HELP x X.\n# TYPE x gauge\nx 123456789012345\nx +Inf\nx NaN\n");
}

TEST_CASE("buckets of a histogram hold all that is below their bound") {
  Histogram values({0.5, 1});
  for (const double value : {0.1, 0.5, 0.7, 100.0})
    values.add(value);
  Exposition out;
  out.histogram("d_seconds", "D.");
  out.sample(values, {{"known_by", "webhook"}});
  CHECK(out.take() ==
        "# HELP d_seconds D.\n# TYPE d_seconds histogram\n"
        "d_seconds_bucket{known_by=\"webhook\",le=\"0.5\"} 2\n"
        "d_seconds_bucket{known_by=\"webhook\",le=\"1\"} 3\n"
        "d_seconds_bucket{known_by=\"webhook\",le=\"+Inf\"} 4\n"
        "d_seconds_sum{known_by=\"webhook\"} 101.3\nd_seconds_count{known_by=\"webhook\"} 4\n");
}
