#include "registry/docker_credentials.hpp"

#include "registry/endpoint.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_launcher.hpp"
#include "support/run.hpp"

#include <map>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::registry;
using namespace sluice::test;

TEST_CASE("what one helper does not know the helper of the next login file is asked, and both anew") {
  const std::map<std::string, std::string> files{{"first", R"({"credsStore":"pass"})"},
                                                 {"second", R"({"credHelpers":{"r.example":"ecr-login"}})"}};
  Surroundings surroundings;
  surroundings.file = [&files](const std::string& path) { return Surroundings::File{files.at(path), ""}; };
  FakeLauncher launcher([](const Command& command) {
    return command.argv[0] == "docker-credential-ecr-login"
               ? FakeLauncher::ended(0, R"({"Username":"AWS","Secret":"canary"})")
               : FakeLauncher::ended(1, "credentials not found in native keychain\n");
  });
  FakeClock clock;
  Workers workers(1);
  run([&]() -> Task<> {
    DockerCredentials logins(clock, workers, launcher, surroundings, {"first", "second"});
    const Endpoint endpoint = endpoint_of("r.example", {});
    for (const std::string path : {"a", "b"}) {
      const auto found = co_await logins.find(endpoint, path);
      CHECK(found == Credentials{"AWS", Secret("canary")});
    }
    const auto once = launcher.commands.size();
    clock.advance(CredentialCache::refusal_pause);
    logins.refused(endpoint, "a");
    co_await logins.find(endpoint, "a");
    CHECK(launcher.commands.size() == 2 * once);
  });
}
