#include "surroundings.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::daemon;

namespace {

struct Variable {
  explicit Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Variable() { ::unsetenv(name_); }
  const char* name_;
};

bool has(const registry::Surroundings& surroundings, const std::string& name) {
  return std::any_of(surroundings.helper_environment.begin(), surroundings.helper_environment.end(),
                     [&](const auto& each) { return each.first == name; });
}

}  // namespace

TEST_CASE("D11: credential helpers of the daemon get no variable that is not for them") {
  const Variable canary("SLUICE_TEST_CANARY", "secret");
  const Variable cloud("AWS_TEST_VARIABLE", "1");
  const Variable keys("PASSWORD_STORE_DIR", "/p");
  const auto daemon = daemon_surroundings();
  CHECK_FALSE(has(daemon, "SLUICE_TEST_CANARY"));
  CHECK(has(daemon, "AWS_TEST_VARIABLE"));
  CHECK(has(daemon, "PASSWORD_STORE_DIR"));
  CHECK(has(command_surroundings(), "SLUICE_TEST_CANARY"));
  CHECK(daemon.variable("SLUICE_TEST_CANARY") == "secret");
  CHECK(daemon.variable("SLUICE_TEST_ABSENT").empty());
}

TEST_CASE("a login file that is absent is no trouble; one that is none or too large is") {
  const auto surroundings = daemon_surroundings();
  const auto folder =
      std::filesystem::temp_directory_path() / ("sluice-surroundings-" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  const auto absent = surroundings.file(folder / "absent");
  CHECK_FALSE(absent.content);
  CHECK(absent.trouble.empty());
  CHECK(surroundings.file(folder).trouble == "it is not a regular file");
  CHECK(surroundings.file("/dev/zero").trouble == "it is not a regular file");
  std::ofstream(folder / "large") << std::string(1024 * 1024 + 1, ' ');
  CHECK(surroundings.file(folder / "large").trouble == "it is larger than 1024 KiB");
  std::ofstream(folder / "good") << "{}";
  CHECK(surroundings.file(folder / "good").content == "{}");
  std::filesystem::remove_all(folder);
}
