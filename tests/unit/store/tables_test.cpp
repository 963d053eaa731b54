// Each group of tables keeps and finds what it promises.
#include "support.hpp"

#include <catch2/catch.hpp>

namespace sluice::store {
namespace {

using namespace test;

struct Fixture {
  TemporaryDirectory directory;
  std::unique_ptr<Store> store = open_store(directory.database());

  /// Runs `work` in one transaction; assertions inside are on the writer thread while this one waits.
  template <class F>
  auto with_tables(F work) {
    return write(*store, std::move(work));
  }
};

std::vector<std::int64_t> numbers(const std::vector<Run>& runs) {
  std::vector<std::int64_t> result;
  for (const auto& run : runs)
    result.push_back(run.id.number());
  return result;
}

TEST_CASE_METHOD(Fixture, "A tag that goes A, B, A has three observations, newest first") {
  const auto history = with_tables([](Tables& tables) {
    tables.observations.append(observation("node", "A", at(10)));
    tables.observations.append(observation("node", "B", at(20)));
    tables.observations.append(observation("other", "X", at(25)));
    tables.observations.append(observation("node", "A", at(30)));
    return tables.observations.history("node", 10);
  });
  REQUIRE(history.size() == 3);
  CHECK(history[0].digest == digest("A"));
  CHECK(history[1].digest == digest("B"));
  CHECK(history[2].first_seen == at(10));
}

TEST_CASE_METHOD(Fixture, "What the tag named at a time is the newest observation up to then") {
  with_tables([](Tables& tables) {
    tables.observations.append(observation("node", "A", at(10)));
    tables.observations.append(observation("node", "B", at(20)));
  });
  const auto named = [this](Time time) {
    return with_tables([time](Tables& tables) { return tables.observations.at("node", time); });
  };
  CHECK_FALSE(named(at(9)));
  CHECK(named(at(10))->digest == digest("A"));
  CHECK(named(at(19))->digest == digest("A"));
  CHECK(named(at(1000))->digest == digest("B"));
}

TEST_CASE_METHOD(Fixture, "touch moves last_seen forward and never back") {
  const auto row = with_tables([](Tables& tables) {
    const auto id = tables.observations.append(observation("node", "A", at(10)));
    tables.observations.touch(id, at(50));
    tables.observations.touch(id, at(40));
    return tables.observations.latest("node");
  });
  CHECK(row->first_seen == at(10));
  CHECK(row->last_seen == at(50));
}

TEST_CASE_METHOD(Fixture, "An observation names the run that it started") {
  const auto row = with_tables([](Tables& tables) {
    const auto run = tables.runs.insert(pipeline_run("node"));
    tables.observations.set_run(tables.observations.append(observation("node", "A", at(10))), run);
    return tables.observations.latest("node");
  });
  CHECK(row->run == RunId(1));
}

TEST_CASE_METHOD(Fixture, "Runs are numbered from 1 and keep every field") {
  Run run = pipeline_run("node");
  run.checks_total = 3;
  run.checks_passed = 1;
  run.checks = "sha256:c";
  run.waiting_for = "hold: because";
  run.outcome = "it\nwent 'well' \xc3\xa4";
  run.started = at(1001);
  const auto kept = with_tables([run](Tables& tables) mutable {
    run.id = tables.runs.insert(run);
    run.parent = tables.runs.insert(run);
    run.ended = at(1009);
    tables.runs.update(run);
    return *tables.runs.find(run.id);
  });
  CHECK(kept.id == RunId(1));
  CHECK(kept.parent == RunId(2));
  CHECK(kept.kind == run.kind);
  CHECK(kept.task == run.task);
  CHECK(kept.platform == run.platform);
  CHECK(kept.state == run.state);
  CHECK(kept.status == run.status);
  CHECK(kept.trigger == run.trigger);
  CHECK(kept.digest == run.digest);
  CHECK(kept.source == run.source);
  CHECK(kept.checks_total == 3);
  CHECK(kept.checks_passed == 1);
  CHECK(kept.checks == run.checks);
  CHECK(kept.waiting_for == run.waiting_for);
  CHECK(kept.outcome == run.outcome);
  CHECK(kept.created == run.created);
  CHECK(kept.started == run.started);
  CHECK(kept.ended == at(1009));
}

TEST_CASE_METHOD(Fixture, "Updating a run that does not exist is an error") {
  Run run = pipeline_run("node");
  run.id = RunId(7);
  const auto error = error_of([&] { with_tables([run](Tables& tables) { tables.runs.update(run); }); });
  CHECK(error.kind() == ErrorKind::not_found);
}

TEST_CASE_METHOD(Fixture, "Runs are listed newest first, by any combination of filters") {
  with_tables([](Tables& tables) {
    tables.runs.insert(pipeline_run("node"));      // 1
    tables.runs.insert(ended_run("node", at(5)));  // 2
    tables.runs.insert(pipeline_run("python"));    // 3
    Run rebuild = pipeline_run("node");
    rebuild.kind = "rebuild";
    rebuild.task = "hello";
    rebuild.parent = RunId(1);
    tables.runs.insert(rebuild);  // 4
  });
  const auto list = [this](RunFilter filter) {
    return numbers(with_tables([filter](Tables& tables) { return tables.runs.list(filter); }));
  };
  using Numbers = std::vector<std::int64_t>;
  CHECK(list({}) == Numbers{4, 3, 2, 1});
  CHECK(list({.limit = 2}) == Numbers{4, 3});
  CHECK(list({.limit = -1}).empty());
  CHECK(list({.status = "Running"}) == Numbers{4, 3, 1});
  CHECK(list({.task = "node"}) == Numbers{2, 1});
  CHECK(list({.pipeline = "node"}) == Numbers{4, 2, 1});
  CHECK(list({.parent = RunId(1)}) == Numbers{4});
  CHECK(list({.status = "Running", .task = "node"}) == Numbers{1});
  CHECK(list({.status = "Running", .pipeline = "node", .limit = 1}) == Numbers{4});
  CHECK(list({.status = "Failed", .parent = RunId(1)}).empty());
}

TEST_CASE_METHOD(Fixture, "Open runs are those that have not ended, oldest first") {
  const auto [node, everything] = with_tables([](Tables& tables) {
    tables.runs.insert(pipeline_run("node"));
    tables.runs.insert(ended_run("node", at(5)));
    tables.runs.insert(pipeline_run("python"));
    tables.runs.insert(pipeline_run("node"));
    return std::pair(tables.runs.open("node"), tables.runs.all_open());
  });
  CHECK(numbers(node) == std::vector<std::int64_t>{1, 4});
  CHECK(numbers(everything) == std::vector<std::int64_t>{1, 3, 4});
}

TEST_CASE_METHOD(Fixture, "The latest run of a digest is the newest pipeline run, not a rebuild") {
  const auto run = with_tables([](Tables& tables) {
    tables.runs.insert(pipeline_run("node", "A"));
    tables.runs.insert(ended_run("node", at(5), "A"));
    tables.runs.insert(pipeline_run("node", "B"));
    Run rebuild = pipeline_run("node", "A");
    rebuild.kind = "rebuild";
    tables.runs.insert(rebuild);
    return tables.runs.latest_of("node", digest("A"));
  });
  CHECK(run->id == RunId(2));
}

TEST_CASE_METHOD(Fixture, "Log lines are read on from a cursor") {
  const auto [all, rest] = with_tables([](Tables& tables) {
    const auto run = tables.runs.insert(pipeline_run("node"));
    const auto other = tables.runs.insert(pipeline_run("python"));
    for (int i = 0; i < 3; ++i) {
      tables.log.append(run, at(i), "stage", "line " + std::to_string(i));
      tables.log.append(other, at(i), "stage", "noise");
    }
    auto lines = tables.log.read(run, 0, 2);
    return std::pair(lines, tables.log.read(run, lines.back().id, 10));
  });
  REQUIRE(all.size() == 2);
  CHECK(all[1].text == "line 1");
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].text == "line 2");
  CHECK(rest[0].step == "stage");
  CHECK(rest[0].at == at(2));
}

TEST_CASE_METHOD(Fixture, "Of a step the newest lines can be left, those of others stay") {
  const auto [counts, lines] = with_tables([](Tables& tables) {
    const auto run = tables.runs.insert(pipeline_run("node"));
    const auto other = tables.runs.insert(pipeline_run("python"));
    for (int i = 0; i < 5; ++i) {
      tables.log.append(run, at(i), "check", "line " + std::to_string(i));
      tables.log.append(run, at(i), "stage", "noise");
      tables.log.append(other, at(i), "check", "noise");
    }
    const int first = tables.log.trim(run, "check", 2);
    const std::vector<int> gone{first, tables.log.trim(run, "check", 2), tables.log.trim(other, "stage", 0)};
    return std::pair(gone, tables.log.read(run, 0, 100));
  });
  CHECK(counts == std::vector<int>{3, 0, 0});
  CHECK(lines.size() == 7);
  std::vector<std::string> left;
  for (const auto& line : lines)
    if (line.step == "check") left.push_back(line.text);
  CHECK(left == std::vector<std::string>{"line 3", "line 4"});
}

TEST_CASE_METHOD(Fixture, "A repeated step starts its time again and stays in its place") {
  const auto steps = with_tables([](Tables& tables) {
    const auto run = tables.runs.insert(pipeline_run("node"));
    tables.log.begin_step(run, "stage", at(1));
    tables.log.end_step(run, "stage", "failed", "cut", at(2));
    tables.log.begin_step(run, "check", at(3));
    tables.log.begin_step(run, "stage", at(4));
    tables.log.end_step(run, "check", "ok", "", at(5));
    return tables.log.steps(run);
  });
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].name == "stage");
  CHECK(steps[0].started == at(4));
  CHECK(steps[0].result == "running");
  CHECK(steps[0].detail.empty());
  CHECK_FALSE(steps[0].ended);
  CHECK(steps[1].result == "ok");
  CHECK(steps[1].ended == at(5));
}

TEST_CASE_METHOD(Fixture, "A promotion is kept once for each run") {
  const auto [first, second, kept] = with_tables([](Tables& tables) {
    const auto run = tables.runs.insert(pipeline_run("node"));
    auto row = promotion(run, "node", "A");
    row.replaced = digest("before");
    const auto id = tables.promotions.insert(row);
    tables.promotions.insert(promotion(RunId(50), "node", "B"));
    row.unique_tag = "another";
    return std::tuple(id, tables.promotions.insert(row), *tables.promotions.of_run(run));
  });
  CHECK(first == second);
  CHECK(kept.unique_tag == "1-" + RunId(1).text());
  CHECK(kept.replaced == digest("before"));
  CHECK(kept.at == at(2000));
}

TEST_CASE_METHOD(Fixture, "Promotions are found by tag, digest and pipeline, newest first") {
  with_tables([](Tables& tables) {
    tables.promotions.insert(promotion(RunId(1), "node", "A"));
    tables.promotions.insert(promotion(RunId(2), "node", "B"));
    tables.promotions.insert(promotion(RunId(3), "node", "A"));
    tables.promotions.insert(promotion(RunId(4), "python", "A"));
    CHECK(tables.promotions.latest("registry.example.com/base/node", "1")->run == RunId(3));
    CHECK_FALSE(tables.promotions.latest("registry.example.com/base/node", "2"));
    CHECK(tables.promotions.of_digest("node", digest("B"))->run == RunId(2));
    CHECK(tables.promotions.of_digest("node", digest("A"))->run == RunId(3));
    CHECK_FALSE(tables.promotions.of_digest("python", digest("B")));
    CHECK(tables.promotions.history("node", 10).size() == 3);
    CHECK(tables.promotions.history("node", 1).front().run == RunId(3));
  });
}

TEST_CASE_METHOD(Fixture, "What was promoted and done at a time is told however much came later") {
  with_tables([](Tables& tables) {
    for (int i = 1; i <= 1500; ++i) {
      auto row = promotion(RunId(i), "node", i == 1 ? "A" : "B");
      row.at = at(i);
      tables.promotions.insert(row);
      tables.audit.append({.at = at(i), .who = "ann", .action = "hold", .pipeline = "node"});
    }
    CHECK_FALSE(tables.promotions.at("node", at(0)));
    CHECK(tables.promotions.at("node", at(1))->digest == digest("A"));
    CHECK(tables.promotions.at("node", at(20))->run == RunId(20));
    CHECK_FALSE(tables.promotions.at("python", at(20)));
    const auto done = tables.audit.list_until("node", at(20), 2);
    REQUIRE(done.size() == 2);
    CHECK(done[0].at == at(20));
    CHECK(done[1].at == at(19));
    CHECK(tables.audit.list_until("python", at(20), 2).empty());
  });
}

TEST_CASE_METHOD(Fixture, "Runs of a digest that ended alike are counted from the newest back") {
  with_tables([](Tables& tables) {
    const auto insert = [&](const char* image, const char* state) {
      auto row = ended_run("node", at(5), image);
      row.state = state;
      tables.runs.insert(row);
    };
    const auto count = [&](int most) {
      return tables.runs.latest_in_state("node", digest("A"), "failed", most);
    };
    CHECK(count(10) == 0);
    insert("A", "failed");
    insert("A", "rejected");
    CHECK(count(10) == 0);
    insert("A", "failed");
    insert("B", "rejected");
    insert("A", "failed");
    CHECK(count(10) == 2);
    CHECK(count(1) == 1);
  });
}

TEST_CASE_METHOD(Fixture, "Holding twice keeps the first reason, lifting twice says so") {
  with_tables([](Tables& tables) {
    CHECK(tables.holds.set({.pipeline = "node", .reason = "first", .by = "ann", .since = at(1)}));
    CHECK_FALSE(tables.holds.set({.pipeline = "node", .reason = "second", .by = "bob", .since = at(2)}));
    CHECK(tables.holds.active("node")->reason == "first");
    CHECK(tables.holds.active("node")->by == "ann");
    CHECK(tables.holds.all().size() == 1);
    CHECK(tables.holds.lift("node"));
    CHECK_FALSE(tables.holds.lift("node"));
    CHECK_FALSE(tables.holds.active("node"));
  });
}

TEST_CASE_METHOD(Fixture, "The first open wave of a promotion is found, without what belongs to none") {
  with_tables([](Tables& tables) {
    const std::array<std::string, 3> open{"planned", "dispatching", "dispatched"};
    const auto promoted = tables.runs.insert(pipeline_run("node"));
    const auto add = [&](int wave, const std::string& state) {
      Rebuild row{.run = tables.runs.insert(pipeline_run("node")), .promotion_run = promoted};
      row.dependent = row.image = row.base = row.idempotency_key = "rebuild " + row.run.text();
      row.wave = wave;
      row.state = state;
      tables.rebuilds.insert(row);
      return row;
    };
    add(no_wave, "dispatching");
    add(0, "confirmed");
    CHECK_FALSE(tables.rebuilds.first_wave_in(promoted, open));
    add(2, "planned");
    add(1, "dispatched");
    CHECK(tables.rebuilds.first_wave_in(promoted, open)->wave == 1);
    CHECK_FALSE(tables.rebuilds.first_wave_in(promoted, open)->planned);
    add(1, "planned");
    CHECK(tables.rebuilds.first_wave_in(promoted, open)->planned);
  });
}

TEST_CASE_METHOD(Fixture, "Deadlines move, and are granted, for rebuilds that have unfinished work") {
  with_tables([](Tables& tables) {
    const auto promoted = tables.runs.insert(pipeline_run("node"));
    const auto add = [&](std::optional<Time> deadline) {
      Rebuild row{.run = tables.runs.insert(pipeline_run("node")), .promotion_run = promoted};
      row.deadline = deadline;
      tables.rebuilds.insert(row);
      return row.run;
    };
    const auto deadline_of = [&](RunId run) { return tables.rebuilds.find(run)->deadline; };
    const auto soon = add(at(100)), late = add(at(900)), none = add(std::nullopt), over = add(at(100));
    for (const auto run : {soon, late, none})
      tables.jobs.enqueue(run, "confirm", 0, at(1), at(1));
    tables.rebuilds.move_deadlines(std::chrono::seconds(50));
    CHECK(deadline_of(soon) == at(150));
    CHECK(deadline_of(over) == at(100));
    tables.rebuilds.grant(at(500));
    CHECK(deadline_of(soon) == at(500));
    CHECK(deadline_of(late) == at(950));
    CHECK_FALSE(deadline_of(none));
    CHECK(deadline_of(over) == at(100));
  });
}

TEST_CASE_METHOD(Fixture, "Rebuilds of a promotion are ordered by wave, then dependent") {
  with_tables([](Tables& tables) {
    const auto promoted = tables.runs.insert(pipeline_run("node"));
    const auto add = [&](const std::string& dependent, int wave, const std::string& state) {
      Rebuild row{.run = tables.runs.insert(pipeline_run("node")), .promotion_run = promoted};
      row.dependent = dependent;
      row.image = "registry/" + dependent + ":latest";
      row.wave = wave;
      row.state = state;
      row.base = "registry/base@sha256:00";
      row.idempotency_key = "key of " + dependent;
      tables.rebuilds.insert(row);
      return row;
    };
    add("z", 0, "planned");
    auto c = add("c", 1, "planned");
    add("a", 1, "planned");
    c.state = "confirmed";
    c.dispatched = at(3);
    c.deadline = at(9);
    c.confirmed = at(4);
    c.digest = digest("built");
    tables.rebuilds.update(c);
    const auto all = tables.rebuilds.of_promotion(promoted);
    REQUIRE(all.size() == 3);
    CHECK(all[0].dependent == "z");
    CHECK(all[1].dependent == "a");
    CHECK(all[2].digest == digest("built"));
    CHECK(all[2].deadline == at(9));
    CHECK(all[2].image == "registry/c:latest");
    CHECK(all[2].idempotency_key == "key of c");
    CHECK(tables.rebuilds.find(c.run)->confirmed == at(4));
    CHECK(tables.rebuilds.in_state("c", "planned").empty());
    CHECK(tables.rebuilds.in_state("a", "planned").size() == 1);
  });
}

TEST_CASE_METHOD(Fixture, "The audit is read newest first, of one pipeline or of all") {
  with_tables([](Tables& tables) {
    tables.audit.append(
        {.at = at(1), .who = "ann", .action = "hold", .pipeline = "node", .detail = "because"});
    tables.audit.append({.at = at(2), .who = "bob", .action = "run", .pipeline = "python"});
    CHECK(tables.audit.list("", 10).front().who == "bob");
    CHECK(tables.audit.list("", 1).size() == 1);
    CHECK(tables.audit.list("node", 10).front().detail == "because");
    CHECK(tables.audit.list("ruby", 10).empty());
  });
}

}  // namespace
}  // namespace sluice::store
