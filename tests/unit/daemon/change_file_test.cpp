#include "change_file.hpp"

#include "core/error.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::daemon;
namespace fs = std::filesystem;

namespace {

struct Folder {
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "sluice-change-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { fs::remove_all(path); }
  std::string file(const std::string& name) const { return path / name; }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
  }
  fs::path path;
};

const FileRules rules_of_test{.what = "the file", .most_bytes = 1000};

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

void append(const std::string& path, const std::string& more) {
  change_file(path, rules_of_test,
              [&](const std::optional<std::string>& text) { return text.value_or("") + more; });
}

}  // namespace

TEST_CASE("a file is replaced in one step, with its mode, and nothing is left behind") {
  const Folder folder;
  const auto path = folder.file("a");
  write(path, "one");
  ::chmod(path.c_str(), 0640);
  append(path, " two");
  CHECK(read(path) == "one two");
  CHECK(mode_of(path) == 0640);
  CHECK(folder.entries() == 1);
}

TEST_CASE("of the mode of a file that is there, what may stay does") {
  const Folder folder;
  const auto path = folder.file("a");
  const FileRules rules{.what = "the file", .most_bytes = 1000, .mode = 0600, .kept_mode = 0660};
  const auto change = [&] { change_file(path, rules, [](const auto&) { return std::string("x"); }); };
  change();
  CHECK(mode_of(path) == 0600);
  ::chmod(path.c_str(), 0664);
  change();
  CHECK(mode_of(path) == 0660);
}

TEST_CASE("the owner of a file stays, or the file does") {
  const Folder folder;
  const auto path = folder.file("a");
  write(path, "one");
  if (::chown(path.c_str(), 1, 1) != 0) return;  // only root can give files away
  append(path, " two");
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK(status.st_uid == 1);
  CHECK(status.st_gid == 1);
}

TEST_CASE("a file that is not there is made with the umask's mode, and no text at first") {
  const Folder folder;
  const auto old = ::umask(027);
  change_file(folder.file("a"), rules_of_test,
              [](const std::optional<std::string>& text) -> std::optional<std::string> {
                CHECK_FALSE(text);
                return "x";
              });
  ::umask(old);
  CHECK(mode_of(folder.file("a")) == 0640);
}

TEST_CASE("what is refused or throws changes nothing") {
  const Folder folder;
  const auto path = folder.file("a");
  write(path, "one");
  change_file(path, rules_of_test, [](const auto&) { return std::optional<std::string>(); });
  CHECK_THROWS_AS(
      change_file(path, rules_of_test,
                  [](const auto&) -> std::optional<std::string> { throw std::runtime_error("no"); }),
      std::runtime_error);
  CHECK(read(path) == "one");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a change that somebody else makes meanwhile is not overwritten") {
  const Folder folder;
  const auto path = folder.file("a");
  write(path, "one");
  const auto change_behind_back = [&](const std::string& text) {
    change_file(path, rules_of_test, [&](const auto&) -> std::optional<std::string> {
      write(path, text);
      return "ours";
    });
  };
  CHECK_THROWS_AS(change_behind_back("theirs, longer"), Error);
  CHECK(read(path) == "theirs, longer");
  fs::remove(path);
  CHECK_THROWS_AS(change_behind_back("made by them"), Error);
  CHECK(read(path) == "made by them");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a symbolic link stays one, and what it names is changed") {
  const Folder folder;
  write(folder.file("real"), "one");
  fs::create_symlink("real", folder.file("link"));
  append(folder.file("link"), " two");
  CHECK(fs::is_symlink(folder.file("link")));
  CHECK(read(folder.file("real")) == "one two");
  fs::create_symlink("new", folder.file("dangling"));
  append(folder.file("dangling"), "three");
  CHECK(fs::is_symlink(folder.file("dangling")));
  CHECK(read(folder.file("new")) == "three");
}

TEST_CASE("what is no file, too large or in no directory is refused with its name") {
  const Folder folder;
  write(folder.file("large"), std::string(1001, 'x'));
  for (const auto& path : {folder.path.string(), folder.file("large"), folder.file("none/a")}) {
    INFO(path);
    try {
      append(path, "x");
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find("the file ") == 0);
    }
  }
}
