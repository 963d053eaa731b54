#pragma once
// Doubles of what clouds give identities by, and the machine that asks them.

#include "registry/cloud.hpp"
#include "registry/endpoint.hpp"
#include "rig.hpp"
#include "support/scripted_server.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace sluice::test {

/// A service of a cloud: answers by "METHOD target"; what is not here is 404. Every answer can be refused.
struct Cloud {
  std::map<std::string, std::string> answers;
  std::map<std::string, std::string> wanted_header;  // name and value that each request must have
  std::atomic<int> refuse_with = 0;
  ScriptedServer server{answer_all([this](Exchange& exchange, const RecordedRequest& request) {
    if (refuse_with != 0)
      return exchange.answer(refuse_with, R"({"error":"invalid_grant","error_description":"canary"})");
    for (const auto& [name, value] : wanted_header) {
      const auto found = request.headers.find(name);
      if (found == request.headers.end() || found->second != value) return exchange.answer(400, "canary");
    }
    const auto found = answers.find(request.method + " " + request.target);
    if (found == answers.end()) return exchange.answer(404, "canary");
    exchange.answer(200, found->second);
  })};
  std::string base() const { return "http://" + server.authority(); }
};

/// A machine with an environment and files, whose clouds are doubles.
struct CloudScene {
  explicit CloudScene(net::ClientOptions network = {}) : rig(std::move(network)) {}

  Rig rig;
  /// Of the registry that credentials are looked for.
  registry::Access access;
  std::map<std::string, std::string> environment;
  std::map<std::string, std::string> files;
  registry::CloudAddresses addresses;

  registry::CloudWorld world() {
    registry::Surroundings surroundings;
    surroundings.environment = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = environment.find(name);
      if (found == environment.end()) return std::nullopt;
      return found->second;
    };
    surroundings.file = [this](const std::string& path) {
      registry::Surroundings::File file;
      if (const auto found = files.find(path); found != files.end()) file.content = found->second;
      return file;
    };
    return {*rig.http, rig.clock, rig.workers, surroundings, addresses};
  }
  Task<std::optional<registry::Credentials>> find(std::shared_ptr<registry::CredentialSource> source,
                                                  const std::string& registry) {
    auto endpoint = registry::endpoint_of(registry, access);
    std::string path = "a";
    co_return co_await source->find(std::move(endpoint), std::move(path));
  }
};

}  // namespace sluice::test
