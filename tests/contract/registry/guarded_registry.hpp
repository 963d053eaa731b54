#pragma once
// A registry that lets in whoever shows a token of its token service.

#include "fake_registry.hpp"
#include "registry/credentials.hpp"
#include "registry/endpoint.hpp"
#include "rig.hpp"
#include "support/run.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice::test {

inline const TestImage image = make_image("amd64", 51, {100});

/// A token service that answers by method; each answer is a body, or a status.
struct Service {
  int get_status = 200;
  int post_status = 200;
  std::string fields;  // of a good answer
  std::atomic<int> given = 0;
  ScriptedServer server{answer_all([this](Exchange& exchange, const RecordedRequest& request) {
    const int status = request.method == "POST" ? post_status : get_status;
    if (status != 200) return exchange.answer(status, request.body);  // says back what it was sent
    exchange.answer(200, R"({"access_token":"token-)" + std::to_string(++given) + "\"" + fields + "}");
  })};

  std::string challenge(const std::string& more = "") const {
    return "WWW-Authenticate: Bearer realm=\"" + server.url("/token") +
           "\",service=\"s\",scope=\"repository:a:pull\"" + more + "\r\n";
  }
  std::vector<std::string> asked() const {
    std::vector<std::string> methods;
    for (const auto& request : server.requests())
      methods.push_back(request.method);
    return methods;
  }
};

struct Guarded {
  Service service;
  std::function<bool(const std::string&)> good = [](const std::string& header) {
    return header.starts_with("Bearer token-");
  };
  FakeRegistry registry{[this](Exchange& exchange, const RecordedRequest& request) {
    const auto header = request.headers.find("authorization");
    if (header != request.headers.end() && good(header->second)) return false;
    read_body(exchange, request);
    exchange.answer(401, "", service.challenge());
    return true;
  }};
  Guarded() {
    registry.add("a", image);
    registry.tag("a", "1", image.manifest);
  }

  /// Resolves once with these credentials; the failure, if it fails.
  std::optional<Error> resolve(registry::Credentials credentials) {
    return run([&]() -> Task<std::optional<Error>> {
      Rig rig;
      rig.access[registry.host()].credentials = credentials;
      rig.access[registry.host()].patience = Milliseconds(0);
      std::optional<Error> failure;
      try {
        co_await rig.client.resolve(registry.repository("a"), "1");
      } catch (const Error& error) {
        failure = error;
      }
      co_return failure;
    });
  }
};

}  // namespace sluice::test
