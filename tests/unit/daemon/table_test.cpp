#include "table.hpp"

#include <catch2/catch.hpp>

using namespace sluice::daemon;

TEST_CASE("columns are padded to their widest cell with two spaces between, nothing at the end of a line") {
  Table table({{"A"}, {"LONGER"}, {"C"}});
  table.add({{"wide cell"}, {"x"}, {"y"}});
  table.add({{"1"}, {"2"}, {""}});
  CHECK(table.lines(false) == std::vector<std::string>{"A          LONGER  C",  //
                                                       "wide cell  x       y",  //
                                                       "1          2"});
}

TEST_CASE("a row may be shorter than the header, and an empty cell keeps its column") {
  Table table({{"A"}, {"B"}, {"C"}});
  table.add({{"1"}, {""}, {"3"}});
  table.add({{"1"}});
  CHECK(table.lines(false) == std::vector<std::string>{"A  B  C", "1     3", "1"});
}

TEST_CASE("a column never gets narrower than it was asked to be") {
  Table table({{"A", 5}, {"B"}});
  table.add({{"1"}, {"2"}});
  CHECK(table.lines(false) == std::vector<std::string>{"A      B", "1      2"});
}

TEST_CASE("characters count, not bytes") {
  Table table({{"A"}, {"B"}});
  table.add({{"\u00e4\u00f6"}, {"x"}});
  table.add({{"abc"}, {"y"}});
  CHECK(table.lines(false) == std::vector<std::string>{"A    B", "\u00e4\u00f6   x", "abc  y"});
}

TEST_CASE("lines are cut at the width of the screen between characters") {
  Table table({{"AAAA"}, {"BBBB"}});
  table.add({{"1\u00e43"}, {"2"}});
  CHECK(table.lines(false, 2) == std::vector<std::string>{"AA", "1\u00e4"});
  CHECK(table.lines(false, 7) == std::vector<std::string>{"AAAA  B", "1\u00e43   2"});
  CHECK(table.lines(false, 5) == std::vector<std::string>{"AAAA", "1\u00e43"});
}

TEST_CASE("colours do not count as width, and are left out when they are not wanted") {
  Table table({{"A"}, {"B"}});
  table.add({{"x", Colour::red}, {"y"}});
  CHECK(table.lines(true)[1] == "\x1b[31mx\x1b[0m  y");
  CHECK(table.lines(false)[1] == "x  y");
}
