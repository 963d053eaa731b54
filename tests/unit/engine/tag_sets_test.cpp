// Sets of tags in a whole engine: what comes, what goes, what is shared.

#include "core/error.hpp"
#include "core/secret.hpp"
#include "engine/held.hpp"
#include "engine/hook_match.hpp"
#include "scene.hpp"
#include "support/run.hpp"
#include "watch/hook.hpp"

#include <algorithm>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

namespace {

struct Rules {
  oci::TagRules tags{.semver = "*"};
  std::size_t newest = 0;
  config::TagSet::Order by = config::TagSet::Order::version;
  std::size_t limit = 100;
  bool initial = true;
};

config::Pipeline set_of(Scene& scene, const Rules& rules) {
  auto set = scene.configuration()->pipelines.front();
  set.upstream.tag.reset();
  set.stable_tag = "{tag}";
  set.unique_tag = "{tag}-{run}";
  auto tags = std::make_shared<config::TagSet>();
  tags->filter = oci::TagFilter(rules.tags);
  tags->newest = rules.newest;
  tags->by = rules.by;
  tags->limit = rules.limit;
  tags->initial = rules.initial;
  set.tags = std::move(tags);
  set.referrers = false;  // the lists of tags that are counted here are those of the watch
  return set;
}

// The pipeline `node` is a set.
std::shared_ptr<config::Config> watching_set(Scene& scene, const Rules& rules = {}) {
  auto config = scene.configuration();
  config->pipelines.front() = set_of(scene, rules);
  return config;
}

std::size_t requests(const Scene& scene, const std::string& beginning) {
  const auto& all = scene.registries.requests;
  return static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(), [&](const std::string& line) { return line.starts_with(beginning); }));
}

const std::string list_request = "GET up.example/v2/library/node/tags/list";

std::optional<store::Run> newest_run(store::Tables& tables, const std::string& pipeline) {
  store::RunFilter filter;
  filter.pipeline = pipeline;
  filter.limit = 1;
  auto runs = tables.runs.list(filter);
  return runs.empty() ? std::nullopt : std::optional(runs.front());
}

Task<store::Run> until_ended(Scene& scene, engine::Engine& engine, std::string pipeline, std::string status) {
  std::optional<store::Run> run;
  co_await scene.until(engine, "the run of " + pipeline + " is " + status, [&](store::Tables& tables) {
    run = newest_run(tables, pipeline);
    return run && run->status == status;
  });
  co_return *run;
}

Task<> until_member(Scene& scene, engine::Engine& engine, std::string tag, std::string state) {
  co_await scene.until(engine, tag + " is " + state, [&](store::Tables& tables) {
    const auto member = tables.members.find("node", tag);
    return member && member->state == state;
  });
}

Task<Texts> actions(Scene& scene, std::string pipeline) {
  auto query = [pipeline](store::Tables& tables) {
    Texts found;
    for (const auto& entry : tables.audit.list(pipeline, 100))
      found.push_back(entry.action);
    return found;
  };
  co_return co_await scene.read(std::move(query));
}

Task<std::size_t> count_runs(Scene& scene) {
  auto query = [](store::Tables& tables) {
    store::RunFilter filter;
    filter.limit = 1000;
    return tables.runs.list(filter).size();
  };
  co_return co_await scene.read(std::move(query));
}

Task<std::string> why_refused(Task<> action) {
  std::string why;
  try {
    co_await std::move(action);
  } catch (const Error& error) {
    why = std::string(to_string(error.kind())) + ": " + error.what();
  }
  co_return why;
}

}  // namespace

TEST_CASE("each tag that a set takes is promoted under its own tags", "[engine]") {
  TwoImages scene("20.1");
  scene.registries.push(upstream, "20.2", scene.second);
  scene.registries.push(upstream, "latest", scene.second);
  scene.play(watching_set(scene), [&](engine::Engine& engine) -> Task<> {
    const auto first = co_await until_ended(scene, engine, "node:20.1", "Succeeded");
    const auto second = co_await until_ended(scene, engine, "node:20.2", "Succeeded");
    CHECK(first.task == "node:20.1");
    CHECK(first.source == upstream + ":20.1");
    CHECK(scene.registries.tag(target, "20.1") == scene.first.digest);
    CHECK(scene.registries.tag(target, "20.1-" + first.id.text()) == scene.first.digest);
    CHECK(scene.registries.tag(target, "20.2") == scene.second.digest);
    CHECK(scene.registries.tag(target, "20.2-" + second.id.text()) == scene.second.digest);
    CHECK_FALSE(scene.registries.tag(target, "latest"));
    CHECK(engine.sets().at("node").members == 2);
    CHECK(engine.sets().at("node").note.empty());
    const auto runs = co_await count_runs(scene);
    CHECK(runs == 2);
  });
}

TEST_CASE("a new tag starts a run, and the others none", "[engine]") {
  Scene scene;
  scene.registries.push(upstream, "20.1", picture({"one"}));
  const auto two = picture({"two"});
  scene.play(watching_set(scene), [&](engine::Engine& engine) -> Task<> {
    co_await until_ended(scene, engine, "node:20.1", "Succeeded");
    scene.registries.push(upstream, "20.2", two);
    const auto run = co_await until_ended(scene, engine, "node:20.2", "Succeeded");
    CHECK(run.digest == two.digest);
    CHECK(run.trigger == "Image Update");
    const auto runs = co_await count_runs(scene);
    CHECK(runs == 2);
  });
}

TEST_CASE("C7: a tag that is gone is recorded as withdrawn, nothing of ours is deleted, and it may come back",
          "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  scene.registries.push(upstream, "20.1", one);
  scene.registries.push(upstream, "20.2", picture({"two"}));
  scene.play(watching_set(scene), [&](engine::Engine& engine) -> Task<> {
    co_await until_ended(scene, engine, "node:20.1", "Succeeded");
    scene.registries.remove_tag(upstream, "20.1");
    co_await until_member(scene, engine, "20.1", "withdrawn");
    const auto told = co_await actions(scene, "node:20.1");
    CHECK(told == Texts{"withdrawn"});
    CHECK(scene.registries.tag(target, "20.1") == one.digest);
    co_await scene.until(engine, "it is not watched", [&](store::Tables&) {
      return !engine.watches().contains("node:20.1") && engine.watches().contains("node:20.2");
    });
    // What is withdrawn can still be spoken of.
    const bool held = co_await engine.hold("node:20.1", "keep", "ann");
    CHECK(held);
    scene.registries.push(upstream, "20.1", one);
    co_await until_member(scene, engine, "20.1", "watched");
    const auto later = co_await actions(scene, "node:20.1");
    CHECK(later == Texts{"returned", "hold", "withdrawn"});
    const auto runs = co_await count_runs(scene);
    CHECK(runs == 2);
  });
}

TEST_CASE("a restart watches the members that were known, before any list", "[engine]") {
  Scene scene;
  const auto two = picture({"two"});
  scene.registries.push(upstream, "20.1", picture({"one"}));
  const auto config = watching_set(scene);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await until_ended(scene, engine, "node:20.1", "Succeeded");
  });
  scene.registries.push(upstream, "20.1", two);
  scene.registries.fault = [](const net::Request& request) -> std::optional<MemoryRegistries::Fault> {
    if (request.url.target.find("/tags/list") == std::string::npos) return std::nullopt;
    return MemoryRegistries::Fault{.status = 400};
  };
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    const auto run = co_await scene.until_run_of(engine, "node:20.1", two.digest, "Succeeded");
    CHECK(run.task == "node:20.1");
  });
}

TEST_CASE("a set that begins with none brings in only what comes or changes later", "[engine]") {
  TwoImages scene("20.1");
  const auto three = picture({"three"});
  scene.registries.push(upstream, "20.2", scene.first);
  const auto config = watching_set(scene, {.initial = false});
  const auto all_seen = [](store::Tables& tables) {
    return tables.observations.latest("node:20.1") && tables.observations.latest("node:20.2");
  };
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until(engine, "both are seen", all_seen);
    scene.registries.push(upstream, "20.3", three);
    co_await until_ended(scene, engine, "node:20.3", "Succeeded");
    scene.registries.push(upstream, "20.1", scene.second);
    co_await until_ended(scene, engine, "node:20.1", "Succeeded");
    const auto runs = co_await count_runs(scene);
    CHECK(runs == 2);
    const auto history = co_await scene.read(
        [](store::Tables& tables) { return tables.observations.history("node:20.1", 10); });
    REQUIRE(history.size() == 2);
    CHECK(history[1].learned_by == "baseline");
    // Back at where it began is a change like any other.
    scene.registries.push(upstream, "20.1", scene.first);
    co_await scene.until(engine, "it is back", [&](store::Tables& tables) {
      const auto run = newest_run(tables, "node:20.1");
      return run && run->digest == scene.first.digest && run->status == "Succeeded";
    });
  });
  // The same after a restart: a tag that was there from the beginning is still no news.
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until(engine, "both are looked at", [&](store::Tables&) {
      const auto& watches = engine.watches();
      const auto found = watches.find("node:20.2");
      return found != watches.end() && found->second.last_look;
    });
    const auto runs = co_await count_runs(scene);
    CHECK(runs == 3);
  });
}

TEST_CASE("what comes to a set that began with none and had none is news", "[engine]") {
  TwoImages scene("18.0");
  const auto config = watching_set(scene, {.tags = {.semver = "^20"}, .initial = false});
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until(engine, "the list was gone through",
                         [](store::Tables& tables) { return tables.members.begun("node"); });
    scene.registries.push(upstream, "20.1", scene.second);
    co_await until_ended(scene, engine, "node:20.1", "Succeeded");
  });
}

TEST_CASE("more tags than the limit are told, and not watched", "[engine]") {
  Scene scene;
  for (int minor = 0; minor < 8; ++minor)
    scene.registries.push(upstream, "20." + std::to_string(minor), picture({"one"}));
  scene.play(watching_set(scene, {.limit = 3}), [&](engine::Engine& engine) -> Task<> {
    co_await until_ended(scene, engine, "node:20.7", "Succeeded");
    const auto members =
        co_await scene.read([](store::Tables& tables) { return tables.members.in_state("node", "watched"); });
    CHECK(members == Texts{"20.5", "20.6", "20.7"});
    const auto& status = engine.sets().at("node");
    CHECK(status.matched == 8);
    CHECK(status.note.find("8 tags match and only 3 are watched: raise 'limit'") == 0);
  });
}

TEST_CASE("the newest images are found by their time, and each is looked into once", "[engine]") {
  Scene scene;
  scene.registries.push(upstream, "a", picture({"a"}, "2026-01-03T00:00:00Z"));
  scene.registries.push(upstream, "b", picture({"b"}, "2026-01-05T00:00:00Z"));
  scene.registries.push(upstream, "c", picture({"c"}, "2026-01-04T00:00:00Z"));
  scene.registries.push(upstream, "d", picture({"d"}));
  const auto config =
      watching_set(scene, {.tags = {.globs = {"*"}}, .newest = 2, .by = config::TagSet::Order::created});
  const auto newest = [&](store::Tables& tables) { return tables.members.in_state("node", "watched"); };
  const auto config_blobs = [&] {
    return requests(scene, "GET up.example/v2/library/node/blobs/" +
                               oci::Digest::of(picture({"a"}, "2026-01-03T00:00:00Z").config).text());
  };
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await scene.until(engine, "the two newest are watched", [&](store::Tables& tables) {
      return newest(tables) == Texts{"b", "c"};
    });
    scene.registries.push(upstream, "a", picture({"a2"}, "2026-02-01T00:00:00Z"));
    co_await scene.until(engine, "a tag that moved to a newer image is among them",
                         [&](store::Tables& tables) {
                           return newest(tables) == Texts{"a", "b"};
                         });
    CHECK(config_blobs() == 1);
    const auto told = co_await actions(scene, "node:c");
    CHECK(told == Texts{"left"});
  });
  const auto before = config_blobs();
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    const auto lists = requests(scene, list_request);
    co_await scene.until(engine, "the list was looked at again",
                         [&](store::Tables&) { return requests(scene, list_request) > lists + 2; });
  });
  CHECK(config_blobs() == before);
}

TEST_CASE("pipelines that want the same answer share one look", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  scene.registries.push(upstream, "9", one);
  auto config = scene.configuration();
  config->pipelines.front().poll.every = 1h;
  config->pipelines.front().referrers = false;
  auto second = config->pipelines.front();
  second.name = "other";
  second.target = oci::Repository::parse("central.example/other/node");
  auto set = set_of(scene, {});
  set.name = "set";
  set.poll.every = 1h;
  set.target = oci::Repository::parse("central.example/set/node");
  auto other_set = set;
  other_set.name = "other-set";
  other_set.target = oci::Repository::parse("central.example/other-set/node");
  config->pipelines = {config->pipelines.front(), second, set, other_set};
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    for (const std::string name : {"node", "other", "set:9", "other-set:9"})
      co_await until_ended(scene, engine, name, "Succeeded");
    CHECK(requests(scene, list_request) == 1);
    // The tag was looked at for the two pipelines, and again when the sets, which came to know of it, joined.
    const auto looks = requests(scene, "HEAD up.example/v2/library/node/manifests/9");
    CHECK(looks >= 1);
    CHECK(looks <= 2);
  });
}

namespace {

Task<int> waiting_behind(Scene& scene, std::string name) {
  auto query = [name](store::Tables& tables) {
    return engine::held(tables, tables.holds.in_force(name).value(), name).images_waiting;
  };
  co_return co_await scene.read(std::move(query));
}

}  // namespace

TEST_CASE("a hold of a set holds all its tags, and one of a tag only that", "[engine]") {
  TwoImages scene("20.1");
  scene.registries.push(upstream, "20.2", scene.first);
  scene.play(watching_set(scene), [&](engine::Engine& engine) -> Task<> {
    co_await until_ended(scene, engine, "node:20.1", "Succeeded");
    co_await until_ended(scene, engine, "node:20.2", "Succeeded");
    const bool changed = co_await engine.hold("node", "freeze", "ann");
    CHECK(changed);
    scene.registries.push(upstream, "20.1", scene.second);
    scene.registries.push(upstream, "20.2", scene.second);
    const auto waiting = co_await until_ended(scene, engine, "node:20.1", "Waiting");
    CHECK(waiting.waiting_for.find("freeze") != std::string::npos);
    co_await until_ended(scene, engine, "node:20.2", "Waiting");
    const auto both = co_await waiting_behind(scene, "node");
    CHECK(both == 2);
    const auto one_of_them = co_await waiting_behind(scene, "node:20.1");
    CHECK(one_of_them == 1);
    auto alone = [](engine::Engine& all) -> Task<> { co_await all.resume("node:20.1", "ann"); };
    const auto why = co_await why_refused(alone(engine));
    CHECK(why == "conflict: node:20.1 is held with its whole set: resume node");
    co_await engine.hold("node:20.2", "this one stays", "ann");
    const auto without_it = co_await waiting_behind(scene, "node");
    CHECK(without_it == 1);
    co_await engine.resume("node", "ann");
    co_await until_ended(scene, engine, "node:20.1", "Succeeded");
    co_await scene.until(engine, "the other one waits for its own hold", [&](store::Tables& tables) {
      const auto run = newest_run(tables, "node:20.2");
      return run && run->status == "Waiting" && run->waiting_for.find("this one stays") != std::string::npos;
    });
    CHECK(scene.registries.tag(target, "20.2") == scene.first.digest);
    co_await engine.resume("node:20.2", "ann");
    co_await until_ended(scene, engine, "node:20.2", "Succeeded");
  });
}

TEST_CASE("a run and a rollback are of one tag", "[engine]") {
  TwoImages scene("20.1");
  scene.play(watching_set(scene), [&](engine::Engine& engine) -> Task<> {
    co_await until_ended(scene, engine, "node:20.1", "Succeeded");
    scene.registries.push(upstream, "20.1", scene.second);
    co_await scene.until(engine, "the second one is there", [&](store::Tables&) {
      return scene.registries.tag(target, "20.1") == scene.second.digest;
    });
    co_await until_ended(scene, engine, "node:20.1", "Succeeded");
    const auto back = co_await engine.rollback("node:20.1", "", "ann");
    CHECK(back.digest == scene.first.digest);
    co_await scene.until(engine, "the first one is back", [&](store::Tables&) {
      return scene.registries.tag(target, "20.1") == scene.first.digest;
    });
    auto run = [](engine::Engine& all, std::string name) -> Task<> { co_await all.start_run(name, "ann"); };
    const auto of_set = co_await why_refused(run(engine, "node"));
    CHECK(of_set.find("invalid: node is a set of tags: name one of them, for instance node:TAG") == 0);
    const auto of_stranger = co_await why_refused(run(engine, "node:99"));
    CHECK(of_stranger.find("not_found: no pipeline is called 'node:99'") == 0);
    const auto manual = co_await engine.start_run("node:20.1", "ann");
    const auto row =
        co_await scene.read([&](store::Tables& tables) { return tables.runs.find(manual).value(); });
    CHECK(row.digest == scene.second.digest);
  });
}

TEST_CASE("looks at what did not change write nothing, and the last one is kept at the end", "[engine]") {
  Scene scene;
  scene.registries.push(upstream, "20.1", picture({"one"}));
  std::optional<Time> in_memory;
  scene.play(watching_set(scene), [&](engine::Engine& engine) -> Task<> {
    co_await until_ended(scene, engine, "node:20.1", "Succeeded");
    // Until the run's last job is written off.
    co_await scene.until(engine, "all is quiet",
                         [](store::Tables& tables) { return tables.jobs.count() == 0; });
    const std::string head = "HEAD up.example/v2/library/node/manifests/20.1";
    const auto settled = requests(scene, head) + 3;
    co_await scene.until(engine, "it is looked at",
                         [&](store::Tables&) { return requests(scene, head) > settled; });
    const auto commits = scene.store->commits();
    const auto looks = requests(scene, head);
    co_await scene.until(engine, "it is looked at often",
                         [&](store::Tables&) { return requests(scene, head) > looks + 20; });
    CHECK(scene.store->commits() == commits);
    in_memory = engine.watches().at("node:20.1").last_look;
  });
  run([&]() -> Task<> {
    const auto latest =
        co_await scene.read([](store::Tables& tables) { return tables.observations.latest("node:20.1"); });
    REQUIRE(latest);
    REQUIRE(in_memory);
    CHECK(latest->last_seen >= *in_memory);
  });
}

TEST_CASE("C7: a pipeline whose tag is gone says so once, also after a restart", "[engine]") {
  Scene scene;
  scene.registries.push(upstream, "9", picture({"one"}));
  const auto failing = [](engine::Engine& engine) {
    const auto found = engine.watches().find("node");
    return found != engine.watches().end() && !found->second.error.empty();
  };
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await until_ended(scene, engine, "node", "Succeeded");
    scene.registries.remove_tag(upstream, "9");
    co_await scene.until(engine, "it is missed", [&](store::Tables&) { return failing(engine); });
  });
  scene.play(scene.configuration(), [&](engine::Engine& engine) -> Task<> {
    co_await scene.until(engine, "it is missed again", [&](store::Tables&) { return failing(engine); });
    const auto told = co_await actions(scene, "node");
    CHECK(told == Texts{"withdrawn"});
  });
}

TEST_CASE("C7: a repository that is gone is told at its set once, and its tags stay known", "[engine]") {
  Scene scene;
  scene.registries.push(upstream, "20.1", picture({"one"}));
  const auto config = watching_set(scene);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await until_ended(scene, engine, "node:20.1", "Succeeded");
    scene.registries.fault = [](const net::Request& request) -> std::optional<MemoryRegistries::Fault> {
      if (request.url.host != "up.example") return std::nullopt;
      return MemoryRegistries::Fault{.status = 404};
    };
    const auto lists = requests(scene, list_request);
    co_await scene.until(engine, "list and tag are missed", [&](store::Tables&) {
      return requests(scene, list_request) > lists + 2 && !engine.watches().at("node").error.empty() &&
             !engine.watches().at("node:20.1").error.empty();
    });
    const auto told = co_await actions(scene, "node");
    CHECK(told == Texts{"withdrawn"});
    co_await until_member(scene, engine, "20.1", "watched");
    scene.registries.fault = nullptr;
    co_await scene.until(engine, "both are back", [&](store::Tables&) {
      return engine.watches().at("node").error.empty() && engine.watches().at("node:20.1").error.empty();
    });
  });
}

TEST_CASE("F4: of two sets that would promote to one tag the first one does, and the other says so",
          "[engine]") {
  Scene scene;
  scene.registries.push(upstream, "20.1", picture({"one"}));
  scene.registries.push(upstream, "20.2", picture({"two"}));
  auto config = watching_set(scene, {.tags = {.globs = {"20.1*"}}});
  auto second = set_of(scene, {.tags = {.globs = {"20*"}}});
  second.name = "second";
  config->pipelines.push_back(second);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await until_ended(scene, engine, "node:20.1", "Succeeded");
    co_await until_ended(scene, engine, "second:20.2", "Succeeded");
    CHECK_FALSE(engine.watches().contains("second:20.1"));
    CHECK(engine.sets().at("second").note.find(
              "another pipeline promotes to the same tag: 1 tags, for instance 20.1") != std::string::npos);
  });
}

TEST_CASE("F2: a set that takes other tags after a reload lets the old ones go", "[engine]") {
  Scene scene;
  scene.registries.push(upstream, "20.1", picture({"one"}));
  scene.registries.push(upstream, "22.1", picture({"two"}));
  auto config = watching_set(scene, {.tags = {.semver = "^20"}});
  config->pipelines.front().poll.every = 1h;
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await until_ended(scene, engine, "node:20.1", "Succeeded");
    auto other = watching_set(scene, {.tags = {.semver = "^22"}});
    other->pipelines.front().poll.every = 1h;
    co_await engine.reload(other);
    co_await until_ended(scene, engine, "node:22.1", "Succeeded");
    co_await until_member(scene, engine, "20.1", "left");
    auto none = scene.configuration();
    none->pipelines.clear();
    co_await engine.reload(none);
    CHECK(engine.watches().empty());
    CHECK(engine.sets().empty());
  });
}

namespace {

Task<std::string> tell(engine::Engine& engine, std::string image, std::string id) {
  net::ServerRequest request;
  request.method = "POST";
  request.path = request.target = "/hooks/own";
  request.peer = "192.0.2.1";
  request.headers.add("Authorization", "Bearer fixture-secret");
  request.body = nlohmann::json{{"image", image}, {"id", id}}.dump();
  const auto handler = engine.webhook_handler();
  const auto answer = co_await handler(std::move(request));
  co_return nlohmann::json::parse(answer.body).at("result").get<std::string>();
}

}  // namespace

TEST_CASE("a push concerns the tags that a set would take; one of an unknown tag concerns all of them",
          "[engine]") {
  Scene scene;
  const auto config = watching_set(scene, {.tags = {.semver = "^20"}});
  const engine::HookIndex index(*config);
  const auto match = [&](watch::Event event) {
    event.repositories = {upstream};
    watch::Parsed parsed;
    parsed.events.push_back(std::move(event));
    return index.match(parsed);
  };
  const std::set<std::string> two{"node:20.1", "node:20.2"};
  CHECK(match({.repositories = {}, .tags = {"20.1", "18.0", "20.2", "x y"}}).pipelines == two);
  CHECK(match({.repositories = {}, .tags = {"18.0"}}).pipelines.empty());
  CHECK(match({.repositories = {}, .tags = {"18.0"}}).unknown.empty());
  const std::set<std::string> whole{"node"};
  CHECK(match({.repositories = {}, .tags = {}, .every_tag = true}).pipelines == whole);
  CHECK(match({.repositories = {}, .tags = {}, .every_tag = true}).members.at("node").have("20.7"));
  // The tag is told in lower case.
  const auto cased = match({.repositories = {}, .tags = {"20.1-rc1"}, .any_case = true});
  CHECK(cased.pipelines == whole);
  CHECK(cased.members.at("node").have("20.1-RC1"));
  CHECK_FALSE(cased.members.at("node").have("20.1"));
}

namespace {

// A set that only webhooks have looked at, by one called "own".
std::shared_ptr<config::Config> told_set(Scene& scene) {
  auto config = watching_set(scene, {.tags = {.semver = "^20"}});
  config->pipelines.front().poll.every = 1h;
  auto hook = std::make_shared<watch::Hook>();
  hook->sender = watch::sender("generic");
  hook->bearer = Secret("fixture-secret");
  hook->reading.fields = {{"image", "/image"}, {"id", "/id"}};
  config->webhooks.push_back({.name = "own", .part = hook, .at = {}});
  return config;
}

}  // namespace

TEST_CASE("of a burst of pushes that tell no tag, each has the members of a set looked at", "[engine]") {
  Scene scene;
  for (const auto* tag : {"20.1", "20.2"})
    scene.registries.push(upstream, tag, picture({"one"}));
  const std::vector<Picture> pushed{picture({"two"}), picture({"three"}), picture({"four"})};
  scene.play(told_set(scene), [&](engine::Engine& engine) -> Task<> {
    for (const auto* tag : {"20.1", "20.2"})
      co_await until_ended(scene, engine, std::string("node:") + tag, "Succeeded");
    int number = 0;
    for (const auto& image : pushed) {
      scene.registries.push(upstream, "20.1", image);
      co_await tell(engine, upstream, std::to_string(++number));
      const auto run = co_await scene.until_run_of(engine, "node:20.1", image.digest, "Succeeded");
      CHECK(run.trigger == "Webhook");
    }
  });
}

TEST_CASE("a webhook has the tag of a set looked at, and the list for a tag that is new", "[engine]") {
  Scene scene;
  const auto two = picture({"two"});
  const auto three = picture({"three"});
  scene.registries.push(upstream, "20.1", picture({"one"}));
  const auto config = told_set(scene);
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    co_await until_ended(scene, engine, "node:20.1", "Succeeded");
    scene.registries.push(upstream, "20.1", two);
    const auto known = co_await tell(engine, upstream + ":20.1", "1");
    CHECK(known == "accepted");
    const auto moved = co_await scene.until_run_of(engine, "node:20.1", two.digest, "Succeeded");
    CHECK(moved.trigger == "Webhook");
    CHECK(requests(scene, list_request) == 1);
    scene.registries.push(upstream, "20.2", three);
    const auto fresh = co_await tell(engine, upstream + ":20.2", "2");
    CHECK(fresh == "accepted");
    const auto added = co_await scene.until_run_of(engine, "node:20.2", three.digest, "Succeeded");
    CHECK(added.trigger == "Webhook");
    CHECK(requests(scene, list_request) == 2);
    const auto stranger = co_await tell(engine, upstream + ":18.1", "3");
    CHECK(stranger == "ignored");
    co_await scene.until(engine, "no look is owed",
                         [](store::Tables& tables) { return tables.webhooks.owed().empty(); });
  });
}

TEST_CASE("a run whose staging no repository can be called is told so and not tried again", "[engine]") {
  Scene scene;
  const auto one = picture({"one"});
  scene.registries.push(upstream, "9", one);
  auto config = scene.configuration();
  config->pipelines.front().staging.path = "staging/9-Alpine";
  scene.play(config, [&](engine::Engine& engine) -> Task<> {
    const auto run = co_await scene.until_run(engine, one.digest, "Failed");
    CHECK(run.outcome.find("names of repositories are in lower case") != std::string::npos);
  });
}
