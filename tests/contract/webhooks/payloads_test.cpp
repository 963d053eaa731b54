// Every payload of tests/data/webhooks over real HTTP to the real listener, with the right and with wrong
// credentials.

#include "bench.hpp"
#include "support/rsa_signer.hpp"
#include "support/webhook_payloads.hpp"
#include "watch/sender.hpp"
#include "watch/sns.hpp"

#include <set>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::test;
using nlohmann::json;

namespace {

// What a delivery of the payload comes to: the pipeline that it concerns, or "" for none.
struct Case {
  std::string payload;
  std::string hook;
  std::string watches = {};
  bool is_built = false;  // a dependent is built from what was pushed to
};

// Each hook has a twin `<name>-other` with other secrets.
const std::string hooks = R"(
  dockerhub: {sender: dockerhub, token: {env: SECRET}}
  acr: {sender: acr, bearer: {env: SECRET}}
  acr-grid: {sender: acr, token: {env: SECRET}}
  github: {sender: github, secret: {env: SECRET}}
  quay: {sender: quay, token: {env: SECRET}}
  harbor: {sender: harbor, secret: {env: SECRET}}
  distribution: {sender: distribution, bearer: {env: SECRET}}
  distribution-open: {sender: distribution, token: {env: SECRET}}
  gitlab: {sender: gitlab, bearer: {env: SECRET}}
  gitlab-project: {sender: gitlab, secret: {env: SECRET}}
  ecr: {sender: ecr, header: {name: X-Api-Key, value: {env: SECRET}}}
  gar: {sender: gar, token: {env: SECRET}}
  artifactory: {sender: artifactory, secret: {env: SECRET}}
  nexus: {sender: nexus, registry: nexus.example.com, secret: {env: SECRET}}
  gitea: {sender: gitea, secret: {env: SECRET}}
  zot: {sender: zot, registry: zot.example.com, bearer: {env: SECRET}}
  aliyun: {sender: aliyun, token: {env: SECRET}}
  cloudevents: {sender: cloudevents, header: {name: X-Webhook-Secret, value: {env: SECRET}}}
  diun: {sender: generic, fields: {image: /image}, header: {name: Authorization, value: {env: DIUN}}}
  keel: {sender: generic, fields: {repository: /name, tag: /tag}, token: {env: SECRET}}
  standard: {sender: generic, fields: {image: /data/image, tag: /data/tag}, standard_webhooks: {env: WHSEC}, window: 1d}
)";

// Those whose secret goes into the address.
const std::set<std::string> by_token{"dockerhub", "acr-grid", "quay", "distribution-open",
                                     "gar",       "aliyun",   "keel"};

const std::vector<std::pair<std::string, std::string>> upstreams{
    {"keel", "docker.io/karolisr/keel:0.1.7"},
    {"dhi", "docker.io/exampleorg/dhi-python:3.13-alpine3.21"},
    {"acr", "myregistry.azurecr.io/hello-world:v1"},
    {"aci", "demo.azurecr.io/aci-helloworld:v1"},
    {"ghcr", "ghcr.io/noahvdaa/repositoryname/frontend:v1"},
    {"harbor", "harbor.example.com/harbor/alpine:3.19"},
    {"quay", "quay.io/mynamespace/repository:1.2.3"},
    {"ubuntu", "quay.io/devtable/ubuntu:latest"},
    {"foo", "registry.git.erxes.io/foo/bar:1.6.1"},
    {"app", "registry.example.com:5000/team/app:1.2.3"},
    {"ecr", "123456789012.dkr.ecr.us-west-2.amazonaws.com/my-repository-name:latest"},
    {"gar", "us-east1-docker.pkg.dev/my-project/my-repo/hello-world:1.1"},
    {"jfrog", "example.jfrog.io/docker-remote-cache/library/ubuntu:latest"},
    {"nexus", "nexus.example.com/team/app:1.2.3"},
    {"gitea", "git.example.com/gitea/app:1.2.3"},
    {"zot", "zot.example.com/golang:latest"},
    {"aliyun", "registry.cn-hangzhou.aliyuncs.com/namespace/repotest:latest"},
    {"cloud", "registry.example.com/myapp/backend:v2.0.0"},
    {"diun", "docker.io/crazymax/diun:latest"},
    {"gcr", "gcr.io/v2-namespace/hello-world:1.1.1"},
    {"standard", "registry.example.com/team/app:1.2.3"},
};

// What dependents are built from.
const std::vector<std::pair<std::string, std::string>> sources{
    {"hub", "https://github.com/octo-org/hello.git"},
    {"lab", "git@gitlab.example.com:group/hello.git#main"},
    {"tea", "https://git.example.com/team/hello#main:app"},
};

const std::vector<Case> cases{
    {"dockerhub-push", "dockerhub", "keel"},
    {"dockerhub-push-dhi", "dockerhub", "dhi"},
    {"acr-push", "acr", "acr"},
    {"acr-ping", "acr"},
    {"acr-delete", "acr"},
    {"acr-chart_push", "acr"},
    {"acr-chart_delete", "acr"},
    {"acr-eventgrid-imagepushed", "acr-grid", "aci"},
    {"acr-eventgrid-cloudevents-imagepushed", "acr-grid", "aci"},
    {"acr-eventgrid-imagedeleted", "acr-grid"},
    {"acr-eventgrid-subscriptionvalidation", "acr-grid"},
    {"github-ping", "github"},
    {"github-push", "github", "", true},
    {"github-push-deleted", "github"},
    {"gitlab-push", "gitlab-project", "", true},
    {"gitea-push", "gitea", "", true},
    {"github-package-published", "github"},
    {"github-package-published-untagged", "github"},
    {"github-package-published-tagged", "github", "ghcr"},
    {"github-registry_package-published", "github"},
    {"quay-repo_push", "quay", "quay"},
    {"quay-repo_push-legacy", "quay", "ubuntu"},
    {"harbor-push_artifact", "harbor"},
    {"harbor-push_artifact-tagged", "harbor", "harbor"},
    {"harbor-push_artifact-cloudevents", "harbor"},
    {"harbor-pull_artifact", "harbor"},
    {"harbor-delete_artifact", "harbor"},
    {"harbor-replication", "harbor"},
    {"distribution-push", "distribution", "foo"},
    {"distribution-push-oci-index", "gitlab", "app"},
    {"distribution-push-multi", "distribution"},
    {"distribution-pull", "distribution"},
    {"distribution-mount", "distribution-open"},
    {"distribution-delete", "distribution-open"},
    {"aws-ecr-image_action", "ecr", "ecr"},
    {"aws-ecr-image_action-delete", "ecr"},
    {"google-artifactregistry-insert", "gar", "gar"},
    {"google-artifactregistry-delete", "gar"},
    {"jfrog-docker_pushed", "artifactory", "jfrog"},
    {"jfrog-docker_deleted", "artifactory"},
    {"nexus-component", "nexus"},
    {"nexus-component-docker", "nexus", "nexus"},
    {"nexus-asset", "nexus", "nexus"},
    {"gitea-package-created", "gitea", "gitea"},
    {"gitea-package-created-digest", "gitea"},
    {"gitea-package-deleted", "gitea"},
    {"zot-image_updated", "zot", "zot"},
    {"zot-image_deleted", "zot"},
    {"zot-repository_created", "zot"},
    {"aliyun-acr-push", "aliyun", "aliyun"},
    {"generic-cloudevents-container", "cloudevents", "cloud"},
    {"generic-diun", "diun", "diun"},
    {"generic-keel-native", "keel", "gcr"},
    {"generic-standardwebhooks", "standard", "standard"},
};

std::string sender_of(const std::string& hook) {
  const std::string before = "\n  " + hook + ": {sender: ";
  const auto begin = hooks.find(before) + before.size();
  return hooks.substr(begin, hooks.find(',', begin) - begin);
}

std::string pipelines() {
  std::string text = "pipelines:\n";
  for (const auto& [name, upstream] : upstreams)
    text += "  - {name: " + name + ", upstream: '" + upstream + "', staging: c.example.com/staging/" + name +
            ", promote: {to: c.example.com/base/" + name + ", tags: ['1', '1-{run}']}}\n";
  text += "dependents:\n";
  for (const auto& [name, source] : sources)
    text += "  - {image: 'c.example.com/team/" + name +
            ":1', from: ['c.example.com/base/acr:1'], rebuild: {buildah: {context: '" + source + "'}}}\n";
  return text;
}

HookBench bench(std::map<std::string, std::string> secrets) {
  return HookBench("webhooks:" + hooks + pipelines(), std::move(secrets));
}

std::string target(const Case& one, const std::string& token) {
  return "/hooks/" + one.hook + (by_token.contains(one.hook) ? "/" + token : "");
}

net::Headers bare_headers() {
  return {{"Content-Type", "application/json"}};
}

std::vector<std::string> only(const std::string& name) {
  return {name};
}

std::vector<std::string> wanted_of(const Case& one) {
  return one.watches.empty() ? std::vector<std::string>() : only(one.watches);
}

// Whether an answer counts the pipelines that the payload concerns; the answer to a handshake counts none.
bool is_about(const HookAnswer& answer, const Case& one) {
  const auto body = json::parse(answer.body);
  if (one.is_built && (body["result"] != "accepted" || body["dependents"] != 1)) return false;
  return !body.contains("result") || body["pipelines"] == wanted_of(one).size();
}

json google_claims(Time now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  return {{"iss", "https://accounts.google.com"},
          {"aud", "https://example.com/hooks/gar"},
          {"email", "push@my-project.iam.gserviceaccount.com"},
          {"email_verified", true},
          {"exp", seconds + 600}};
}

// Standard Webhooks' fixture was signed in February 2021.
void go_to_fixture_time(HookBench& bench, const Case& one) {
  bench.clock.shift = std::chrono::microseconds(0);
  if (one.hook == "standard") bench.clock.shift = Time(std::chrono::seconds(1614265330)) - bench.clock.now();
}

}  // namespace

TEST_CASE(
    "Every payload with the right credentials has the right upstream looked at, and is known when it comes "
    "again") {
  HookBench world =
      bench({{"SECRET", "fixture-secret"}, {"DIUN", "Token123456"}, {"WHSEC", "whsec_Zml4dHVyZS1zZWNyZXQ="}});
  std::set<std::string> promised;
  world.play([&]() -> Task<> {
    for (const auto& one : cases) {
      INFO(one.payload);
      const auto payload = webhook_payload(one.payload);
      go_to_fixture_time(world, one);
      const auto answer = co_await world.post(target(one, "fixture-secret"), payload.headers, payload.body);
      CHECK(answer.status == 200);
      CHECK(is_about(answer, one));
      // The engine does not run here, so what was promised once stays promised.
      const auto owed = co_await world.owed();
      if (promised.insert(one.watches).second) CHECK(owed == wanted_of(one));
      const auto again = co_await world.post(target(one, "fixture-secret"), payload.headers, payload.body);
      CHECK(again.status == 200);
      if (!one.watches.empty() || one.is_built) CHECK(json::parse(again.body)["result"] == "duplicate");
      co_await world.settle();
      co_await world.forget_receipts();  // some of the samples bear one another's ids
    }
  });
}

TEST_CASE("D7: every payload with wrong credentials is answered as an unknown name is, and changes nothing") {
  HookBench world = bench(
      {{"SECRET", "another-secret"}, {"DIUN", "another-secret"}, {"WHSEC", "whsec_YW5vdGhlci1zZWNyZXQ="}});
  world.play([&]() -> Task<> {
    const auto nobody = co_await world.post("/hooks/nobody", net::Headers(), "{}");
    CHECK(nobody.status == 404);
    for (const auto& one : cases) {
      INFO(one.payload);
      const auto payload = webhook_payload(one.payload);
      go_to_fixture_time(world, one);
      const auto answer = co_await world.post(target(one, "fixture-secret"), payload.headers, payload.body);
      CHECK(answer.status == nobody.status);
      CHECK(answer.body == nobody.body);
      CHECK(answer.headers.fields() == nobody.headers.fields());
      const auto bare = co_await world.post("/hooks/" + one.hook, bare_headers(), payload.body);
      CHECK(bare.body == nobody.body);
    }
    const auto owed = co_await world.owed();
    CHECK(owed.empty());
  });
}

TEST_CASE("Of every sender a payload is sent that has something done") {
  std::set<std::string> acting;
  for (const auto& one : cases)
    if (!one.watches.empty() || one.is_built) acting.insert(sender_of(one.hook));
  for (const auto& name : watch::sender_names())
    CHECK(acting.contains(name));
}

TEST_CASE("Every payload of the test data is sent") {
  std::set<std::string> sent{"aws-ecr-via-sns-notification", "aws-sns-subscription_confirmation"};  // below
  for (const auto& one : cases)
    sent.insert(one.payload);
  for (const auto& name : webhook_payload_names())
    CHECK(sent.contains(name));
}

namespace {

const std::string topic = "arn:aws:sns:us-west-2:123456789012:ecr-push";

std::string signed_message(const std::string& payload, const RsaSigner& signer, Time at) {
  auto message = json::parse(webhook_file(payload + ".json"));
  message["Timestamp"] = format_time(at);
  message["SignatureVersion"] = "2";
  message["Signature"] = net::base64_encode("x");
  const auto text = watch::read_sns(message.dump()).signed_text;
  message["Signature"] = net::base64_encode(signer.sign(EVP_sha256(), text));
  return message.dump();
}

}  // namespace

TEST_CASE(
    "Amazon SNS: a signed message counts, an unsigned one does not, and the subscription is confirmed") {
  HookBench world("webhooks:\n  sns: {sender: ecr, sns: {topics: ['" + topic + "']}}\n" + pipelines(), {});
  const RsaSigner signer;
  const auto certificate =
      "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem";
  const auto now = world.clock.now();
  const auto notification = webhook_payload("aws-ecr-via-sns-notification");
  const auto confirmation = webhook_payload("aws-sns-subscription_confirmation");
  world.play([&]() -> Task<> {
    const auto body = signed_message(notification.name, signer, now);
    const auto unreachable = co_await world.post("/hooks/sns", notification.headers, body);
    CHECK(unreachable.status == 503);
    CHECK(unreachable.headers.get("Retry-After"));
    const auto forged = co_await world.post("/hooks/sns", notification.headers, notification.body);
    CHECK(forged.status == 404);
  });
  HookBench other("webhooks:\n  sns: {sender: ecr, sns: {topics: ['" + topic + "']}}\n" + pipelines(), {});
  other.outside.documents[certificate] = signer.certificate();
  other.play([&]() -> Task<> {
    const auto body = signed_message(notification.name, signer, now);
    const auto good = co_await other.post("/hooks/sns", notification.headers, body);
    CHECK(good.status == 200);
    const auto owed = co_await other.owed();
    CHECK(owed == only("ecr"));

    const auto ask = signed_message(confirmation.name, signer, now);
    const auto url = json::parse(ask)["SubscribeURL"].get<std::string>();
    const auto unconfirmed = co_await other.post("/hooks/sns", confirmation.headers, ask);
    CHECK(unconfirmed.status == 503);
    other.outside.documents[url] = "<ConfirmSubscriptionResponse/>";
    const auto confirmed = co_await other.post("/hooks/sns", confirmation.headers, ask);
    CHECK(confirmed.status == 200);
    CHECK(other.outside.asked.back() == url);
    // The certificate is kept.
    CHECK(std::count(other.outside.asked.begin(), other.outside.asked.end(), certificate) == 1);
  });
}

TEST_CASE("Amazon SNS: no address but that of SNS is asked to confirm") {
  HookBench world("webhooks:\n  sns: {sender: ecr, sns: {topics: ['" + topic + "']}}\n", {});
  const RsaSigner signer;
  const auto certificate =
      "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem";
  world.outside.documents[certificate] = signer.certificate();
  world.play([&]() -> Task<> {
    auto message = json::parse(webhook_file("aws-sns-subscription_confirmation.json"));
    message["Timestamp"] = format_time(world.clock.now());
    message["SignatureVersion"] = "2";
    message["Signature"] = net::base64_encode("x");
    auto text = watch::read_sns(message.dump()).signed_text;
    const auto honest = message["SubscribeURL"].get<std::string>();
    text.replace(text.find(honest), honest.size(), "https://169.254.169.254/latest/meta-data");
    message["SubscribeURL"] = "https://169.254.169.254/latest/meta-data";
    message["Signature"] = net::base64_encode(signer.sign(EVP_sha256(), text));
    const auto answer = co_await world.post("/hooks/sns", net::Headers(), message.dump());
    CHECK(answer.status == 404);
    CHECK(world.outside.asked.empty());
  });
}

TEST_CASE("gar: the token of Pub/Sub is checked by keys that are fetched once") {
  const std::string keys = "https://www.googleapis.com/oauth2/v3/certs";
  HookBench world(
      "webhooks:\n  gar: {sender: gar, oidc: {audience: 'https://example.com/hooks/gar', email: "
      "push@my-project.iam.gserviceaccount.com, keys_url: '" +
          keys + "'}}\n" + pipelines(),
      {});
  const RsaSigner signer;
  world.outside.documents[keys] = signer.key_set("one");
  world.play([&]() -> Task<> {
    auto payload = webhook_payload("google-artifactregistry-insert");
    const auto forged = co_await world.post("/hooks/gar", payload.headers, payload.body);
    CHECK(forged.status == 404);
    const auto claims = google_claims(world.clock.now());
    payload.headers.set("Authorization", "Bearer " + signer.token(claims.dump()));
    const auto good = co_await world.post("/hooks/gar", payload.headers, payload.body);
    CHECK(good.status == 200);
    const auto owed = co_await world.owed();
    CHECK(owed == only("gar"));
    CHECK(world.outside.asked.size() == 1);
  });
}
