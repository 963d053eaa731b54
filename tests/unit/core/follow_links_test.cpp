#include "core/follow_links.hpp"

#include "core/error.hpp"

#include <cstdlib>
#include <string>

#include <catch2/catch.hpp>

using namespace sluice;
namespace fs = std::filesystem;

namespace {

struct LinksFolder {
  LinksFolder() {
    std::string pattern = (fs::temp_directory_path() / "sluice-links-XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }
  ~LinksFolder() { fs::remove_all(path); }
  fs::path path;
};

}  // namespace

TEST_CASE("a path that is no link stays as it is, whether anything is there or not") {
  const LinksFolder folder;
  CHECK(follow_links(folder.path).string() == folder.path.string());
  CHECK(follow_links(folder.path / "none").string() == (folder.path / "none").string());
  CHECK(follow_links("none/of/these").string() == "none/of/these");
}

TEST_CASE("links are followed one after the other, to what is not there as well") {
  const LinksFolder folder;
  fs::create_directory(folder.path / "inner");
  fs::create_symlink("inner/second", folder.path / "first");
  fs::create_symlink("../third", folder.path / "inner/second");
  fs::create_symlink(folder.path / "none", folder.path / "third");
  CHECK(follow_links(folder.path / "first").string() == (folder.path / "none").string());
}

TEST_CASE("links without an end, and those to what a process has open, are refused") {
  const LinksFolder folder;
  fs::create_symlink("b", folder.path / "a");
  fs::create_symlink("a", folder.path / "b");
  CHECK_THROWS_AS(follow_links(folder.path / "a"), Error);
  fs::create_symlink("/proc/self/fd/0", folder.path / "stdin");
  CHECK_THROWS_AS(follow_links(folder.path / "stdin"), Error);
}
