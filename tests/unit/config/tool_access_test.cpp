#include "config/tool_access.hpp"

#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <memory>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::config;

namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string variable(const ToolAccess& access, const std::string& name, const Tool& tool = {}) {
  for (const auto& [key, value] : access.environment(tool))
    if (key == name) return value;
  return {};
}

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777 : 0;
}

Config config_with(Registry registry) {
  Config config;
  config.registries[registry.host] = std::move(registry);
  return config;
}

Registry at(const std::string& host) {
  Registry registry;
  registry.host = host;
  return registry;
}

}  // namespace

TEST_CASE("nothing is written when there is nothing to say") {
  const ToolAccess access(Config(), {"r.example.com"});
  CHECK(access.environment({}).empty());
  CHECK(access.certificate_flags().empty());
}

TEST_CASE("D11: credentials are in a private file of a private directory that goes with the object") {
  auto registry = at("r.example.com");
  registry.username = "bot";
  registry.password = Secret("hunter2");
  const auto config = config_with(registry);
  auto access = std::make_unique<ToolAccess>(config, std::set<std::string>{"r.example.com"});
  const fs::path path = variable(*access, "REGISTRY_AUTH_FILE");
  CHECK(nlohmann::json::parse(content(path))["auths"]["r.example.com"]["auth"] == "Ym90Omh1bnRlcjI=");
  CHECK(mode_of(path) == 0600);
  CHECK(mode_of(access->directory()) == 0700);
  const auto directory = access->directory();
  access.reset();
  CHECK_FALSE(fs::exists(directory));
}

TEST_CASE("D2: only the registries that are asked for get credentials") {
  auto registry = at("r.example.com");
  registry.username = "bot";
  registry.password = Secret("hunter2");
  const ToolAccess access(config_with(registry), {"other.example.com"});
  CHECK(variable(access, "REGISTRY_AUTH_FILE").empty());
}

TEST_CASE("plain HTTP is allowed host by host") {
  auto registry = at("127.0.0.1:5000");
  registry.plain_http = true;
  const ToolAccess access(config_with(registry), {"127.0.0.1:5001", "r.example.com"});
  CHECK(content(variable(access, "CONTAINERS_REGISTRIES_CONF")) ==
        "[[registry]]\nlocation = \"127.0.0.1:5000\"\ninsecure = true\n"
        "[[registry]]\nlocation = \"127.0.0.1:5001\"\ninsecure = true\n");
}

TEST_CASE("certificates are found under the names that the tools look for") {
  auto registry = at("r.example.com:5000");
  registry.ca = "/etc/ca.pem";
  registry.certificate = "/etc/own.pem";
  registry.key = "/etc/own.key";
  const ToolAccess access(config_with(registry), {"r.example.com:5000"});
  const auto& flags = access.certificate_flags();
  REQUIRE(flags.size() == 2);
  CHECK(flags[0] == "--cert-dir");
  const fs::path folder = flags[1];
  CHECK(fs::read_symlink(folder / "r.example.com_5000.crt") == "/etc/ca.pem");
  CHECK(fs::read_symlink(folder / "r.example.com_5000.cert") == "/etc/own.pem");
  CHECK(fs::read_symlink(folder / "r.example.com_5000.key") == "/etc/own.key");
}

TEST_CASE("the operator's own variables win") {
  const ToolAccess access(Config(), {"127.0.0.1:5000"});
  const Tool tool{.program = "podman",
                  .arguments = {},
                  .environment = {{"CONTAINERS_REGISTRIES_CONF", "/own"}, {"A", "b"}}};
  CHECK(access.environment(tool) == tool.environment);
}

TEST_CASE("a directory that a killed daemon left behind is removed, one in use is not") {
  const ToolAccess in_use(Config(), {});
  const auto abandoned = in_use.directory().parent_path() / "sluice-tools-tests";
  fs::create_directories(abandoned / "certificates");
  std::ofstream(abandoned / "lock") << "";
  std::ofstream(abandoned / "auth.json") << "secret";
  const ToolAccess next(Config(), {});
  CHECK_FALSE(fs::exists(abandoned));
  CHECK(fs::exists(in_use.directory()));
}
