// A trap of g++ 12 that compiles without a word: a closure with captures, or an aggregate made in place,
// inside a co_await expression is copied bit by bit into the coroutine frame and destroyed twice (GCC bug
// 99576 and its kin). The way out is a named local that is moved in. Strings and other classes with
// constructors are safe.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace {

namespace fs = std::filesystem;
const fs::path tree = SLUICE_SOURCE_DIR;
const fs::path self =
    tree / "tests/unit/rooms/coroutines_test.cpp";  // not __FILE__: ccache makes it relative

std::string read(const fs::path& file) {
  std::ifstream stream(file);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

// The operand of the co_await that ends before `begin`: up to the end of the statement or of the enclosing
// bracket.
std::string operand(const std::string& text, std::size_t begin) {
  int depth = 0;
  std::size_t at = begin;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '(' || c == '[' || c == '{') ++depth;
    if ((c == ')' || c == ']' || c == '}') && --depth < 0) break;
    if (c == ';' && depth == 0) break;
  }
  return text.substr(begin, at - begin);
}

// A lambda among the arguments that captures something by value. References and `this` need no destructor.
bool makes_closure(const std::string& expression) {
  static const std::regex closure(R"([(,]\s*\[([^\]]*)\]\s*[({m])");
  for (auto match = std::sregex_iterator(expression.begin(), expression.end(), closure);
       match != std::sregex_iterator(); ++match) {
    const std::string captures = (*match)[1];
    if (!captures.empty() && captures.front() != '&' && captures != "this") return true;
  }
  return false;
}

std::vector<std::string> traps(const fs::path& file) {
  static const std::string word = "co_await";
  std::vector<std::string> found;
  const auto text = read(file);
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    if (!makes_closure(operand(text, at + word.size()))) continue;
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    found.push_back(file.lexically_relative(tree).string() + ":" + std::to_string(line));
  }
  return found;
}

}  // namespace

TEST_CASE("no closure with captures is made inside a co_await expression", "[rooms]") {
  std::vector<std::string> found;
  for (const auto* folder : {"lib", "daemon", "tests"})
    for (const auto& entry : fs::recursive_directory_iterator(tree / folder)) {
      const auto kind = entry.path().extension();
      if (entry.path() == self || (kind != ".cpp" && kind != ".hpp")) continue;
      const auto here = traps(entry.path());
      found.insert(found.end(), here.begin(), here.end());
    }
  CHECK(found == std::vector<std::string>{});
}

TEST_CASE("the trap is recognised", "[rooms]") {
  CHECK(makes_closure(" store.write([id, name](Tables& t) { return t.find(id, name); })"));
  CHECK(makes_closure(" store.write([lines = std::move(lines)](Tables& t) { t.append(lines); })"));
  CHECK_FALSE(makes_closure(" store.write([](Tables& t) { return t.count(); })"));
  CHECK_FALSE(makes_closure(" store.read([&](Tables& t) { return query(t); })"));
  CHECK_FALSE(makes_closure(" store.write(std::move(change))"));
}
