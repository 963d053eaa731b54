// Texts that are no configuration at all.

#include "unit/config/support.hpp"

#include <chrono>

using namespace sluice::config;
using namespace sluice::config::test;
using Catch::Contains;
using Catch::StartsWith;

TEST_CASE("an empty file is told with its place") {
  for (const auto* text : {"", "\n\n", "# only a comment\n", "---\n", "~"})
    CHECK_THAT(wrong(text), StartsWith("sluice.yaml:1:1: the file is empty"));
}

TEST_CASE("a file that is not a mapping is refused") {
  CHECK_THAT(wrong("- a\n- b\n"), StartsWith("sluice.yaml:1:1: the file must be a mapping"));
  CHECK_THAT(wrong("hello"), Contains("must be a mapping"));
}

TEST_CASE("a second document is refused, and the first one is looked at all the same") {
  const auto told = wrong("stor: {}\n---\nlog: {}\n");
  CHECK_THAT(told, Contains("sluice.yaml:1:1: unknown key 'stor'"));
  CHECK_THAT(told, Contains("sluice.yaml:3:1: the file holds more than one document"));
}

TEST_CASE("D4: a text in which the parser would begin one document without end is refused") {
  // Found by fuzzing: yaml-cpp 0.7 collects documents here until the memory is full.
  CHECK_THAT(wrong("!!pytream: \"ect:os.system {a: !!binary \"x\"}\n? [a, b]\n: c"),
             Contains("sluice.yaml:2:1: nothing can stand here"));
}

TEST_CASE("a tab as indentation is named as such") {
  CHECK_THAT(wrong("store:\n\tpath: /x\n"), StartsWith("sluice.yaml:2:1: this line is indented with a tab"));
  CHECK_THAT(wrong("store:\n  path: /x\n \tkeep_runs: 1d\n"),
             StartsWith("sluice.yaml:3:1: this line is indented"));
}

TEST_CASE("mistakes of syntax are told in words, with their place") {
  struct Case {
    const char* text;
    const char* told;
  };
  const Case cases[] = {
      {"store: {path: /x\n", "sluice.yaml:2:1: a '{' is not closed"},
      {"pipelines: [\n", "sluice.yaml:2:1: a '[' is not closed"},
      {"store:\n  path: \"/x\n", "sluice.yaml:3:2: a quote is not closed"},
      {"store: path: /x\n", "sluice.yaml:1:12: a ':' stands where no mapping can be"},
      {"store:\n  path: /x\n keep_runs: 1d\n", "sluice.yaml:3:2: the indentation does not fit"},
      {"store: @x\n", "sluice.yaml:1:8: a text cannot begin with this character"},
      {"store: - x\n", "a list item ('- ') cannot stand here"},
  };
  for (const auto& one : cases)
    CHECK_THAT(wrong(one.text), Contains(one.told));
}

TEST_CASE("D11: a secret that breaks the syntax is not shown") {
  for (const auto* text :
       {"a: *hunter2\n", "a: {b: hunter2: x}\n", "a: \"hunter2\n", "a: \"\\hunter2\"\n", "a: !<hunter2\n"})
    CHECK_THAT(wrong(text), !Contains("hunter2"));
}

TEST_CASE("a key that stands twice is told with both places, on every level") {
  const auto told = wrong("store: {path: /x, path: /y}\nlog: {}\nlog: {}\n");
  CHECK_THAT(told, Contains("sluice.yaml:1:19: the key 'path' stands here twice"));
  CHECK_THAT(told,
             Contains("sluice.yaml:3:1: the key 'log' stands here twice\n    it was set in line 2 already"));
}

TEST_CASE("anchors and aliases may be used") {
  const auto config = good("tools:\n  container: &tool {program: podman-remote}\n  builder: *tool\n");
  CHECK(config->builder.program == "podman-remote");
}

TEST_CASE("D4: a bomb of aliases is refused quickly") {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const auto before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int n = 1; n < 10; ++n)
      bomb += "," + before;
    bomb += "]\n";
  }
  CHECK_THAT(wrong(bomb), Contains("more than 100000 values"));
}

TEST_CASE("D4: an alias to its own parent is refused") {
  CHECK_THAT(wrong("store: &s {path: *s}\n"), Contains("nested deeper than 32 levels"));
}

TEST_CASE("D4: nesting without end is refused") {
  CHECK_THAT(wrong("a: " + std::string(100, '[') + std::string(100, ']')), Contains("nested deeper"));
  wrong("a: " + std::string(100'000, '['));
  wrong("a: " + std::string(100'000, '{'));
  std::string dashes;
  for (int i = 0; i < 50'000; ++i)
    dashes += "- ";
  wrong(dashes);
}

TEST_CASE("D4: a file of more than a mebibyte is refused") {
  CHECK_THAT(wrong("# " + std::string(1024 * 1024, 'x')), Contains("larger than 1024 KiB"));
}

TEST_CASE("control characters are refused with their place, escaped") {
  CHECK_THAT(wrong("log: {}\nstore: {path: /x\x1b[31m}\n"),
             StartsWith("sluice.yaml:2:17: the control character \\x1b"));
  CHECK_THAT(wrong(std::string("store:\0 x", 9)), Contains("\\x00"));
  CHECK_THAT(wrong("store: {path: \"/x\\0y\"}\n"), Contains("'path' holds a control character"));
}

TEST_CASE("D8: what stands in the file is escaped where it is shown") {
  const auto told = wrong("\"evil\\u202ekey\\e[31m\": 1\n");
  CHECK_THAT(told, Contains("\\u202e"));
  CHECK(told.find('\x1b') == std::string::npos);
}

TEST_CASE("thousands of mistakes do not grow without bound") {
  std::string text;
  for (int i = 0; i < 20'000; ++i)
    text += "k" + std::to_string(i) + ": 1\n";
  const auto loaded = parsed(text);
  CHECK(loaded.diagnostics.errors.size() < 1100);
  CHECK_THAT(loaded.diagnostics.text(), Contains("there are more mistakes than are shown"));
}

TEST_CASE("lines that end as on Windows are read") {
  CHECK(good("log: {level: debug}\r\nstore:\r\n  path: /x\r\n")->store_path == "/x");
}

TEST_CASE("a file that cannot be read is told without a place") {
  const auto loaded = load("/nonexistent/sluice.yaml", fake_parts(), fake_secrets());
  CHECK_FALSE(loaded.config);
  CHECK_THAT(loaded.diagnostics.text(),
             StartsWith("/nonexistent/sluice.yaml: the file cannot be read: No such file"));
  CHECK_THAT(load("/", fake_parts(), fake_secrets()).diagnostics.text(), Contains("is a directory"));
}

TEST_CASE("what stands behind the end of a value is told, and does not fill the memory") {
  for (const auto* text :
       {"\"\",", "{\"pipelines\": []},\n", "[a], b\n", "'x' : 1\n---\n\"a\",\n", "log: {}\n---\n[],"})
    CHECK(wrong(text).find("nothing can stand here") != std::string::npos);
}
