#include "find_daemon.hpp"

#include "exit_code.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

using namespace sluice::daemon;

namespace {

// The variables as a test wants them; gone after it.
class Environment {
 public:
  explicit Environment(const std::string& name = {}, const std::string& value = {}) {
    clear();
    if (!name.empty()) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() { clear(); }

 private:
  static void clear() {
    for (const auto* name : {"SLUICE_SOCKET", "SLUICE_URL", "SLUICE_CONFIG"})
      ::unsetenv(name);
  }
};

class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-find-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    std::ofstream(path()) << text;
  }
  ~ConfigFile() { std::filesystem::remove_all(folder_); }
  std::string path() const { return (folder_ / "sluice.yaml").string(); }

 private:
  std::filesystem::path folder_;
};

}  // namespace

TEST_CASE("the command line wins over the environment, and says so") {
  const Environment environment("SLUICE_SOCKET", "/from/environment");
  const auto address = find_daemon({.socket = "/given", .url = {}, .config = {}});
  CHECK(address.socket == "/given");
  CHECK(address.origin == "--socket");
  CHECK(find_daemon({.socket = {}, .url = "http://127.0.0.1:1", .config = {}}).url == "http://127.0.0.1:1");
}

TEST_CASE("the environment wins over the default") {
  {
    const Environment environment("SLUICE_URL", "http://localhost:1");
    CHECK(find_daemon({}).url == "http://localhost:1");
  }
  const Environment environment;
  CHECK(find_daemon({}).socket == default_socket);
}

TEST_CASE("a configuration file says where the daemon is, even to whoever may not read its secrets") {
  const Environment environment;
  const ConfigFile file(
      "server: {api: {socket: /tmp/there.sock}}\n"
      "registries:\n  docker.io: {auth: {username: bot, password: {file: /nobody/may/read/this}}}\n");
  CHECK(find_daemon({.socket = {}, .url = {}, .config = file.path()}).socket == "/tmp/there.sock");
  const ConfigFile without_socket("server: {api: {socket: \"\", listen: \"127.0.0.1:4711\"}}\n");
  CHECK(find_daemon({.socket = {}, .url = {}, .config = without_socket.path()}).url ==
        "http://127.0.0.1:4711");
}

TEST_CASE("a configuration file with errors is a usage error") {
  const Environment environment;
  const ConfigFile file("serverr: {}\n");
  try {
    find_daemon({.socket = {}, .url = {}, .config = file.path()});
    FAIL("was accepted");
  } catch (const Failure& failure) {
    CHECK(failure.code() == exit_code::usage);
    CHECK_THAT(failure.what(), Catch::Contains("serverr"));
  }
}

TEST_CASE("secrets of any form stand for themselves where only the place of the daemon is asked for") {
  const Environment environment;
  const ConfigFile file(R"(
server: {api: {socket: /tmp/there.sock}}
registries:
  r.example: {auth: {username: bot, password: {env: NO_SUCH_VARIABLE}}}
webhooks:
  ours: {sender: generic, fields: {image: /image, tag: /tag}, standard_webhooks: {file: /no/such/file}}
  pushed: {sender: gar, oidc: {audience: a, email: e@example.com, keys: {command: [no-such-program]}}}
  hub: {sender: dockerhub, token: {credential: none}}
pipelines:
  - name: node
    upstream: docker.io/library/node:9
    staging: r.example/staging/node
    promote: {to: r.example/base/node, tags: ["9", "9-{run}"]}
dependents:
  - image: r.example/team/app:latest
    from: [r.example/base/node:9]
    rebuild: {webhook: {url: "https://builds.example/hook", secret: {env: NO_SUCH_VARIABLE}}}
)");
  CHECK(find_daemon({.socket = {}, .url = {}, .config = file.path()}).socket == "/tmp/there.sock");
}
