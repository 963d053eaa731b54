#include "diff.hpp"

#include <catch2/catch.hpp>

using sluice::daemon::unified_diff;

TEST_CASE("a diff shows what came in, with three lines around it") {
  CHECK(unified_diff("f", "1\n2\n3\n4\n5\n6\n7\n8\n", "1\n2\n3\n4\nnew\n5\n6\n7\n8\n") ==
        "--- f\n+++ f\n@@ -2,6 +2,7 @@\n 2\n 3\n 4\n+new\n 5\n 6\n 7\n");
  CHECK(unified_diff("f", "a\nb\nc\n", "a\nB\nC\nc\n") ==
        "--- f\n+++ f\n@@ -1,3 +1,4 @@\n a\n-b\n+B\n+C\n c\n");
}

TEST_CASE("a diff of a file that begins, ends or does not change") {
  CHECK(unified_diff("f", "", "a\nb\n") == "--- f\n+++ f\n@@ -0,0 +1,2 @@\n+a\n+b\n");
  CHECK(unified_diff("f", "a", "a\nb\n") ==
        "--- f\n+++ f\n@@ -1,1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n");
  CHECK(unified_diff("f", "a\na\n", "a\na\na\n") == "--- f\n+++ f\n@@ -1,2 +1,3 @@\n a\n a\n+a\n");
  CHECK(unified_diff("f", "a\n", "a\n").empty());
}

TEST_CASE("a diff shows nothing that a terminal would act on") {
  CHECK(unified_diff("f\x1b[2J", "", "\x1b]0;x\x07\r\n").find('\x1b') == std::string::npos);
}
