// Against the CNCF registry: what it has is put there and read back by skopeo, not by our own client.

#include "core/error.hpp"
#include "images.hpp"
#include "rig.hpp"
#include "support/registry_process.hpp"
#include "support/run.hpp"
#include "support/shell.hpp"
#include "support/token_server.hpp"

#include <map>
#include <sstream>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;

namespace {

void push(const OciLayout& layout, const std::string& to, const std::vector<std::string>& options) {
  std::vector<std::string> argv{"skopeo", "copy", "--quiet", "--all", "--preserve-digests"};
  argv.insert(argv.end(), options.begin(), options.end());
  argv.push_back("oci:" + layout.path());
  argv.push_back("docker://" + to);
  output_of(argv);
}

std::map<std::string, std::string> pull_all(const std::string& from,
                                            const std::vector<std::string>& options) {
  OciLayout layout;
  std::vector<std::string> argv{"skopeo", "copy", "--quiet", "--all", "--preserve-digests"};
  argv.insert(argv.end(), options.begin(), options.end());
  argv.push_back("docker://" + from);
  argv.push_back("oci:" + layout.path());
  output_of(argv);
  return layout.blobs();
}

std::string raw_manifest(const std::string& name) {
  return output_of({"skopeo", "inspect", "--raw", "--tls-verify=false", "docker://" + name});
}

int lines_with(const std::string& log, const std::string& text) {
  std::istringstream lines(log);
  std::string line;
  int found = 0;
  while (std::getline(lines, line))
    if (line.find(text) != std::string::npos) ++found;
  return found;
}

const std::vector<std::string> no_tls_to{"--dest-tls-verify=false"};
const std::vector<std::string> no_tls_from{"--src-tls-verify=false"};

}  // namespace

TEST_CASE("a multi-platform index arrives at another registry byte for byte") {
  const TestImage amd64 = make_image("amd64", 1, {300'000, 1000});
  const TestImage arm64 = make_image("arm64", 2, {2'000'000, 50, 1});
  const Piece root = make_index({{amd64.manifest, "amd64"}, {arm64.manifest, "arm64"}});
  OciLayout layout;
  layout.add(amd64);
  layout.add(arm64);
  layout.set_root(root);
  RegistryProcess upstream;
  RegistryProcess ours;
  push(layout, upstream.host() + "/library/node:9", no_tls_to);

  const auto progress = run([&]() -> Task<registry::CopyProgress> {
    Rig rig;
    const oci::Repository source{upstream.host(), "library/node"};
    const oci::Repository target{ours.host(), "staging/node"};
    const auto resolved = co_await rig.client.resolve(source, "9");
    REQUIRE(resolved.has_value());
    CHECK(resolved->digest == root.digest());
    CHECK(resolved->media_type == oci::media_type::oci_index);
    CHECK(resolved->size == static_cast<std::int64_t>(root.bytes.size()));
    const auto again = co_await rig.client.look(source, "9", registry::Pace::look, resolved->digest);
    CHECK(again->unchanged);
    CHECK(again->digest == root.digest());
    const auto copied = co_await rig.client.copy(source, resolved->digest, target);
    co_await rig.client.put_manifest(target, "9-alpine", root.media_type, root.bytes);
    co_return copied;
  });

  CHECK(progress.manifests_copied == 3);
  CHECK(progress.blobs_copied == 7);
  CHECK(progress.blobs_present == 0);
  CHECK(raw_manifest(ours.host() + "/staging/node:9-alpine") == root.bytes);
  CHECK(raw_manifest(ours.host() + "/staging/node@" + arm64.manifest.digest().text()) ==
        arm64.manifest.bytes);
  auto expected = layout.blobs();
  CHECK(pull_all(ours.host() + "/staging/node:9-alpine", no_tls_from) == expected);
}

TEST_CASE("an index within an index is copied, children first") {
  const TestImage image = make_image("arm64", 3, {1000});
  const Piece inner = make_index({{image.manifest, "arm64"}});
  const Piece outer = make_index({{inner, ""}, {image.manifest, "arm64"}});
  OciLayout layout;
  layout.add(image);
  layout.set_root(image.manifest);
  RegistryProcess registry;
  push(layout, registry.host() + "/a:1", no_tls_to);

  run([&]() -> Task<> {
    Rig rig;
    const oci::Repository source{registry.host(), "a"};
    const oci::Repository target{registry.host(), "b/c"};
    co_await rig.client.put_manifest(source, inner.digest().text(), inner.media_type, inner.bytes);
    co_await rig.client.put_manifest(source, outer.digest().text(), outer.media_type, outer.bytes);
    const auto progress = co_await rig.client.copy(source, outer.digest(), target);
    CHECK(progress.manifests_copied == 3);
    CHECK(progress.blobs_mounted == 2);
    CHECK(progress.bytes_moved == 0);
  });
  CHECK(raw_manifest(registry.host() + "/b/c@" + outer.digest().text()) == outer.bytes);
  CHECK(raw_manifest(registry.host() + "/b/c@" + inner.digest().text()) == inner.bytes);
}

TEST_CASE("what is there does not move again") {
  const TestImage image = make_image("amd64", 4, {1000, 2000});
  OciLayout layout;
  layout.add(image);
  layout.set_root(image.manifest);
  RegistryProcess upstream;
  RegistryProcess ours;
  push(layout, upstream.host() + "/a:1", no_tls_to);

  run([&]() -> Task<> {
    Rig rig;
    const oci::Repository source{upstream.host(), "a"};
    const oci::Repository target{ours.host(), "a"};
    co_await rig.client.copy(source, image.manifest.digest(), target);
    const auto again = co_await rig.client.copy(source, image.manifest.digest(), target);
    CHECK(again.bytes_moved == 0);
    CHECK(again.blobs_present == 3);
    CHECK(again.manifests_copied == 0);
    const bool there = co_await rig.client.blob_exists(target, image.blobs[1].digest());
    const bool absent = co_await rig.client.blob_exists(target, oci::Digest::of("absent"));
    CHECK(there);
    CHECK_FALSE(absent);
  });
}

TEST_CASE("what the target has is not mounted anew, so that it can be pulled at any moment") {
  const TestImage image = make_image("amd64", 14, {1000, 2000, 3000});
  TestImage second = make_image("amd64", 15, {500});
  const auto& last = image.blobs.back();
  second.manifest.bytes.insert(second.manifest.bytes.rfind(']'), ", " + last.descriptor());
  OciLayout layout;
  layout.add(image);
  layout.set_root(image.manifest);
  OciLayout second_layout;
  second_layout.add(second);
  second_layout.add(last);
  second_layout.set_root(second.manifest);
  RegistryProcess ours;
  push(layout, ours.host() + "/staging:1", no_tls_to);
  push(second_layout, ours.host() + "/staging:2", no_tls_to);

  run([&]() -> Task<> {
    Rig rig;
    const oci::Repository staging{ours.host(), "staging"}, base{ours.host(), "base"};
    rig.access[ours.host()].transfers = 1;
    const auto progress = co_await rig.client.copy(staging, image.manifest.digest(), base, "1");
    CHECK(progress.blobs_mounted == 4);
    // Nobody pulled from it before.
    CHECK(lines_with(ours.log(), "\"HEAD /v2/base/blobs/") == 0);
    const auto next = co_await rig.client.copy(staging, second.manifest.digest(), base);
    CHECK(next.blobs_present == 1);
    CHECK(next.blobs_mounted == 2);
  });
  CHECK(lines_with(ours.log(), "\"POST /v2/base/blobs/uploads/") == 4 + 2);
}

TEST_CASE("absence is a value when resolving and not_found when fetching") {
  RegistryProcess registry;
  run([&]() -> Task<> {
    Rig rig;
    const oci::Repository nowhere{registry.host(), "no/where"};
    const auto resolved = co_await rig.client.resolve(nowhere, "latest");
    CHECK_FALSE(resolved.has_value());
    const Error error = co_await failure_of(rig.client.manifest(nowhere, "latest"));
    CHECK(error.kind() == ErrorKind::not_found);
    CHECK_THAT(error.what(), Catch::Contains("no/where") && Catch::Contains("MANIFEST_UNKNOWN"));
  });
}

TEST_CASE("the config of an image is found through its index") {
  const TestImage amd64 = make_image("amd64", 5, {10});
  const TestImage arm64 = make_image("arm64", 6, {10});
  const Piece root = make_index({{amd64.manifest, "amd64"}, {arm64.manifest, "arm64"}});
  OciLayout layout;
  layout.add(amd64);
  layout.add(arm64);
  layout.set_root(root);
  RegistryProcess registry;
  push(layout, registry.host() + "/a:1", no_tls_to);
  run([&]() -> Task<> {
    Rig rig;
    const oci::Repository repository{registry.host(), "a"};
    const auto config =
        co_await rig.client.image_config(repository, "1", oci::Platform::parse("linux/arm64"));
    CHECK(config.labels.at("seed") == "6");
    CHECK(config.diff_ids == std::vector<oci::Digest>{arm64.blobs[1].digest()});
    const Error error =
        co_await failure_of(rig.client.image_config(repository, "1", oci::Platform::parse("linux/s390x")));
    CHECK(error.kind() == ErrorKind::not_found);
  });
}

TEST_CASE("a registry with basic auth: pull and push with credentials, refused without") {
  const TestImage image = make_image("amd64", 9, {5000});
  OciLayout layout;
  layout.add(image);
  layout.set_root(image.manifest);
  RegistryProcess open;
  RegistryProcess locked({.basic = RegistryOptions::Basic{"bot", "canary-basic"}, .token = {}, .tls = {}});
  push(layout, open.host() + "/a:1", no_tls_to);
  run([&]() -> Task<> {
    Rig rig;
    const oci::Repository source{open.host(), "a"};
    const oci::Repository target{locked.host(), "a"};
    for (const std::string password : {"", "canary-wrong"}) {
      if (!password.empty()) rig.log_in(locked.host(), "bot", password);
      const Error error = co_await failure_of(rig.client.copy(source, image.manifest.digest(), target));
      CHECK(error.kind() == ErrorKind::unauthorized);
      CHECK_THAT(error.what(), Catch::Contains("401") && !Catch::Contains("canary"));
    }
    rig.log_in(locked.host(), "bot", "canary-basic");
    const auto progress = co_await rig.client.copy(source, image.manifest.digest(), target);
    CHECK(progress.blobs_copied == 2);
  });
  const std::vector<std::string> options{"--src-tls-verify=false", "--src-creds=bot:canary-basic"};
  CHECK(pull_all(locked.host() + "/a@" + image.manifest.digest().text(), options) == layout.blobs());
}

TEST_CASE("a registry with token auth: pull, push and mount with one token service") {
  const TestImage image = make_image("amd64", 10, {5000, 6000});
  OciLayout layout;
  layout.add(image);
  layout.set_root(image.manifest);
  const std::map<std::string, std::string> people{{"bot", "canary-token"}};
  TokenServer tokens(people);
  RegistryProcess registry({.basic = {}, .token = tokens.settings(), .tls = {}});
  const std::vector<std::string> options{"--dest-tls-verify=false", "--dest-creds=bot:canary-token"};
  push(layout, registry.host() + "/base/node:1", options);
  run([&]() -> Task<> {
    Rig rig;
    const oci::Repository source{registry.host(), "base/node"};
    const oci::Repository target{registry.host(), "staging/node"};
    // Anonymous people may pull here, not push: the service gives a token for less than what was asked.
    const auto resolved = co_await rig.client.resolve(source, "1");
    REQUIRE(resolved.has_value());
    const Error refusal = co_await failure_of(rig.client.copy(source, image.manifest.digest(), target));
    CHECK(refusal.kind() == ErrorKind::unauthorized);
    CHECK_THAT(refusal.what(), Catch::Contains("401"));

    rig.log_in(registry.host(), "bot", "canary-token");
    const auto progress = co_await rig.client.copy(source, image.manifest.digest(), target);
    CHECK(progress.blobs_mounted == 3);
    CHECK(progress.manifests_copied == 1);
  });
  const std::vector<std::string> from{"--src-tls-verify=false", "--src-creds=bot:canary-token"};
  CHECK(pull_all(registry.host() + "/staging/node@" + image.manifest.digest().text(), from) ==
        layout.blobs());
}

TEST_CASE("a registry with token auth by OAuth2: an identity token pushes, mounts and is renewed") {
  const TestImage image = make_image("amd64", 12, {5000, 6000});
  OciLayout layout;
  layout.add(image);
  layout.set_root(image.manifest);
  const std::map<std::string, std::string> people{{"bot", "canary-token"}};
  TokenServer tokens(people);
  RegistryProcess registry({.basic = {}, .token = tokens.settings(), .tls = {}});
  const std::vector<std::string> options{"--dest-tls-verify=false", "--dest-creds=bot:canary-token"};
  push(layout, registry.host() + "/base/node:1", options);
  const auto before = tokens.requests().size();
  run([&]() -> Task<> {
    Rig rig;
    registry::Credentials identity;
    identity.identity_token = Secret(TokenServer::refresh_token_of("bot"));
    rig.access[registry.host()].credentials = identity;
    const oci::Repository source{registry.host(), "base/node"};
    const oci::Repository target{registry.host(), "staging/node"};
    const auto progress = co_await rig.client.copy(source, image.manifest.digest(), target);
    CHECK(progress.blobs_mounted == 3);
    CHECK(progress.manifests_copied == 1);
    const auto asked = tokens.requests().size();
    rig.clock.advance(std::chrono::seconds(290));
    co_await rig.client.resolve(source, "1");
    CHECK(tokens.requests().size() == asked + 1);
  });
  const auto requests = tokens.requests();
  for (std::size_t i = before; i < requests.size(); ++i)
    CHECK(requests[i].method == "POST");
}

TEST_CASE("a registry with token auth by OAuth2 alone: a password is posted once, then its refresh token") {
  const TestImage image = make_image("amd64", 13, {5000});
  OciLayout layout;
  layout.add(image);
  layout.set_root(image.manifest);
  const std::map<std::string, std::string> people{{"bot", "canary-token"}};
  TokenServer tokens(people);
  RegistryProcess registry({.basic = {}, .token = tokens.settings(), .tls = {}});
  const std::vector<std::string> options{"--dest-tls-verify=false", "--dest-creds=bot:canary-token"};
  push(layout, registry.host() + "/base/node:1", options);
  tokens.refuse_get();
  const auto before = tokens.requests().size();
  run([&]() -> Task<> {
    Rig rig;
    rig.log_in(registry.host(), "bot", "canary-token");
    const bool asked = co_await rig.client.verify(registry.host());
    CHECK(asked);
    const oci::Repository source{registry.host(), "base/node"};
    const oci::Repository target{registry.host(), "staging/node"};
    const auto progress = co_await rig.client.copy(source, image.manifest.digest(), target);
    CHECK(progress.manifests_copied == 1);

    Rig stranger;
    stranger.log_in(registry.host(), "bot", "canary-wrong");
    const Error error = co_await failure_of(stranger.client.verify(registry.host()));
    CHECK(error.kind() == ErrorKind::unauthorized);
    CHECK_THAT(error.what(), !Catch::Contains("canary"));
  });
  int passwords = 0;
  const auto requests = tokens.requests();
  for (std::size_t i = before; i < requests.size(); ++i)
    if (requests[i].body.find("password=canary-token") != std::string::npos) ++passwords;
  CHECK(passwords == 1);
}

TEST_CASE("a registry with TLS: trusted by the CA that its settings name, refused without") {
  const TestImage image = make_image("amd64", 11, {5000});
  OciLayout layout;
  layout.add(image);
  layout.set_root(image.manifest);
  Authority authority;
  RegistryProcess secure({.basic = {}, .token = {}, .tls = authority.issue()});
  push(layout, secure.host() + "/a:1", no_tls_to);
  run([&]() -> Task<> {
    Rig rig;
    const oci::Repository repository{secure.host(), "a"};
    rig.access[secure.host()].tls.ca = {authority.certificate()};
    const auto resolved = co_await rig.client.resolve(repository, "1");
    CHECK(resolved->digest == image.manifest.digest());

    Authority stranger;
    rig.access[secure.host()].tls.ca = {stranger.certificate()};
    const Error error = co_await failure_of(rig.client.resolve(repository, "1"));
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK_THAT(error.what(), Catch::Contains("certificate"));
  });
}
