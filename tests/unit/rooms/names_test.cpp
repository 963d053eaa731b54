// Names of anonymous namespaces are unique within a room, and within a folder of tests: release and sanitized
// builds compile its files together, where two functions of one name would meet as overloads, and a call
// could silently reach the other one.

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace {

namespace fs = std::filesystem;

using FilesByName = std::map<std::string, std::set<std::string>>;

// What a line at the left edge of an anonymous namespace declares; empty when it is none. Two files may give
// the same thing the same short name (using, namespace x = y).
std::string declared_name(const std::string& line) {
  static const std::regex type(R"(^(?:class|struct|enum class|enum) (\w+))");
  static const std::regex other(
      R"(^(?!using |namespace |template|public|private|extern )(?:\[\[\w+\]\] )?\w[^=({]*?[ &*](\w+)(?:\(|\{| =|\[|;|$))");
  std::smatch match;
  if (std::regex_search(line, match, type) || std::regex_search(line, match, other)) return match[1].str();
  return {};
}

void collect_names(std::istream& source, const std::string& file, FilesByName& names) {
  bool inside = false;
  std::string line;
  while (std::getline(source, line)) {
    if (line == "namespace {")
      inside = true;
    else if (line.starts_with("}  // namespace") && line.find("sluice") == std::string::npos)
      inside = false;
    else if (auto name = inside ? declared_name(line) : std::string(); !name.empty())
      names[name].insert(file);
  }
}

std::string shared_names(const fs::path& room) {
  FilesByName names;
  for (const auto& entry : fs::recursive_directory_iterator(room)) {
    if (entry.path().extension() != ".cpp") continue;
    std::ifstream source(entry.path());
    collect_names(source, entry.path().filename().string(), names);
  }
  std::string shared;
  for (const auto& [name, files] : names) {
    if (files.size() < 2) continue;
    shared += name + " in";
    for (const auto& file : files)
      shared += " " + file;
    shared += "\n";
  }
  return shared;
}

std::vector<fs::path> folders_in(const fs::path& parent) {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(parent))
    if (entry.is_directory()) folders.push_back(entry.path());
  return folders;
}

}  // namespace

TEST_CASE("names of anonymous namespaces are unique within a room") {
  const fs::path top = SLUICE_SOURCE_DIR;
  for (const auto& room : folders_in(top / "lib")) {
    INFO(room.filename().string());
    CHECK(shared_names(room) == "");
  }
  CHECK(shared_names(top / "daemon") == "");
}

TEST_CASE("names of anonymous namespaces are unique within a folder of tests") {
  const fs::path tests = fs::path(SLUICE_SOURCE_DIR) / "tests";
  for (const auto& kind : {"unit", "contract"})
    for (const auto& folder : folders_in(tests / kind)) {
      if (folder == tests / "contract" / "registry") continue;  // compiled file by file
      INFO(folder.string());
      CHECK(shared_names(folder) == "");
    }
  CHECK(shared_names(tests / "support") == "");
  CHECK(shared_names(tests / "fuzz") == "");
}

TEST_CASE("the eyes that look for names are open") {
  CHECK(declared_name("std::string api_host(bool fips, std::string_view region) {") == "api_host");
  CHECK(declared_name("[[noreturn]] void refuse(const std::string& why) {") == "refuse");
  CHECK(declared_name("constexpr std::size_t max_answer = 256 * 1024;") == "max_answer");
  CHECK(declared_name("constexpr Milliseconds longest{std::chrono::seconds(30)};") == "longest");
  CHECK(declared_name("struct Settings {") == "Settings");
  CHECK(declared_name("Task<std::optional<Error>> look(int a,") == "look");
  CHECK(declared_name("const json& member(const json& object) {") == "member");
  CHECK(declared_name("using nlohmann::json;").empty());
  CHECK(declared_name("namespace fs = std::filesystem;").empty());
  CHECK(declared_name("  return call(x);").empty());
  FilesByName names;
  std::istringstream one("namespace {\nint f() {\n}\n}  // namespace\nint g() {\n"),
      two("namespace {\nint f(int) {\n");
  collect_names(one, "one.cpp", names);
  collect_names(two, "two.cpp", names);
  CHECK(names.size() == 1);
  CHECK(names["f"].size() == 2);
}
