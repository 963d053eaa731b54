#include "scene.hpp"

#include "checks/check.hpp"
#include "support/run.hpp"
#include "triggers/trigger.hpp"

#include <cstdlib>
#include <stdexcept>

#include <boost/asio/experimental/awaitable_operators.hpp>

namespace sluice::test {
namespace {

class ScriptedCheck final : public checks::Check {
 public:
  explicit ScriptedCheck(std::shared_ptr<Script> script) : script_(std::move(script)) {}
  bool needs_logins() const override { return true; }
  Task<checks::Outcome> run(checks::Context context) const override {
    if (script_->check_waits) co_await script_->check_waits();
    const auto login = context.config->registry(context.image.repository.registry);
    script_->login_of_staging = login.username + ":" + std::string(login.password.reveal());
    const bool good = script_->good(context.image.digest.value());
    co_return checks::Outcome{.passed = good, .summary = good ? "good" : "exit code 1: broken"};
  }

 private:
  std::shared_ptr<Script> script_;
};

class ScriptedTrigger final : public triggers::Trigger {
 public:
  explicit ScriptedTrigger(std::shared_ptr<Script> script) : script_(std::move(script)) {}
  const triggers::GitSource* git_source() const override {
    return script_->source ? &*script_->source : nullptr;
  }
  bool is_free(const triggers::Rebuild&) const override { return script_->is_free(); }
  Task<std::string> send(triggers::Rebuild rebuild, triggers::Context context) const override {
    script_->keys.push_back(rebuild.idempotency_key);
    for (int i = 0; i < script_->chatter; ++i)
      context.log("line " + std::to_string(i));
    if (script_->build_waits) co_await script_->build_waits();
    if (script_->build)
      script_->build(rebuild.idempotency_key, rebuild.base.digest.value(), rebuild.image.text());
    co_return "accepted";
  }

 private:
  std::shared_ptr<Script> script_;
};

std::filesystem::path new_folder() {
  std::string name = std::filesystem::temp_directory_path() / "sluice-engine-XXXXXX";
  if (!mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
  return name;
}

}  // namespace

Scene::Scene() : folder(new_folder()) {
  store = store::Store::open({.path = folder / "sluice.db", .readers = 2, .new_instance = "instance"});
}

Scene::~Scene() {
  store.reset();
  std::filesystem::remove_all(folder);
}

std::shared_ptr<config::Config> Scene::configuration(bool with_dependent) {
  auto config = std::make_shared<config::Config>();
  config->drain = std::chrono::seconds(5);
  config->retry_first = Milliseconds(10);
  config->retry_most = Milliseconds(50);
  config::Pipeline node{
      .name = "node",
      .upstream = oci::Reference::parse(upstream + ":9"),
      .staging = oci::Repository::parse(staging),
      .checks = {{.kind = "scripted", .name = "starts", .part = std::make_shared<ScriptedCheck>(script)}},
      .target = oci::Repository::parse(target),
      .stable_tag = "9",
      .unique_tag = "9-{run}",
      .platform = oci::Platform::parse("linux/amd64"),
      .poll = {.every = Milliseconds(10)},
      .on_drift = config::OnDrift::hold,
      .at = {}};
  config->pipelines.push_back(node);
  if (with_dependent)
    config->dependents.push_back({.name = "hello",
                                  .image = oci::Reference::parse(hello + ":latest"),
                                  .from = {oci::Reference::parse(target + ":9")},
                                  .trigger_kind = "scripted",
                                  .trigger = std::make_shared<ScriptedTrigger>(script),
                                  .platform = oci::Platform::parse("linux/amd64"),
                                  .confirm_within = std::chrono::minutes(1),
                                  .at = {}});
  return config;
}

void Scene::play(std::shared_ptr<const config::Config> config, std::function<Task<>(engine::Engine&)> story) {
  using namespace boost::asio::experimental::awaitable_operators;
  run([&]() -> Task<> {
    engine::Engine engine({.clock = clock,
                           .random = random,
                           .workers = workers,
                           .launcher = launcher,
                           .http = registries,
                           .store = *store,
                           .surroundings = surroundings},
                          config);
    auto tell = [&]() -> Task<> {
      std::exception_ptr failure;
      try {
        co_await story(engine);
      } catch (...) {
        failure = std::current_exception();
      }
      // Whatever went wrong, the engine must end before its world does.
      engine.stop();
      if (failure) std::rethrow_exception(failure);
    };
    std::exception_ptr failure;
    try {
      co_await (tell() && engine.run());
    } catch (...) {
      failure = std::current_exception();
    }
    if (failure) std::rethrow_exception(failure);
  });
}

Task<> Scene::until(engine::Engine& engine, std::string what, std::function<bool(store::Tables&)> condition) {
  const auto deadline = clock.steady() + std::chrono::seconds(30);
  for (;;) {
    const auto seen = engine.changes();
    const bool holds = co_await store->read([&](store::Tables& tables) { return condition(tables); });
    if (holds) co_return;
    if (clock.steady() > deadline) throw std::runtime_error("waited in vain until " + what);
    co_await engine.wait_change(seen, Milliseconds(200));
  }
}

Task<store::Run> Scene::until_run(engine::Engine& engine, oci::Digest digest, std::string status) {
  return until_run_of(engine, "node", std::move(digest), std::move(status));
}

Task<store::Run> Scene::until_run_of(engine::Engine& engine, std::string pipeline, oci::Digest digest,
                                     std::string status) {
  std::optional<store::Run> run;
  co_await until(engine, "the run of " + pipeline + " for " + digest.text() + " is " + status,
                 [&](store::Tables& tables) {
                   run = tables.runs.latest_of(pipeline, digest);
                   return run && run->status == status;
                 });
  co_return *run;
}

Task<store::Run> Scene::until_retried(engine::Engine& engine, oci::Digest digest, int failures) {
  std::optional<store::Run> run;
  co_await until(engine, "the promotion of " + digest.text() + " is tried again", [&](store::Tables& tables) {
    run = tables.runs.latest_of("node", digest);
    if (!run || run->state != "promoting") return false;
    const auto jobs = tables.jobs.of_run(run->id);
    return !jobs.empty() && jobs[0].failures >= failures;
  });
  co_return *run;
}

}  // namespace sluice::test
