#include "secret_sources.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::daemon;
using Catch::Contains;

namespace {

class SecretFolder {
 public:
  SecretFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-secrets-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~SecretFolder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return (path_ / name).string();
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("a secret comes from a file as it is") {
  const SecretFolder folder;
  std::string why;
  CHECK(system_secret_sources().file(folder.file("a", "hidden\n"), why) == "hidden\n");
}

TEST_CASE("what is no readable file of a sensible size gives a reason") {
  const SecretFolder folder;
  const auto sources = system_secret_sources();
  const auto reason = [&](const std::string& path) {
    std::string why;
    CHECK(sources.file(path, why) == std::nullopt);
    return why;
  };
  CHECK_THAT(reason((folder.path() / "none").string()), Contains("no such file"));
  CHECK_THAT(reason(folder.path().string()), Contains("not a regular file"));
  CHECK_THAT(reason("/dev/zero"), Contains("not a regular file"));
  CHECK_THAT(reason(folder.file("big", std::string(70'000, 'x'))), Contains("64 KiB"));
  const auto pipe = (folder.path() / "pipe").string();
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK_THAT(reason(pipe), Contains("not a regular file"));
}

TEST_CASE("a secret comes from the standard output of a command") {
  std::string why;
  CHECK(system_secret_sources().command({"sh", "-c", "echo noise >&2; echo hidden"}, why) == "hidden\n");
}

TEST_CASE("D11: a command that fails gives a reason that quotes nothing of its output") {
  const auto sources = system_secret_sources();
  std::string why;
  CHECK(sources.command({"sh", "-c", "echo canary; echo canary >&2; exit 3"}, why) == std::nullopt);
  CHECK(why == "it exited with code 3");
  CHECK(sources.command({"/no/such/program"}, why) == std::nullopt);
  CHECK_FALSE(why.empty());
}

TEST_CASE("an environment variable may be absent") {
  ::setenv("SLUICE_TEST_SECRET", "hidden", 1);
  CHECK(system_secret_sources().environment("SLUICE_TEST_SECRET") == "hidden");
  ::unsetenv("SLUICE_TEST_SECRET");
  CHECK(system_secret_sources().environment("SLUICE_TEST_SECRET") == std::nullopt);
}
