// What each sender's payload says, and that nothing of it can do harm.

#include "core/error.hpp"
#include "support/webhook_payloads.hpp"
#include "watch/payload.hpp"
#include "watch/sender.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::watch;

namespace {

struct Case {
  std::string payload;
  std::string sender;
  std::string events;  // "repository=tag repository=tag", "" for none
  std::string registry = {};
  std::map<std::string, std::string> fields = {};
};

const std::vector<Case> cases{
    {"acr-push", "acr", "myregistry.azurecr.io/hello-world=v1"},
    {"acr-ping", "acr", ""},
    {"acr-delete", "acr", ""},
    {"acr-chart_push", "acr", ""},
    {"acr-chart_delete", "acr", ""},
    {"acr-eventgrid-imagepushed", "acr", "demo.azurecr.io/aci-helloworld=v1"},
    {"acr-eventgrid-imagedeleted", "acr", ""},
    {"acr-eventgrid-cloudevents-imagepushed", "acr", "demo.azurecr.io/aci-helloworld=v1"},
    {"acr-eventgrid-subscriptionvalidation", "acr", ""},
    {"aliyun-acr-push", "aliyun", "registry.cn-hangzhou.aliyuncs.com/namespace/repotest=latest"},
    {"aws-ecr-image_action", "ecr", "123456789012.dkr.ecr.us-west-2.amazonaws.com/my-repository-name=latest"},
    {"aws-ecr-image_action-delete", "ecr", ""},
    {"aws-ecr-via-sns-notification", "ecr",
     "123456789012.dkr.ecr.us-west-2.amazonaws.com/my-repository-name=latest"},
    {"aws-sns-subscription_confirmation", "ecr", ""},
    {"distribution-push", "distribution", "registry.git.erxes.io/foo/bar=1.6.1"},
    {"distribution-push-oci-index", "distribution", "registry.example.com:5000/team/app=1.2.3"},
    {"distribution-push-multi", "distribution", ""},
    {"distribution-pull", "distribution", ""},
    {"distribution-mount", "distribution", ""},
    {"distribution-delete", "distribution", ""},
    {"dockerhub-push", "dockerhub", "docker.io/karolisr/keel=0.1.7", "docker.io"},
    {"dockerhub-push-dhi", "dockerhub", "docker.io/exampleorg/dhi-python=3.13-alpine3.21", "docker.io"},
    {"generic-cloudevents-container", "cloudevents", "registry.example.com/myapp/backend=v2.0.0"},
    {"generic-diun", "generic", "docker.io/crazymax/diun=latest", "", {{"image", "/image"}}},
    {"generic-keel-native",
     "generic",
     "gcr.io/v2-namespace/hello-world=1.1.1",
     "",
     {{"repository", "/name"}, {"tag", "/tag"}}},
    {"generic-standardwebhooks",
     "generic",
     "registry.example.com/team/app=1.2.3",
     "",
     {{"image", "/data/image"}, {"tag", "/data/tag"}}},
    {"gitea-package-created", "gitea", "git.example.com/gitea/app=1.2.3"},
    {"gitea-package-created-digest", "gitea", ""},
    {"gitea-package-deleted", "gitea", ""},
    {"github-package-published", "github", ""},
    {"github-package-published-untagged", "github", ""},
    {"github-package-published-tagged", "github", "ghcr.io/noahvdaa/repositoryname/frontend=v1"},
    {"github-registry_package-published", "github", ""},
    {"github-ping", "github", ""},
    {"github-push", "github", ""},
    {"github-push-deleted", "github", ""},
    {"gitlab-push", "gitlab", ""},
    {"gitea-push", "gitea", ""},
    {"google-artifactregistry-insert", "gar", "us-east1-docker.pkg.dev/my-project/my-repo/hello-world=1.1"},
    {"google-artifactregistry-delete", "gar", ""},
    {"harbor-push_artifact", "harbor", ""},
    {"harbor-push_artifact-tagged", "harbor", "harbor.example.com/harbor/alpine=3.19"},
    {"harbor-push_artifact-cloudevents", "harbor", ""},
    {"harbor-pull_artifact", "harbor", ""},
    {"harbor-delete_artifact", "harbor", ""},
    {"harbor-replication", "harbor", ""},
    {"jfrog-docker_pushed", "artifactory",
     "example.jfrog.io/library/ubuntu|example.jfrog.io/docker-remote-cache/library/ubuntu=latest"},
    {"jfrog-docker_deleted", "artifactory", ""},
    {"nexus-component", "nexus", "", "nexus.example.com"},
    {"nexus-component-docker", "nexus", "nexus.example.com/team/app=1.2.3", "nexus.example.com"},
    {"nexus-asset", "nexus", "nexus.example.com/team/app=1.2.3", "nexus.example.com"},
    {"quay-repo_push", "quay", "quay.io/mynamespace/repository=1.2.3"},
    {"quay-repo_push-legacy", "quay", "quay.io/devtable/ubuntu=latest"},
    {"zot-image_updated", "zot", "zot.example.com/golang=latest", "zot.example.com"},
    {"zot-image_deleted", "zot", "", "zot.example.com"},
    {"zot-repository_created", "zot", "", "zot.example.com"},
};

std::string text_of(const Parsed& parsed) {
  std::string text;
  for (const auto& event : parsed.events) {
    std::string names;
    for (const auto& repository : event.repositories)
      names += (names.empty() ? "" : "|") + repository;
    for (const auto& tag : event.every_tag ? std::vector<std::string>{"*"} : event.tags)
      text += (text.empty() ? "" : " ") + names + "=" + tag;
  }
  return text;
}

Reading reading_of(const Case& one) {
  return {.registry = one.registry, .fields = one.fields};
}

Parsed parse(const std::string& name, const std::string& body, const Reading& reading = {},
             const net::Headers& headers = {}) {
  return sender(name)->parse({headers, body}, reading);
}

// What is thrown must be an error that a person can read; "" when nothing is.
std::string refusal(const Case& one, const net::Headers& headers, const std::string& body) {
  try {
    sender(one.sender)->parse({headers, body}, reading_of(one));
    return {};
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid);
    CHECK(std::string(error.what()).size() < 600);
    return error.what();
  }
}

// Puts `value` in the place of each member and element, one after the other.
template <class Use>
void each_changed(json& root, json& here, const json& value, Use use) {
  if (!here.is_structured()) return;
  for (auto& child : here) {
    const json kept = child;
    child = value;
    use(root.dump());
    child = kept;
    each_changed(root, child, value, use);
  }
}

}  // namespace

TEST_CASE("Every payload says what was pushed, and nothing else") {
  for (const auto& one : cases) {
    INFO(one.payload);
    const auto payload = test::webhook_payload(one.payload);
    const auto parsed = sender(one.sender)->parse({payload.headers, payload.body}, reading_of(one));
    CHECK(text_of(parsed) == one.events);
    CHECK((parsed.events.empty() && parsed.pushes.empty()) != parsed.note.empty());
  }
}

TEST_CASE("Every payload of the test data has its line in the table") {
  std::set<std::string> known;
  for (const auto& one : cases)
    known.insert(one.payload);
  for (const auto& name : test::webhook_payload_names())
    CHECK(known.contains(name));
}

TEST_CASE("A payload that ends too early is refused with a reason") {
  for (const auto& one : cases) {
    const auto payload = test::webhook_payload(one.payload);
    INFO(one.payload);
    const std::size_t step = payload.body.size() / 100 + 1;
    for (std::size_t size = 0; size < payload.body.size(); size += step)
      CHECK_FALSE(refusal(one, payload.headers, payload.body.substr(0, size)).empty());
  }
}

TEST_CASE("Values of wrong types are refused or ignored, never more") {
  for (const auto& one : cases) {
    const auto payload = test::webhook_payload(one.payload);
    if (payload.body.size() > 5000) continue;  // the same fields as the short one of that sender
    INFO(one.payload);
    auto root = json::parse(payload.body);
    for (const auto& value : {json(nullptr), json(-1.5), json(true), json(""), json::array(), json::object(),
                              json("\x1b[31m/../\u202e"), json::array({json::object()})})
      each_changed(root, root, value, [&](const std::string& body) { refusal(one, payload.headers, body); });
  }
}

TEST_CASE("Deep nesting and repeated keys are refused by every sender") {
  const std::string deep = std::string(100'000, '[');
  const std::string deep_objects = [] {
    std::string text;
    for (int i = 0; i < 20'000; ++i)
      text += "{\"a\":";
    return text;
  }();
  for (const auto& one : cases)
    for (const auto& body : {deep, deep_objects, std::string(R"({"a":1,"a":2})"), std::string("\xff\xfe{}")})
      CHECK_FALSE(refusal(one, {}, body).empty());
}

TEST_CASE("Only so many events are read of one delivery") {
  json events = json::array();
  for (int i = 0; i < 2000; ++i)
    events.push_back({{"action", "push"},
                      {"target", {{"repository", "r" + std::to_string(i)}, {"tag", "1"}}},
                      {"request", {{"host", "r.example.com"}}}});
  CHECK_THROWS_WITH(parse("distribution", json{{"events", events}}.dump()),
                    Catch::Contains("more than 1000"));
}

TEST_CASE("A digest never comes out of a payload") {
  for (const auto& one : cases) {
    const auto payload = test::webhook_payload(one.payload);
    const auto parsed = sender(one.sender)->parse({payload.headers, payload.body}, reading_of(one));
    CHECK(text_of(parsed).find("sha256") == std::string::npos);
  }
}

TEST_CASE("acr: the handshake of Event Grid is answered with its code") {
  const auto payload = test::webhook_payload("acr-eventgrid-subscriptionvalidation");
  const auto parsed = parse("acr", payload.body);
  CHECK(json::parse(parsed.reply) == json{{"validationResponse", "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}});
}

TEST_CASE("acr: Event Grid may send many events at once") {
  auto one = json::parse(test::webhook_payload("acr-eventgrid-imagepushed").body);
  auto two = one;
  two[0]["id"] = "second";
  two[0]["data"]["target"]["tag"] = "v2";
  two[0]["eventType"] = "ImagePushed";  // as some revisions of its documentation print it
  one.push_back(two[0]);
  const auto parsed = parse("acr", one.dump());
  CHECK(text_of(parsed) == "demo.azurecr.io/aci-helloworld=v1 demo.azurecr.io/aci-helloworld=v2");
  CHECK(parsed.id == "831e1650-001e-001b-66ab-eeb76e069631,second");
}

TEST_CASE("github: a tagged container package is found, under its name in lower case") {
  auto payload = json::parse(test::webhook_payload("github-package-published-untagged").body);
  auto& version = payload["package"]["package_version"];
  version["container_metadata"]["tag"]["name"] = "v1";
  const net::Headers headers{{"X-GitHub-Event", "package"}, {"X-GitHub-Delivery", "guid"}};
  const auto parsed = parse("github", payload.dump(), {}, headers);
  CHECK(text_of(parsed) == "ghcr.io/noahvdaa/repositoryname/frontend=v1");
  CHECK(parsed.id == "guid");
  version["package_url"] = "";
  CHECK(text_of(parse("github", payload.dump(), {}, headers)) ==
        "ghcr.io/noahvdaa/repositoryname/frontend=v1");
}

TEST_CASE("pushes to git name their repository and what was pushed") {
  const auto push = [](const std::string& name) {
    const auto payload = test::webhook_payload(name);
    return sender(name.substr(0, name.find('-')))->parse({payload.headers, payload.body}, {});
  };
  CHECK(push("github-push").pushes == std::vector<GitPush>{{.urls = {"https://github.com/octo-org/hello.git",
                                                                     "git@github.com:octo-org/hello.git",
                                                                     "https://github.com/octo-org/hello"},
                                                            .ref = "refs/heads/main",
                                                            .is_default = true}});
  CHECK(push("gitea-push").pushes.at(0).urls.front() == "https://git.example.com/team/hello.git");
  CHECK(push("gitlab-push").pushes ==
        std::vector<GitPush>{
            {.urls = {"https://gitlab.example.com/group/hello.git", "git@gitlab.example.com:group/hello.git",
                      "https://gitlab.example.com/group/hello"},
             .ref = "refs/heads/main",
             .is_default = true}});
  CHECK(push("gitlab-push").id == "f5e5f430-f57b-4e6e-9fac-d9128cd7232f");
  CHECK(push("github-push-deleted").pushes.empty());
  CHECK(push("github-push-deleted").note == "a branch or tag was deleted");
}

TEST_CASE("github: a payload may come as a form") {
  const net::Headers headers{{"X-GitHub-Event", "ping"},
                             {"Content-Type", "application/x-www-form-urlencoded"}};
  CHECK(parse("github", "payload=%7B%22zen%22%3A+%22a%22%7D", {}, headers).note ==
        "neither a package nor a push: ping");
  CHECK_THROWS_AS(parse("github", "other=1", {}, headers), Error);
}

TEST_CASE("gitea: tags are compared without case, because it writes them in lower case") {
  const auto payload = test::webhook_payload("gitea-package-created");
  CHECK(parse("gitea", payload.body, {}, payload.headers).events.at(0).any_case);
}

TEST_CASE("harbor: a push by tag is found in both payloads") {
  for (const std::string name : {"harbor-push_artifact", "harbor-push_artifact-cloudevents"}) {
    auto payload = json::parse(test::webhook_payload(name).body);
    auto& data = payload.contains("event_data") ? payload["event_data"] : payload["data"];
    data["resources"][0]["tag"] = "3.8";
    data["resources"][0]["resource_url"] = "harbor.example.com:8443/harbor/alpine:3.8";
    CHECK(text_of(parse("harbor", payload.dump())) == "harbor.example.com:8443/harbor/alpine=3.8");
  }
}

TEST_CASE("ecr: in China the registry has another domain") {
  auto payload = json::parse(test::webhook_payload("aws-ecr-image_action").body);
  payload["region"] = "cn-north-1";
  CHECK(text_of(parse("ecr", payload.dump())) ==
        "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/my-repository-name=latest");
  payload["detail"]["result"] = "FAILURE";
  CHECK(text_of(parse("ecr", payload.dump())).empty());
}

TEST_CASE("gar: a message without its wrapping is read as well") {
  const auto body = R"({"action":"INSERT","tag":"eu-docker.pkg.dev/p/r/i:1"})";
  CHECK(text_of(parse("gar", body)) == "eu-docker.pkg.dev/p/r/i=1");
}

TEST_CASE("cloudevents: binary mode has its attributes in headers") {
  const net::Headers headers{{"Ce-Id", "1"}, {"Ce-Source", "s"}, {"Ce-Subject", "team/app:2"}};
  const auto parsed = parse("cloudevents", "{}", {.registry = "r.example.com", .fields = {}}, headers);
  CHECK(text_of(parsed) == "r.example.com/team/app=2");
  CHECK(parsed.id == "s 1");
}

TEST_CASE("generic: lists of events, of tags and of images") {
  const auto body =
      R"({"n":"7","list":[{"image":{"name":"r.example.com/a","tags":["1","2"]}},{"image":{"name":["x","y:3"]}}]})";
  const Reading reading{
      .registry = {},
      .fields = {{"events", "/list"}, {"image", "/image/name"}, {"tag", "/image/tags"}, {"id", "/n"}}};
  const auto parsed = parse("generic", body, reading);
  CHECK(text_of(parsed) == "r.example.com/a=1 r.example.com/a=2 x=* y=3");
  CHECK(parsed.id == "7");
}

TEST_CASE("generic: an id may be a number") {
  const Reading reading{.registry = {}, .fields = {{"image", "/image"}, {"id", "/id"}}};
  CHECK(parse("generic", R"({"image": "docker.io/node:9", "id": 17})", reading).id == "17");
  CHECK(parse("generic", R"({"image": "docker.io/node:9", "id": "17"})", reading).id == "17");
}

TEST_CASE("zot: the beginning of its types is a setting of its own") {
  const Reading reading{.registry = "zot.example.com", .fields = {}};
  net::Headers headers;
  headers.add("Ce-Type", "com.example.registry.image.updated");
  const std::string body = R"({"name": "golang", "reference": "latest"})";
  CHECK(text_of(parse("zot", body, reading, headers)) == "zot.example.com/golang=latest");
}

TEST_CASE("github: an address without a path is no way to crash") {
  const Reading reading{.registry = "ghe.example.com", .fields = {}};
  net::Headers headers;
  headers.add("X-GitHub-Event", "package");
  const std::string body =
      R"({"action": "published", "package": {"package_type": "container", "namespace": "n", "name": "m",)"
      R"( "package_version": {"package_url": "nothing:1", "container_metadata": {"tag": {"name": "1"}}}}})";
  CHECK(text_of(parse("github", body, reading, headers)) == "nothing=1");
}

TEST_CASE("generic: lists that multiply to very many references are refused at once") {
  const Reading lists{.registry = {},
                      .fields = {{"events", "/e"}, {"repository", "/r"}, {"image", "/i"}, {"tag", "/t"}}};
  const auto event = [](std::size_t count, const char* name, const json& tags) -> json {
    return {{name, std::vector<std::string>(count, "a")}, {"t", tags}};
  };
  const auto deliver = [&](const std::vector<json>& events) {
    return parse("generic", json{{"e", events}}.dump(), lists);
  };
  const auto too_many = Catch::Contains("there are more than 10000 references in one delivery");
  const std::vector<std::string> tags(2000, "b");
  CHECK_THROWS_WITH(deliver({event(2000, "r", tags)}), too_many);
  CHECK_THROWS_WITH(deliver({event(2000, "i", tags)}), too_many);
  // What is left out later has its cost as well.
  CHECK_THROWS_WITH(deliver({event(2000, "r", std::vector<std::string>(2000, ""))}), too_many);
  CHECK_THROWS_WITH(deliver({event(4, "r", tags), event(2, "r", tags)}), too_many);
  CHECK_THROWS_WITH(deliver({event(1001, "r", nullptr)}), Catch::Contains("more than 1000 events"));
  CHECK_THROWS_WITH(deliver({json{{"r", std::string(5000, 'a')}}}),
                    Catch::Contains("fields.repository points to is too long"));
  const auto parsed = deliver({event(5, "r", tags)});
  REQUIRE(parsed.events.size() == 1);
  CHECK(parsed.events.front().tags.size() == 10'000);
}

TEST_CASE("generic: the registry may stand apart") {
  const auto body = R"({"host":"https://r.example.com:5000/","name":"team/app","tag":"1"})";
  Reading reading{.registry = {},
                  .fields = {{"registry", "/host"}, {"repository", "/name"}, {"tag", "/tag"}}};
  CHECK(text_of(parse("generic", body, reading)) == "r.example.com:5000/team/app=1");
  reading.registry = "other.example.com";
  CHECK(text_of(parse("generic", body, reading)) == "other.example.com/team/app=1");
}

TEST_CASE("A configured registry stands before what the payload says") {
  const auto payload = test::webhook_payload("jfrog-docker_pushed");
  const auto parsed =
      parse("artifactory", payload.body, {.registry = "example.jfrog.io/docker", .fields = {}});
  CHECK(parsed.events.at(0).repositories.at(0) == "example.jfrog.io/docker/library/ubuntu");
}

TEST_CASE("A JSON pointer names what RFC 6901 says") {
  const auto value = json::parse(R"({"foo":["bar","baz"],"":0,"a/b":1,"m~n":8,"n":null})");
  CHECK(*at_pointer(value, "/foo/1") == "baz");
  CHECK(*at_pointer(value, "/") == 0);
  CHECK(*at_pointer(value, "/a~1b") == 1);
  CHECK(*at_pointer(value, "/m~0n") == 8);
  CHECK(at_pointer(value, "") == &value);
  for (const char* nothing : {"/foo/2", "/foo/-", "/foo/x", "/n", "/n/x", "/x", "/foo/99999999999999999999"})
    CHECK(at_pointer(value, nothing) == nullptr);
  CHECK(is_pointer("/a/b"));
  CHECK_FALSE(is_pointer("a/b"));
  CHECK_FALSE(is_pointer("/a~2"));
}

TEST_CASE("Every sender has a fuzz target") {
  std::ifstream file(SLUICE_SOURCE_DIR "/tests/fuzz/watch.cpp");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  for (const auto& name : sender_names())
    CHECK_THAT(text, Catch::Contains("SLUICE_FUZZ_TARGET(watch_sender_" + name + ","));
}
