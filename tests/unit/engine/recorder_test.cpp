// What is observed becomes history and runs: by transaction, without any loop.

#include "engine/recorder.hpp"

#include "engine/transition.hpp"
#include "scene.hpp"
#include "support/run.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;
using engine::record;

namespace {

constexpr Time start{std::chrono::seconds(1'800'000'000)};
constexpr Milliseconds again{60'000};

registry::Resolved names(const std::string& content) {
  return {.digest = oci::Digest::of(content), .media_type = "application/json", .size = 1};
}

struct Desk {
  Scene scene;
  config::Pipeline pipeline = scene.configuration()->pipelines[0];
  Time now = start;

  template <class F>
  auto transact(F work) {
    std::optional<std::invoke_result_t<F, store::Tables&>> result;
    run([&]() -> Task<> {
      result = co_await scene.store->write([&](store::Tables& tables) { return work(tables); });
    });
    return std::move(*result);
  }
  engine::Recorded see(const std::string& content) {
    now += std::chrono::seconds(1);
    return transact([&](store::Tables& tables) {
      return record(tables, pipeline, names(content), "poll", std::nullopt, now, again);
    });
  }
  void end(RunId id, const pipeline::Event& event) {
    CHECK(transact([&](store::Tables& tables) { return engine::apply(tables, id, event, now); }));
  }
  /// A run of this digest that has begun to promote.
  RunId promoting(const std::string& content) {
    const auto id = see(content).run.value();
    end(id, pipeline::event::Staged{""});
    end(id, pipeline::event::CheckPassed{0});
    return id;
  }
  void promote(RunId id) {
    transact([&](store::Tables& tables) {
      const auto run = tables.runs.find(id).value();
      tables.promotions.insert({.id = 0,
                                .run = id,
                                .pipeline = run.pipeline,
                                .target = target,
                                .stable_tag = "9",
                                .unique_tag = "9-" + id.text(),
                                .digest = run.digest.value(),
                                .replaced = {},
                                .trigger = run.trigger,
                                .at = now});
      return engine::apply(tables, id, pipeline::event::Promoted{}, now);
    });
  }
  std::string state(RunId id) {
    return transact([&](store::Tables& tables) { return tables.runs.find(id)->state; });
  }
};

}  // namespace

TEST_CASE("the first look at a tag is an observation and a run", "[recorder]") {
  Desk desk;
  const auto seen = desk.see("a");
  CHECK(seen.changed);
  REQUIRE(seen.run);
  CHECK(desk.state(*seen.run) == "staging");
  const auto jobs = desk.transact([&](store::Tables& tables) { return tables.jobs.of_run(*seen.run); });
  REQUIRE(jobs.size() == 1);
  CHECK(jobs[0].kind == "stage");
}

TEST_CASE("an unchanged digest moves last_seen and starts nothing", "[recorder]") {
  Desk desk;
  const auto first = desk.see("a");
  const auto second = desk.see("a");
  CHECK_FALSE(second.changed);
  CHECK_FALSE(second.run);
  CHECK_FALSE(second.settled);
  CHECK(second.observation == first.observation);
  const auto row =
      desk.transact([&](store::Tables& tables) { return tables.observations.latest("node").value(); });
  CHECK(row.first_seen < row.last_seen);
}

TEST_CASE("a newer digest supersedes a run that did not begin to promote", "[recorder]") {
  Desk desk;
  const auto first = desk.see("a");
  const auto second = desk.see("b");
  REQUIRE(second.run);
  CHECK(desk.state(*first.run) == "superseded");
  CHECK(desk.state(*second.run) == "staging");
}

TEST_CASE("C8: a tag that flaps back has a row for each time, and what was on its way is superseded",
          "[recorder]") {
  Desk desk;
  const auto a = desk.see("a");
  const auto b = desk.see("b");
  const auto a_again = desk.see("a");
  REQUIRE(a_again.run);
  CHECK(desk.state(*a.run) == "superseded");
  CHECK(desk.state(*b.run) == "superseded");
  const auto history =
      desk.transact([&](store::Tables& tables) { return tables.observations.history("node", 10); });
  CHECK(history.size() == 3);
}

TEST_CASE("a rejected digest stays rejected", "[recorder]") {
  Desk desk;
  const auto seen = desk.see("a");
  desk.end(*seen.run, pipeline::event::Staged{""});
  desk.end(*seen.run, pipeline::event::CheckFailed{0, "starts", "broken"});
  const auto later = desk.see("a");
  CHECK_FALSE(later.run);
  CHECK(later.settled);
}

TEST_CASE("a failed digest is tried again once the pause is over, not before", "[recorder]") {
  Desk desk;
  const auto seen = desk.see("a");
  desk.end(*seen.run, pipeline::event::JobFailed{ErrorKind::unavailable, "registry down"});
  const auto soon = desk.see("a");
  CHECK_FALSE(soon.run);
  CHECK_FALSE(soon.settled);
  desk.now += again;
  CHECK(desk.see("a").run);
}

TEST_CASE("the pause doubles with each failure of a digest in a row, to four hours at most", "[recorder]") {
  Desk desk;
  auto pause = again;
  for (int i = 0; i < 20; ++i) {
    const auto seen = desk.see("a");
    REQUIRE(seen.run);
    desk.end(*seen.run, pipeline::event::JobFailed{ErrorKind::denied, "403"});
    desk.now += std::min<Milliseconds>(pause, std::chrono::hours(4)) - std::chrono::seconds(2);
    CHECK_FALSE(desk.see("a").run);
    pause *= 2;
  }
  CHECK(desk.see("b").run);
  CHECK(desk.see("a").run);
}

TEST_CASE("A6: a failed digest is tried again although the clock was set back to before it failed",
          "[recorder]") {
  Desk desk;
  const auto seen = desk.see("a");
  desk.end(*seen.run, pipeline::event::JobFailed{ErrorKind::unavailable, "registry down"});
  desk.now -= std::chrono::hours(5);
  CHECK(desk.see("a").run);
}

TEST_CASE("a digest whose run was cancelled is left alone until the tag moves", "[recorder]") {
  Desk desk;
  const auto seen = desk.see("a");
  desk.end(*seen.run, pipeline::event::Cancelled{"by ann"});
  const auto later = desk.see("a");
  CHECK_FALSE(later.run);
  CHECK(later.settled);
}

TEST_CASE("A4: nothing is promoted before the registry was written", "[recorder]") {
  Desk desk;
  const auto seen = desk.see("a");
  desk.end(*seen.run, pipeline::event::Staged{""});
  desk.end(*seen.run, pipeline::event::CheckPassed{0});
  CHECK(desk.state(*seen.run) == "promoting");
  const auto promotion =
      desk.transact([&](store::Tables& tables) { return tables.promotions.latest(target, "9"); });
  CHECK_FALSE(promotion);
}

namespace {

// A promoted run whose rebuilds are planned: `golden` on the target, and as many images on golden's.
struct GoldenImage : Desk {
  explicit GoldenImage(int images) {
    promotion = *see("a").run;
    end(promotion, pipeline::event::Staged{""});
    end(promotion, pipeline::event::CheckPassed{0});
    end(promotion, pipeline::event::Promoted{});
    transact([&](store::Tables& tables) {
      golden = owe(tables, "golden", 0, target + ":9");
      for (int i = 0; i < images; ++i)
        owe(tables, "app-" + std::to_string(i), 1, image_of("golden"));
      return engine::apply(tables, promotion, pipeline::event::Planned{images + 1}, now);
    });
    transact([&](store::Tables& tables) {
      engine::release_wave(tables, promotion, now);
      return true;
    });
  }
  static std::string image_of(const std::string& dependent) {
    return "dev.example/team/" + dependent + ":latest";
  }
  RunId owe(store::Tables& tables, const std::string& dependent, int wave, const std::string& base) const {
    store::Run run;
    run.kind = engine::kind_rebuild;
    run.task = dependent;
    run.pipeline = "node";
    run.state = "planned";
    run.status = "Queued";
    run.parent = promotion;
    run.created = now;
    store::Rebuild rebuild;
    rebuild.run = tables.runs.insert(run);
    rebuild.promotion_run = promotion;
    rebuild.dependent = dependent;
    rebuild.image = image_of(dependent);
    rebuild.wave = wave;
    rebuild.state = run.state;
    rebuild.base = base;
    tables.rebuilds.insert(rebuild);
    return rebuild.run;
  }

  RunId promotion{}, golden{};
};

}  // namespace

TEST_CASE("when a base fails, any number of images on it end with it in one transaction", "[recorder]") {
  constexpr int images = 5000;
  GoldenImage scene(images);
  CHECK(scene.state(scene.golden) == "dispatching");
  scene.transact([&](store::Tables& tables) {
    return engine::apply(tables, scene.golden, pipeline::rebuild_event::Failed{"broken"}, scene.now);
  });
  const auto all =
      scene.transact([&](store::Tables& tables) { return tables.rebuilds.of_promotion(scene.promotion); });
  CHECK(all.size() == images + 1);
  CHECK(std::all_of(all.begin(), all.end(), [](const auto& rebuild) { return rebuild.state == "failed"; }));
  const auto run =
      scene.transact([&](store::Tables& tables) { return tables.runs.find(scene.promotion).value(); });
  CHECK(run.outcome == "5001 of 5001 dependents were not rebuilt");
}

TEST_CASE("images whose base is superseded are superseded with it, and nothing failed", "[recorder]") {
  GoldenImage scene(2);
  scene.transact([&](store::Tables& tables) {
    return engine::apply(tables, scene.golden, pipeline::rebuild_event::Superseded{RunId(99)}, scene.now);
  });
  const auto all =
      scene.transact([&](store::Tables& tables) { return tables.rebuilds.of_promotion(scene.promotion); });
  CHECK(all.size() == 3);
  CHECK(
      std::all_of(all.begin(), all.end(), [](const auto& rebuild) { return rebuild.state == "superseded"; }));
  CHECK(scene.state(scene.promotion) == "succeeded");
}

TEST_CASE("C8: a tag that moves back while the first promotion still rebuilds is promoted again",
          "[recorder]") {
  Desk desk;
  const auto first = desk.promoting("a");
  desk.promote(first);
  desk.end(first, pipeline::event::Planned{1});
  desk.promote(desk.promoting("b"));
  const auto back = desk.see("a");
  desk.end(first, pipeline::event::RebuildsEnded{1, 0});
  const auto later = desk.see("a");
  REQUIRE((back.run || later.run));
  CHECK(desk.state(back.run ? *back.run : *later.run) == "staging");
  CHECK_FALSE(desk.see("a").run);
}

TEST_CASE("C8: a tag that moves back while the newer digest is being promoted is promoted again",
          "[recorder]") {
  Desk desk;
  const auto first = desk.promoting("a");
  desk.promote(first);
  desk.end(first, pipeline::event::Planned{0});
  const auto second = desk.promoting("b");
  const auto back = desk.see("a");
  CHECK_FALSE(back.run);
  CHECK_FALSE(back.settled);
  desk.promote(second);
  CHECK(desk.see("a").run);
}

TEST_CASE("what a rollback took off the stable tag stays off until the tag moves", "[recorder]") {
  Desk desk;
  const auto first = desk.promoting("a");
  desk.promote(first);
  desk.promote(desk.promoting("b"));
  const auto digest = names("a").digest;
  desk.promote(desk.transact([&](store::Tables& tables) {
    return engine::start_promotion(tables, desk.pipeline, digest, pipeline::Trigger::rollback, desk.now);
  }));
  const auto later = desk.see("b");
  CHECK_FALSE(later.run);
  CHECK(later.settled);
  CHECK(desk.see("c").run);
}

TEST_CASE("what a rollback took off stays off although its rebuilds failed", "[recorder]") {
  Desk desk;
  desk.promote(desk.promoting("a"));
  const auto second = desk.promoting("b");
  desk.promote(second);
  desk.end(second, pipeline::event::Planned{1});
  desk.end(second, pipeline::event::RebuildsEnded{0, 1});
  desk.promote(desk.transact([&](store::Tables& tables) {
    return engine::start_promotion(tables, desk.pipeline, names("a").digest, pipeline::Trigger::rollback,
                                   desk.now);
  }));
  desk.now += again;
  const auto later = desk.see("b");
  CHECK_FALSE(later.run);
  CHECK(later.settled);
}
