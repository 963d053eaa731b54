// The `webhooks` part of a configuration, and what is said of mistakes in it.

#include "watch/hook.hpp"

#include "config/config.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::watch;

namespace {

config::Loaded load(const std::string& entry) {
  config::SecretSources sources;
  sources.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "SHORT") return "short";
    if (name == "DASH") return "-";
    if (name == "WHSEC") return "whsec_Zml4dHVyZS1zZWNyZXQ=";
    if (name == "SECRET") return "fixture-secret";
    return std::nullopt;
  };
  config::Parts parts;
  parts.webhook = parse_hook;
  return config::parse("webhooks:\n  one: " + entry + "\n", "sluice.yaml", parts, sources);
}

std::string wrong(const std::string& entry) {
  const auto loaded = load(entry);
  CHECK_FALSE(loaded.config);
  return loaded.diagnostics.text();
}

Hook good(const std::string& entry) {
  const auto loaded = load(entry);
  INFO(loaded.diagnostics.text());
  REQUIRE(loaded.config);
  return hook_of(loaded.config->webhooks.at(0));
}

}  // namespace

TEST_CASE("A webhook says who sends and how it proves that") {
  const auto hook = good("{sender: dockerhub, token: {env: SECRET}}");
  CHECK(hook.sender->name == "dockerhub");
  CHECK(hook.token.reveal() == "fixture-secret");
  CHECK(hook.reading.registry == "docker.io");
  CHECK(hook.secret_place == "the variable SECRET");
}

TEST_CASE("Every proof is read") {
  const auto hook = good(
      "{sender: generic, fields: {image: /image, tag: /tag}, token: {env: SECRET}, bearer: {env: SECRET}, "
      "basic: {username: u, password: {env: SECRET}}, header: {name: X-Key, value: {env: SECRET}}, "
      "hmac: {header: X-Sig, hash: sha1, prefix: 'sha1=', encoding: base64, secret: {env: SECRET}}, "
      "standard_webhooks: {env: WHSEC}, allow_from: [192.0.2.0/24], window: 10m, rate: 50}");
  CHECK(hook.username == "u");
  CHECK(hook.header_name == "X-Key");
  CHECK(hook.hmac->how.hash == net::Hash::sha1);
  CHECK(hook.hmac->how.base64);
  CHECK(hook.standard.reveal() == "fixture-secret");
  CHECK(hook.allow_from.size() == 1);
  CHECK(hook.window == std::chrono::minutes(10));
  CHECK(hook.rate.per_second == 50);
}

TEST_CASE("Mistakes are told with the place and what to do") {
  using Catch::Contains;
  CHECK_THAT(wrong("{sender: dockerhup, token: {env: SECRET}}"), Contains("did you mean 'dockerhub'?"));
  CHECK_THAT(wrong("{sender: dockerhub}"),
             Contains("sluice.yaml:2:8") && Contains("no proof is asked for") && Contains("token:"));
  CHECK_THAT(wrong("{sender: dockerhub, secret: {env: SECRET}}"),
             Contains("signs nothing") && Contains("token:"));
  CHECK_THAT(wrong("{sender: github, secret: {env: SHORT}}"), Contains("shorter than 8 characters"));
  CHECK_THAT(wrong("{sender: github, secret: {env: DASH}}"), Contains("shorter than 8 characters"));
  CHECK_THAT(wrong("{sender: github, secret: plain-in-the-file}"), Contains("must not stand in the file"));
  CHECK_THAT(wrong("{sender: github, secret: {env: SECRET}, fields: {image: /x}}"), Contains("are known"));
  CHECK_THAT(wrong("{sender: nexus, secret: {env: SECRET}}"), Contains("'registry' is missing"));
  CHECK_THAT(wrong("{sender: nexus, registry: 'https://x', secret: {env: SECRET}}"), Contains("registry"));
  CHECK_THAT(wrong("{sender: generic, bearer: {env: SECRET}}"), Contains("'fields' must say"));
  CHECK_THAT(wrong("{sender: generic, bearer: {env: SECRET}, fields: {image: image}}"),
             Contains("not a JSON pointer"));
  CHECK_THAT(wrong("{sender: quay, allow_from: [192.0.2.1/24]}"), Contains("not an address or a network"));
  CHECK_THAT(wrong("{sender: quay, token: {env: SECRET}, window: 2d}"), Contains("'window' must be"));
  CHECK_THAT(wrong("{sender: quay, tokn: {env: SECRET}}"), Contains("did you mean 'token'?"));
  CHECK_THAT(wrong("{sender: quay, sns: {topics: [x]}}"),
             Contains("does not come through SNS") && Contains("not the ARN"));
  CHECK_THAT(wrong("{sender: gar, oidc: {audience: a, email: e}}"), Contains("named in one way"));
  CHECK_THAT(wrong("{sender: gar, oidc: {audience: a, email: e, keys: {env: SECRET}}}"),
             Contains("not JSON"));
  CHECK_THAT(wrong("{sender: gar, oidc: {audience: a, email: e, keys_url: 'http://x/'}}"),
             Contains("must be https"));
  CHECK_THAT(wrong("{sender: generic, fields: {image: ''}, standard_webhooks: {env: SHORT}}"),
             Contains("whsec_BASE64"));
}

TEST_CASE("A name that cannot be part of an address is refused") {
  config::Parts parts;
  parts.webhook = parse_hook;
  const auto loaded =
      config::parse("webhooks:\n  a/b: {sender: quay, allow_from: [192.0.2.1]}\n", "f", parts, {});
  CHECK_THAT(loaded.diagnostics.text(), Catch::Contains("cannot be the name of a webhook"));
}

TEST_CASE("Every sender has advice and steps") {
  for (const auto& name : sender_names()) {
    INFO(name);
    CHECK_FALSE(sender(name)->advice.empty());
    CHECK(sender(name)->steps.find("{url}") != std::string_view::npos);
  }
}
