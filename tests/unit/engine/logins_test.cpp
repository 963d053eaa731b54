// Credentials that come from elsewhere than the configuration.

#include "scene.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

// A login file for central.example in memory.
registry::Surroundings with_file(const std::string& text) {
  registry::Surroundings surroundings;
  surroundings.file = [text](const std::string& path) {
    registry::Surroundings::File file;
    if (path == "/logins.json") file.content = text;
    return file;
  };
  return surroundings;
}

}  // namespace

TEST_CASE("a container tool gets the login that another tool's file has", "[engine]") {
  Scene scene;
  scene.surroundings =
      with_file(R"({"auths": {"central.example": {"username": "bot", "password": "s3cret"}}})");
  const auto one = picture({"one"});
  scene.registries.push(upstream, "9", one);
  auto config = scene.configuration();
  config->docker_config = "/logins.json";
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, one.digest, "Succeeded");
  });
  CHECK(scene.script->login_of_staging == "bot:s3cret");
}

TEST_CASE("the registry's own settings come before another tool's file", "[engine]") {
  Scene scene;
  scene.surroundings =
      with_file(R"({"auths": {"central.example": {"username": "bot", "password": "s3cret"}}})");
  const auto one = picture({"one"});
  scene.registries.push(upstream, "9", one);
  auto config = scene.configuration();
  config->docker_config = "/logins.json";
  config->registries["central.example"].username = "own";
  config->registries["central.example"].password = Secret("word");
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, one.digest, "Succeeded");
  });
  CHECK(scene.script->login_of_staging == "own:word");
}

TEST_CASE("no file is looked at unless the configuration says so", "[engine]") {
  Scene scene;
  scene.surroundings.file = [](const std::string&) -> registry::Surroundings::File {
    throw std::runtime_error("read");
  };
  const auto one = picture({"one"});
  scene.registries.push(upstream, "9", one);
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until_run(engine, one.digest, "Succeeded");
  });
  CHECK(scene.script->login_of_staging == ":");
}

TEST_CASE("D11: a login file that cannot be used fails the run, and is named without its content",
          "[engine]") {
  Scene scene;
  scene.surroundings = with_file("{canary");
  const auto one = picture({"one"});
  scene.registries.push(upstream, "9", one);
  auto config = scene.configuration();
  config->docker_config = "/logins.json";
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    const auto run = co_await scene.until_run(engine, one.digest, "Failed");
    CHECK(run.outcome.find("/logins.json") != std::string::npos);
    CHECK(run.outcome.find("canary") == std::string::npos);
  });
}
