#pragma once
// Parsing texts with parts and secrets that are made up.

#include "config/config.hpp"

#include <map>
#include <string>

#include <catch2/catch.hpp>

namespace sluice::config::test {

struct FakePart : Part {
  std::vector<std::string> run;
};

// A kind with one key, `run`.
inline std::shared_ptr<const Part> parse_fake(Section& section) {
  auto part = std::make_shared<FakePart>();
  part->run = section.texts("run");
  return part;
}

inline Parts fake_parts() {
  return {.checks = {{"container", parse_fake}, {"command", parse_fake}},
          .triggers = {{"buildah", parse_fake}, {"exec", parse_fake}, {"webhook", parse_fake}}};
}

// Made for these tests with `openssl req -x509 -newkey ec`; it protects nothing.
inline const std::string pair_certificate = R"(-----BEGIN CERTIFICATE-----
MIIBjjCCATWgAwIBAgIUHLNCg3dgHv9AY+y4D50h4Mzzg2kwCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRaG9va3MuZXhhbXBsZS5jb20wIBcNMjYxMTI3MDk1NjEyWhgP
MjEyNjExMDMwOTU2MTJaMBwxGjAYBgNVBAMMEWhvb2tzLmV4YW1wbGUuY29tMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKjiFgVj0QuE3kMjKdrhRr8Mm+ywIwVhy
boxSpd2ZB24PRjAFJT04DFkDf/DlrSIb4j+taLa0vBymxfI5YuJR76NTMFEwHQYD
VR0OBBYEFNOuoEmvay3y62DCCHrRm4bo2j+CMB8GA1UdIwQYMBaAFNOuoEmvay3y
62DCCHrRm4bo2j+CMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIg
Kmei/ayZp0pZxPFzpjV7Ubi/IfGa/yoT7go66rXJBJwCIAvMDzwUzegYN4dxXu5f
8HkYZNA1d97ng20oecyMvdku
-----END CERTIFICATE-----
)";
inline const std::string pair_key = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQghYcQbJXwZZloh9TU
cjV/yWlfLPN4oBCUEhMyprtBMvehRANCAAQqOIWBWPRC4TeQyMp2uFGvwyb7LAjB
WHJujFKl3ZkHbg9GMAUlPTgMWQN/8OWtIhviP61otrS8HKbF8jli4lHv
-----END PRIVATE KEY-----
)";
inline const std::string other_key = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgPrgyExSlPq3JjCVE
JNzpaCVVKTtwJCIQxcSZIOGaS96hRANCAATVxU8vcM8TgELCr0D58OoIj+uXTdmo
MkNc8rLV1UeRQkLQTHn30Xbq1VEn8yiUgh6HXqExKoGFYATrzPTNBBO3
-----END PRIVATE KEY-----
)";

// Files and variables that exist; their names are found by looking at the tests.
inline SecretSources fake_secrets() {
  SecretSources sources;
  sources.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "TOKEN") return "from-environment";
    return std::nullopt;
  };
  sources.file = [](const std::string& path, std::string& why) -> std::optional<std::string> {
    const std::map<std::string, std::string> files{{"/secret", "from-file\n"},
                                                   {"/empty", "\n"},
                                                   {"/credentials/hub", "from-credential"},
                                                   {"/ca.pem", "certificate"},
                                                   {"/key.pem", "key"},
                                                   {"/pair/certificate.pem", pair_certificate},
                                                   {"/pair/key.pem", pair_key},
                                                   {"/pair/other.key", other_key}};
    if (const auto found = files.find(path); found != files.end()) return found->second;
    why = "no such file";
    return std::nullopt;
  };
  sources.command = [](const std::vector<std::string>& argv, std::string& why) -> std::optional<std::string> {
    if (argv.front() == "pass") return "from-command\n";
    why = "exit code 1";
    return std::nullopt;
  };
  sources.credentials_directory = "/credentials";
  return sources;
}

inline Loaded parsed(const std::string& text) {
  return parse(text, "sluice.yaml", fake_parts(), fake_secrets());
}

// The configuration of a text that must be good.
inline std::shared_ptr<const Config> good(const std::string& text) {
  auto loaded = parsed(text);
  INFO(loaded.diagnostics.text());
  REQUIRE(loaded.diagnostics.ok());
  REQUIRE(loaded.config);
  return loaded.config;
}

// What is wrong with a text that must be bad.
inline std::string wrong(const std::string& text) {
  auto loaded = parsed(text);
  REQUIRE_FALSE(loaded.diagnostics.ok());
  REQUIRE_FALSE(loaded.config);
  return loaded.diagnostics.text();
}

// A pipeline that is good as it stands; more lines may be put after it.
inline const std::string pipeline_node = R"(pipelines:
  - name: node
    upstream: docker.io/library/node:9-alpine
    staging: r.example.com/staging/node
    promote: {to: r.example.com/base/node, tags: ["9", "9-{run}"]}
)";

}  // namespace sluice::config::test
