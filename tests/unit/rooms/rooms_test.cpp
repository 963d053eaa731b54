// The walls of the rooms, read from the sources themselves: who includes whom, which library is used where,
// and that time, randomness, sockets, processes and the environment come through core and net only (so that a
// whole daemon can be simulated).

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <re2/re2.h>

namespace {

namespace fs = std::filesystem;
const fs::path root = SLUICE_SOURCE_DIR;

// Which rooms a room may include beside itself. docs/architecture.md says what each one holds.
const std::map<std::string, std::set<std::string>> may_use{
    {"core", {}},
    {"oci", {"core"}},
    {"net", {"core"}},
    {"config", {"core", "oci"}},
    {"store", {"core", "oci"}},
    {"registry", {"core", "oci", "net"}},
    {"watch", {"core", "oci", "net", "config"}},
    {"pipeline", {"core", "oci"}},
    {"checks", {"core", "oci", "net", "registry", "config"}},
    {"dependents", {"core", "oci", "registry"}},
    {"triggers", {"core", "oci", "net", "config"}},
    {"engine",
     {"core", "oci", "net", "config", "store", "registry", "watch", "pipeline", "checks", "dependents",
      "triggers"}},
    // What the engine hands out and takes (runs, references, the configuration) is spoken of here too.
    {"api", {"core", "oci", "net", "config", "store", "pipeline", "engine"}},
};

// A library that one room keeps to itself.
struct Wall {
  std::string header;  // beginning of what is included
  std::string room;
};
const std::vector<Wall> walls{
    {"boost/beast", "net"}, {"sqlite3", "store"}, {"SQLiteCpp", "store"},
    {"yaml-cpp", "config"}, {"CLI/", "daemon"},
};

// What reaches the world behind the back of a clock, a generator, a connector or a launcher.
struct Seam {
  std::string what;
  RE2 pattern;
  std::set<std::string> rooms;  // where it is made available to the others
};
const Seam seams[]{
    {"a clock",
     R"((system_clock|steady_clock|high_resolution_clock|utc_clock)::now|\b(clock_gettime|gettimeofday)\s*\(|(std|[\s(=,;])::time\s*\(|\btime\s*\((nullptr|NULL|0)\))",
     {"core"}},
    {"sleep or a timer of its own",
     R"(this_thread::sleep|\b(usleep|nanosleep|sleep)\s*\(|\b(steady_timer|system_timer|deadline_timer)\b)",
     {"core", "net"}},
    {"a random source",
     R"(\b(random_device|getrandom|getentropy|arc4random|RAND_bytes)\b|\brand\s*\()",
     {"core"}},
    {"a socket",
     R"((^|[^\w.>])::socket\b|\b(tcp|stream_protocol|udp)::(socket|acceptor|resolver)\b|\bgetaddrinfo\b)",
     {"net", "core"}},
    {"a process", R"(\b(fork|vfork|popen|system|posix_spawnp?|execvp?e?|execl[pe]?)\s*\()", {"core"}},
    {"the environment", R"(\b(secure_)?getenv\s*\(|\benviron\b)", {"core", "daemon"}},
};

struct Source {
  std::string room;
  fs::path file;  // below the root of the tree
  std::string text;
};

// Calls `found(position, match, first group)` for everything in a text that matches. (RE2, since std::regex
// takes seconds here, and minutes with sanitizers.)
template <class Found>
void each_match(const std::string& text, const RE2& pattern, Found found) {
  std::vector<re2::StringPiece> groups(1 + static_cast<std::size_t>(pattern.NumberOfCapturingGroups()));
  std::size_t from = 0;
  while (pattern.Match(text, from, text.size(), RE2::UNANCHORED, groups.data(),
                       static_cast<int>(groups.size()))) {
    const auto at = static_cast<std::size_t>(groups[0].data() - text.data());
    found(at, groups[0].as_string(), groups.size() > 1 ? groups[1].as_string() : "");
    from = at + groups[0].size();
  }
}

// Comments and texts are made blank; line numbers stay.
std::string code_of(const std::string& text) {
  static const RE2 noise(R"(//[^\n]*|/\*(?s:.*?)\*/|"(\\.|[^"\\\n])*")");
  std::string code;
  std::size_t done = 0;
  each_match(text, noise, [&](std::size_t at, const std::string& match, const std::string&) {
    code.append(text, done, at - done);
    for (const char c : match)
      if (c == '\n') code += c;
    done = at + match.size();
  });
  return code.append(text, done);
}

std::string content(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

void collect(const fs::path& folder, const std::string& room, std::vector<Source>& sources) {
  if (!fs::exists(folder)) return;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto extension = entry.path().extension();
    if (extension == ".cpp" || extension == ".hpp" || extension == ".in")
      sources.push_back({room, fs::relative(entry.path(), root), content(entry.path())});
  }
}

const std::vector<Source>& sources() {
  static const std::vector<Source> all = [] {
    std::vector<Source> found;
    for (const auto& entry : fs::directory_iterator(root / "lib"))
      if (entry.is_directory()) collect(entry.path(), entry.path().filename().string(), found);
    collect(root / "daemon", "daemon", found);
    return found;
  }();
  return all;
}

int line_of(const std::string& text, std::size_t position) {
  return 1 + static_cast<int>(
                 std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(position), '\n'));
}

// Calls `use(included, place)` for every #include of a source.
template <class Use>
void each_include(const Source& source, Use use) {
  static const RE2 include(R"([ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"])");
  each_match(source.text, include, [&](std::size_t at, const std::string&, const std::string& included) {
    use(included, source.file.string() + ":" + std::to_string(line_of(source.text, at)));
  });
}

std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const auto& line : lines)
    all += line + "\n";
  return all;
}

}  // namespace

TEST_CASE("every room is in the table, and every room of the table is there") {
  std::set<std::string> there;
  for (const auto& source : sources())
    if (source.room != "daemon") there.insert(source.room);
  std::set<std::string> known;
  for (const auto& [room, allowed] : may_use)
    known.insert(room);
  CHECK(there == known);
}

TEST_CASE("a room includes only rooms above it") {
  std::vector<std::string> wrong;
  for (const auto& source : sources()) {
    if (source.room == "daemon") continue;
    each_include(source, [&](const std::string& included, const std::string& place) {
      const auto room = included.substr(0, included.find('/'));
      if (room == included || room == source.room || !may_use.contains(room)) return;
      const auto allowed = may_use.find(source.room);
      if (allowed == may_use.end() || !allowed->second.contains(room))
        wrong.push_back(place + ": " + source.room + " may not include " + included);
    });
  }
  INFO(joined(wrong));
  CHECK(wrong.empty());
}

TEST_CASE("the table has no circles") {
  for (const auto& [room, allowed] : may_use)
    for (const auto& used : allowed)
      CHECK_FALSE(may_use.at(used).contains(room));
}

TEST_CASE("heavy libraries stay in their room") {
  std::vector<std::string> wrong;
  for (const auto& source : sources())
    each_include(source, [&](const std::string& included, const std::string& place) {
      for (const auto& wall : walls)
        if (included.starts_with(wall.header) && source.room != wall.room)
          wrong.push_back(place + ": <" + included + "> belongs to " + wall.room);
    });
  INFO(joined(wrong));
  CHECK(wrong.empty());
}

TEST_CASE("time, randomness, sockets, processes and the environment come through core and net") {
  std::vector<std::string> wrong;
  for (const auto& source : sources()) {
    const auto code = code_of(source.text);
    for (const auto& seam : seams) {
      if (seam.rooms.contains(source.room)) continue;
      each_match(code, seam.pattern, [&](std::size_t at, const std::string& match, const std::string&) {
        wrong.push_back(source.file.string() + ":" + std::to_string(line_of(code, at)) + ": reaches for " +
                        seam.what + ": " + match);
      });
    }
  }
  INFO(joined(wrong));
  CHECK(wrong.empty());
}

TEST_CASE("the daemon folder is thin: no file of it is long") {
  constexpr int most = 300;
  for (const auto& source : sources()) {
    if (source.room != "daemon") continue;
    INFO(source.file.string());
    CHECK(line_of(source.text, source.text.size()) <= most);
  }
}

TEST_CASE("the eyes of this test are open: what it forbids is found") {
  const auto finds = [](std::size_t seam, const std::string& code) {
    return RE2::PartialMatch(code_of(code), seams[seam].pattern);
  };
  CHECK(finds(0, "auto t = std::chrono::steady_clock::now();"));
  CHECK(finds(0, "auto t = ::time(nullptr);"));
  CHECK_FALSE(finds(0, "// steady_clock::now() is not read here"));
  CHECK_FALSE(finds(0, "auto t = row.time();"));
  CHECK_FALSE(finds(0, "log(\"time(\");"));
  CHECK_FALSE(finds(0, "parse_time(text); x.lifetime();"));
  CHECK(finds(1, "std::this_thread::sleep_for(1s);"));
  CHECK(finds(1, "boost::asio::steady_timer timer(executor);"));
  CHECK_FALSE(finds(1, "co_await clock.sleep_for(1s);"));
  CHECK(finds(2, "std::random_device device;"));
  CHECK(finds(3, "int s = ::socket(AF_INET, SOCK_STREAM, 0);"));
  CHECK(finds(3, "boost::asio::ip::tcp::socket s(e);"));
  CHECK_FALSE(finds(3, "config.api_socket"));
  CHECK(finds(4, "std::system(\"ls\");"));
  CHECK(finds(4, "if (fork() == 0)"));
  CHECK_FALSE(finds(4, "std::filesystem::path p(file_system(x));"));
  CHECK(finds(5, "std::getenv(\"HOME\")"));
}
