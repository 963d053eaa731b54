#include "registry/docker_config.hpp"

#include "core/error.hpp"
#include "core/random.hpp"
#include "net/http.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::registry;
using Catch::Contains;

namespace {

std::string pair(const std::string& text) {
  return net::base64_encode(text);
}

DockerConfig parsed(const std::string& text) {
  return parse_docker_config(text, "/home/me/config.json");
}

std::string refusal(const std::string& text) {
  try {
    const auto config = parsed(text);
    find_helper(config, "r.example");
    find_auth(config, "r.example", "a");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid);
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a login is user and password in base64, split at the first colon, without zeros behind it") {
  const auto find = [](const std::string& auth) {
    return find_auth(parsed(R"({"auths":{"r.example":{"auth":")" + auth + R"("}}})"), "r.example", "a/b");
  };
  CHECK(find(pair("me:pass:word")) == Credentials{"me", Secret("pass:word")});
  CHECK(find(pair(std::string("me:secret\0\0", 11))) == Credentials{"me", Secret("secret")});
  CHECK(find("") == std::nullopt);
}

TEST_CASE("a login may be given by name and password, identity token or registry token") {
  const auto config = parsed(R"({"auths":{
    "a.example": {"username": "me", "password": "secret"},
    "b.example": {"auth": ")" +
                             pair("00000000-0000-0000-0000-000000000000:") +
                             R"(", "identitytoken": "refresh"},
    "c.example": {"registrytoken": "bearer"},
    "d.example": {}}})");
  CHECK(find_auth(config, "a.example", "x") == Credentials{"me", Secret("secret")});
  CHECK(find_auth(config, "b.example", "x")->identity_token == Secret("refresh"));
  CHECK(find_auth(config, "b.example", "x")->has_basic());
  CHECK(find_auth(config, "c.example", "x")->registry_token == Secret("bearer"));
  CHECK_FALSE(find_auth(config, "c.example", "x")->has_basic());
  CHECK(find_auth(config, "d.example", "x") == std::nullopt);
  CHECK(find_auth(config, "e.example", "x") == std::nullopt);
}

TEST_CASE("every historic spelling of a registry is understood") {
  const std::vector<std::pair<std::string, std::string>> spellings{
      {"https://index.docker.io/v1/", "docker.io"},
      {"index.docker.io/v1/", "docker.io"},
      {"index.docker.io", "docker.io"},
      {"registry-1.docker.io", "docker.io"},
      {"docker.io", "docker.io"},
      {"docker.io/library/node", "docker.io/library/node"},
      {"r.example", "r.example"},
      {"R.Example:5000", "r.example:5000"},
      {"https://r.example/v2/", "r.example"},
      {"http://r.example:5000/v1", "r.example:5000"},
      {"https://r.example", "r.example"},
      {"r.example/", "r.example"},
      {"quay.io/team/app", "quay.io/team/app"},
      {"", ""},
      {"://", ""},
      {"/", ""},
  };
  for (const auto& [spelled, key] : spellings) {
    INFO(spelled);
    CHECK(registry_key(spelled) == key);
  }
}

TEST_CASE("the names of Docker Hub are one") {
  const auto config =
      parsed(R"({"auths":{"https://index.docker.io/v1/":{"auth":")" + pair("me:hub") + R"("}}})");
  for (const std::string name : {"docker.io", "index.docker.io", "registry-1.docker.io"})
    CHECK(find_auth(config, name, "library/node") == Credentials{"me", Secret("hub")});
}

TEST_CASE("the longest namespace wins, at whole names only") {
  const auto config = parsed(R"({"auths":{
    "quay.io": {"auth": ")" + pair("host:1") +
                             R"("},
    "quay.io/team": {"auth": ")" +
                             pair("team:1") + R"("},
    "quay.io/team/empty": {},
    "quay.io/team/app": {"auth": ")" +
                             pair("app:1") + R"("}}})");
  const auto user = [&](const std::string& path) { return find_auth(config, "quay.io", path)->username; };
  CHECK(user("team/app") == "app");
  CHECK(user("team/app/deep") == "app");
  CHECK(user("team/application") == "team");
  CHECK(user("team/empty") == "team");
  CHECK(user("teamwork/app") == "host");
  CHECK(user("") == "host");
  CHECK(find_auth(config, "quay.io.example", "team/app") == std::nullopt);
}

TEST_CASE("of two spellings with credentials the plain one counts") {
  const auto config = parsed(R"({"auths":{
    "https://r.example/v2/": {"auth": ")" +
                             pair("old:1") + R"("},
    "r.example": {"auth": ")" +
                             pair("new:1") + R"("},
    "https://r.example/v1/": {"auth": ")" +
                             pair("oldest:1") + R"("}}})");
  CHECK(find_auth(config, "r.example", "a")->username == "new");
}

TEST_CASE("a helper of the registry comes before the one for all") {
  const auto config = parsed(
      R"({"credsStore":"desktop","credHelpers":{"1.dkr.ecr.eu-west-1.amazonaws.com":"ecr-login","https://r.example":"pass"}})");
  CHECK(find_helper(config, "1.dkr.ecr.eu-west-1.amazonaws.com") == "ecr-login");
  CHECK(find_helper(config, "r.example") == "pass");
  CHECK(find_helper(config, "other.example") == "desktop");
  CHECK(find_helper(parsed("{}"), "r.example").empty());
  CHECK(helper_names_of("docker.io").front() == "https://index.docker.io/v1/");
  CHECK(helper_names_of("r.example:5000") == std::vector<std::string>{"r.example:5000"});
}

TEST_CASE("D11: a file that cannot be used is told by its name, never by its content") {
  const std::string nested(200'000, '[');
  for (const std::string& text : std::vector<std::string>{
           std::string("canary"), std::string("[\"canary\"]"), std::string(R"({"auths": "canary"})"),
           std::string(R"({"auths": {"r.example": "canary"}})"),
           std::string(R"({"auths": {"r.example": {"auth": "canary!"}}})"),
           R"({"auths": {"r.example": {"auth": ")" + pair("canary") + R"("}}})",
           std::string(R"({"auths": {"r.example": {"password": "canary"}},)"),
           std::string(R"({"credHelpers": []})"), std::string(R"({"credsStore": "../canary"})"), nested,
           std::string(R"({"HttpHeaders":333e333})"), std::string(max_docker_config + 1, ' ')}) {
    INFO(text.substr(0, 100));
    const auto what = refusal(text);
    CHECK_THAT(what, Contains("/home/me/config.json"));
    if (text.find("../canary") == std::string::npos) CHECK_THAT(what, !Contains("canary"));
  }
}

TEST_CASE("a broken entry of another registry is no obstacle") {
  const auto config =
      parsed(R"({"auths":{"bad.example":{"auth":"!"},"r.example":{"auth":")" + pair("a:b") + R"("}}})");
  CHECK(find_auth(config, "r.example", "a")->username == "a");
  CHECK(parsed("").auths.empty());
}

TEST_CASE("a login is added without touching what else the file holds") {
  const std::string before =
      R"({"zeta": [1, {"x": null}], "auths": {"other.example": {"auth": "b3RoZXI6MQ==", "email": "a@b"}, "https://r.example/v2/": {"auth": "b2xkOjE="}}, "HttpHeaders": {"A": "b"}})";
  const auto after = with_login(before, "f", "r.example", Credentials{"me", Secret("new")});
  const auto written = nlohmann::ordered_json::parse(after);
  CHECK(written.begin().key() == "zeta");
  CHECK(written["zeta"].dump() == R"([1,{"x":null}])");
  CHECK(written["HttpHeaders"]["A"] == "b");
  CHECK(written["auths"].size() == 2);
  CHECK(written["auths"]["other.example"]["email"] == "a@b");
  CHECK(written["auths"]["r.example"]["auth"] == pair("me:new"));
  CHECK(find_auth(parsed(after), "r.example", "x") == Credentials{"me", Secret("new")});

  const auto hub = with_login("", "f", "docker.io", Credentials{"me", Secret("new")});
  CHECK(nlohmann::json::parse(hub)["auths"].contains("https://index.docker.io/v1/"));
  const auto kept_elsewhere = nlohmann::json::parse(with_login("{}", "f", "r.example", std::nullopt));
  CHECK(kept_elsewhere["auths"]["r.example"] == nlohmann::json::object());
}

TEST_CASE("a logout takes every spelling of the registry, and nothing else") {
  const std::string before =
      R"({"auths": {"docker.io": {"auth": "YTox"}, "https://index.docker.io/v1/": {"auth": "YToy"}, "r.example": {"auth": "YToz"}}, "x": 1})";
  const auto after = without_login(before, "f", "docker.io");
  REQUIRE(after);
  const auto written = nlohmann::json::parse(*after);
  CHECK(written["auths"].size() == 1);
  CHECK(written["auths"].contains("r.example"));
  CHECK(written["x"] == 1);
  CHECK(without_login(before, "f", "nowhere.example") == std::nullopt);
  CHECK(without_login("", "f", "r.example") == std::nullopt);
}

TEST_CASE("property: a file that was damaged anywhere is read or refused, and never crashes") {
  const std::string whole =
      R"({"auths": {"https://index.docker.io/v1/": {"auth": "bWU6aHVi"}, "quay.io/team": )"
      R"({"identitytoken": "t", "username": "a"}, "r.example": {}}, "credHelpers": )"
      R"({"r.example": "pass"}, "credsStore": "desktop"})";
  const std::string pieces[] = {"{",    "}", "[",    "]",  "\"", "\\", ":",  ",",
                                "null", "7", "\xff", "\0", "/",  "=",  "://"};
  SeededRandom random(7);
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random.next() % limit); };
  for (int round = 0; round < 2000; ++round) {
    auto text = whole;
    for (auto damages = 1 + below(4); damages > 0; --damages) {
      if (below(2) == 0)
        text.erase(below(text.size()), 1 + below(12));
      else
        text.insert(below(text.size()), pieces[below(std::size(pieces))]);
    }
    try {
      const auto config = parsed(text);
      for (const std::string registry : {"docker.io", "quay.io", "r.example", ""}) {
        find_auth(config, registry, "team/app");
        find_helper(config, registry);
      }
      const auto changed = with_login(text, "f", "r.example", Credentials{"a", Secret("b")});
      CHECK(find_auth(parsed(changed), "r.example", "x"));
      without_login(changed, "f", "r.example");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::invalid);
    }
  }
}
