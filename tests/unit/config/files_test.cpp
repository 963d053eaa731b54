// The files that are delivered with the program: they must be good, and say everything there is.

#include "core/random.hpp"
#include "unit/config/support.hpp"

#include <fstream>
#include <set>

#include <nlohmann/json.hpp>

using namespace sluice::config;
using namespace sluice::config::test;

namespace {

const std::filesystem::path delivered = std::filesystem::path(SLUICE_SOURCE_DIR) / "config";

// Takes every key: the settings of checks and rebuilds are tested where they are parsed.
std::shared_ptr<const Part> take_all(Section& section) {
  for (const auto* key : {"run",     "timeout", "pull_timeout",  "entrypoint",  "memory",
                          "pids",    "user",    "network",       "environment", "expect_exit",
                          "context", "file",    "target",        "arguments",   "transfer_timeout",
                          "url",     "secret",  "authorization", "headers",     "allow_http"})
    section.has(key);
  return std::make_shared<FakePart>();
}

std::shared_ptr<const Part> take_hook(Section& section) {
  for (const auto* key : {"sender", "registry", "fields", "secret", "token", "bearer", "basic", "header",
                          "hmac", "standard_webhooks", "oidc", "sns", "allow_from", "window", "rate"})
    section.has(key);
  return std::make_shared<FakePart>();
}

Parts any_parts() {
  Parts parts;
  parts.webhook = take_hook;
  for (const auto* kind : {"container", "command"})
    parts.checks[kind] = take_all;
  for (const auto* kind : {"buildah", "exec", "webhook"})
    parts.triggers[kind] = take_all;
  return parts;
}

// Every secret is there.
SecretSources any_secrets() {
  SecretSources sources;
  sources.environment = [](const std::string&) { return std::optional<std::string>("x"); };
  sources.file = [](const std::string&, std::string&) { return std::optional<std::string>("x"); };
  sources.command = [](const std::vector<std::string>&, std::string&) {
    return std::optional<std::string>("x");
  };
  sources.time_zone = [](const std::string& name, std::string&) -> std::optional<std::string> {
    std::ifstream in("/usr/share/zoneinfo/" + name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  sources.credentials_directory = "/run/credentials/sluice.service";
  sources.placeholders = true;
  return sources;
}

Loaded loaded(const std::string& name) {
  return load(delivered / name, any_parts(), any_secrets());
}

}  // namespace

TEST_CASE("the file with every option is good") {
  const auto all = loaded("sluice.yaml");
  INFO(all.diagnostics.text());
  REQUIRE(all.config);
  CHECK_FALSE(all.config->pipelines.empty());
  CHECK_FALSE(all.config->dependents.empty());
}

TEST_CASE("the file with every option shows the defaults") {
  const auto all = loaded("sluice.yaml").config;
  REQUIRE(all);
  const Config defaults;
  CHECK(all->store_path == defaults.store_path);
  CHECK(all->keep_runs == defaults.keep_runs);
  CHECK(all->api_listen == defaults.api_listen);
  CHECK(all->api_socket == defaults.api_socket);
  CHECK(all->webhook_server.listen == defaults.webhook_server.listen);
  CHECK(all->webhook_server.connections == defaults.webhook_server.connections);
  CHECK(all->webhook_server.rate == defaults.webhook_server.rate);
  CHECK_FALSE(all->webhooks.empty());
  CHECK(all->jobs == defaults.jobs);
  CHECK(all->lease == defaults.lease);
  CHECK(all->drain == defaults.drain);
  CHECK(all->retry_first == defaults.retry_first);
  CHECK(all->retry_most == defaults.retry_most);
  CHECK(all->retry_attempts == defaults.retry_attempts);
  CHECK(all->log_level == defaults.log_level);
  CHECK(all->log_format == defaults.log_format);
  CHECK(all->container.program == defaults.container.program);
  CHECK(all->builder.program == defaults.builder.program);
  CHECK(all->bandwidth == defaults.bandwidth);
}

TEST_CASE("the minimal example is good") {
  const auto minimal = loaded("examples/minimal.yaml");
  INFO(minimal.diagnostics.text());
  CHECK(minimal.config);
}

TEST_CASE("the schema describes exactly the sections that are read") {
  std::ifstream in(delivered / "sluice.schema.json");
  const auto schema = nlohmann::json::parse(in);
  std::set<std::string> described;
  for (const auto& [name, value] : schema.at("properties").items())
    described.insert(name);
  CHECK(described == std::set<std::string>{"store", "server", "engine", "log", "tools", "docker_config",
                                           "proxy", "transfer", "registries", "webhooks", "pipelines",
                                           "dependents"});
  CHECK(schema.at("additionalProperties") == false);
}

TEST_CASE("property: a file that was damaged anywhere is read or refused with a reason, and never crashes") {
  std::ifstream in(delivered / "sluice.yaml");
  const std::string whole(std::istreambuf_iterator<char>(in), {});
  REQUIRE_FALSE(whole.empty());
  const std::string pieces[] = {"{",  "}",  "[",  "]", ":", "- ", "\"", "'",    "&a ", "*a",
                                "\n", "  ", "\t", "#", "|", ">",  "!",  "\xff", "~",   "<<: "};
  sluice::SeededRandom random(1);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random.next() % limit); };
  for (int round = 0; round < 150; ++round) {
    auto text = whole;
    for (auto damages = 1 + below(3); damages > 0; --damages) {
      if (below(2) == 0)
        text.erase(below(text.size()), 1 + below(20));
      else
        text.insert(below(text.size()), pieces[below(std::size(pieces))]);
    }
    const auto result = parse(text, "sluice.yaml", any_parts(), any_secrets());
    REQUIRE((result.config != nullptr) == result.diagnostics.ok());
    if (!result.config) REQUIRE_FALSE(result.diagnostics.text().empty());
  }
}
