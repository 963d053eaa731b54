// Where webhooks are received; what an entry means is tested in the room that reads it (watch).

#include "support.hpp"

namespace sluice::config {
namespace {

using Catch::Contains;
using namespace test;

Loaded with_hooks(const std::string& text) {
  auto parts = fake_parts();
  parts.webhook = parse_fake;
  return parse(text, "sluice.yaml", parts, fake_secrets());
}

TEST_CASE("the listener of webhooks has defaults and takes what is set") {
  const auto defaults = good("{}");
  CHECK(defaults->webhook_server.listen == "0.0.0.0:8481");
  CHECK(defaults->webhook_server.connections == 512);
  CHECK(defaults->webhooks.empty());
  const auto set = good(
      "server: {webhooks: {listen: '[::]:9000', url: 'https://hooks.example.com/', trusted_proxies: "
      "[10.0.0.0/8], "
      "connections: 10, rate: 5}}");
  CHECK(set->webhook_server.listen == "[::]:9000");
  CHECK(set->webhook_server.url == "https://hooks.example.com");
  CHECK(set->webhook_server.trusted_proxies.size() == 1);
  CHECK(set->webhook_server.rate == 5);
  CHECK(good("server: {webhooks: {listen: none}}")->webhook_server.listen.empty());
}

TEST_CASE("the listener of webhooks takes a certificate with its key, which are read with the file") {
  const auto set = good("server: {webhooks: {certificate: /pair/certificate.pem, key: /pair/key.pem}}");
  CHECK(set->webhook_server.certificate == "/pair/certificate.pem");
  CHECK(set->webhook_server.key == "/pair/key.pem");
  CHECK(set->webhook_server.certificate_pem == pair_certificate);
  CHECK(set->webhook_server.key_pem.reveal() == pair_key);
  CHECK(good("{}")->webhook_server.certificate_pem.empty());
}

TEST_CASE("a certificate that cannot serve is told with the place of the wrong file and advice") {
  const auto told = [](const std::string& certificate, const std::string& key) {
    return wrong("server:\n  webhooks:\n    certificate: " + certificate + "\n    key: " + key + "\n");
  };
  CHECK_THAT(told("/none", "/pair/key.pem"),
             Contains("sluice.yaml:3:") && Contains("'/none' cannot be read: no such file"));
  CHECK_THAT(told("/pair/certificate.pem", "/none"),
             Contains("sluice.yaml:4:") && Contains("'/none' cannot be read"));
  CHECK_THAT(told("/key.pem", "/pair/key.pem"),
             Contains("sluice.yaml:3:") && Contains("it holds no certificate"));
  CHECK_THAT(told("/empty", "/pair/key.pem"),
             Contains("it holds no certificate") && Contains("BEGIN CERTIFICATE"));
  CHECK_THAT(told("/pair/certificate.pem", "/empty"),
             Contains("sluice.yaml:4:") && Contains("it holds no private key"));
  const auto mismatch = told("/pair/certificate.pem", "/pair/other.key");
  CHECK_THAT(mismatch, Contains("sluice.yaml:4:") && Contains("this is not the key of the certificate") &&
                           Contains("renewed?"));
  CHECK_THAT(mismatch, !Contains("PRIVATE"));
  CHECK_THAT(wrong("server: {webhooks: {certificate: /pair/certificate.pem}}"), Contains("belong together"));
  CHECK_THAT(wrong("server: {webhooks: {key: /pair/key.pem}}"), Contains("belong together"));
}

TEST_CASE("mistakes of the listener of webhooks are told") {
  CHECK_THAT(wrong("server: {webhooks: {listen: '8481'}}"), Contains("must be ADDRESS:PORT"));
  CHECK_THAT(wrong("server: {webhooks: {listen: 'example.com:8481'}}"), Contains("must be ADDRESS:PORT"));
  CHECK_THAT(wrong("server: {webhooks: {listen: '0.0.0.0:99999'}}"), Contains("must be ADDRESS:PORT"));
  CHECK_THAT(wrong("server: {webhooks: {url: hooks.example.com}}"), Contains("for instance https://"));
  CHECK_THAT(wrong("server: {webhooks: {trusted_proxies: [10.0.0.1/8]}}"),
             Contains("not an address or a network"));
  CHECK_THAT(wrong("server: {webhooks: {rate: 0}}"), Contains("rate"));
  CHECK_THAT(wrong("server: {webhooks: {lisen: x}}"), Contains("did you mean 'listen'?"));
}

TEST_CASE("webhooks are found by name") {
  const auto loaded = with_hooks("webhooks: {hub: {run: [a]}, acr: {run: [b]}}");
  REQUIRE(loaded.config);
  CHECK(loaded.config->webhooks.size() == 2);
  CHECK(loaded.config->webhook("acr") != nullptr);
  CHECK(loaded.config->webhook("other") == nullptr);
}

TEST_CASE("a name of a webhook must fit into an address") {
  for (const char* name : {"'a b'", "'../x'", "-x", "'a/b'"})
    CHECK_THAT(with_hooks("webhooks: {" + std::string(name) + ": {}}").diagnostics.text(),
               Contains("cannot be the name of a webhook"));
}

}  // namespace
}  // namespace sluice::config
