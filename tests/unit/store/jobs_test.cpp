// Durable work: leases, fencing, what is due.
#include "support.hpp"

#include <catch2/catch.hpp>

namespace sluice::store {
namespace {

using namespace test;
using namespace std::chrono_literals;

const std::vector<std::string> kinds{"stage", "check", "promote"};

struct JobsFixture {
  TemporaryDirectory directory;
  std::unique_ptr<Store> store = open_store(directory.database());
  RunId run = write(*store, [](Tables& tables) { return tables.runs.insert(pipeline_run("node")); });

  template <class F>
  auto with_jobs(F work) {
    return write(*store, [work](Tables& tables) { return work(tables.jobs); });
  }
};

TEST_CASE_METHOD(JobsFixture, "There is one unfinished job for each run, kind and index") {
  with_jobs([this](Jobs& jobs) {
    jobs.enqueue(run, "check", 0, at(10), at(1));
    jobs.enqueue(run, "check", 1, at(10), at(1));
    jobs.enqueue(run, "check", 0, at(99), at(2));
    CHECK(jobs.count() == 2);
    CHECK(jobs.of_run(run).front().due == at(10));
    const auto leased = jobs.lease(kinds, at(10), at(20), 1);
    CHECK(jobs.complete(leased.front().id, leased.front().attempt));
    jobs.enqueue(run, "check", 0, at(30), at(3));
    CHECK(jobs.count() == 2);
  });
}

TEST_CASE_METHOD(JobsFixture, "Due jobs are leased by due time, up to the limit") {
  with_jobs([this](Jobs& jobs) {
    jobs.enqueue(run, "check", 9, at(50), at(1));
    jobs.enqueue(run, "check", 2, at(20), at(1));
    jobs.enqueue(run, "stage", 1, at(10), at(1));
    jobs.enqueue(run, "promote", 3, at(30), at(1));
    const auto leased = jobs.lease(kinds, at(40), at(60), 2);
    REQUIRE(leased.size() == 2);
    CHECK(leased[0].index == 1);
    CHECK(leased[0].attempt == 1);
    CHECK(leased[0].leased_until == at(60));
    CHECK(leased[1].index == 2);
    const auto rest = jobs.lease(kinds, at(40), at(60), 9);
    REQUIRE(rest.size() == 1);
    CHECK(rest[0].index == 3);
  });
}

TEST_CASE_METHOD(JobsFixture, "Only jobs of the kinds that are asked for are leased and count as due") {
  with_jobs([this](Jobs& jobs) {
    jobs.enqueue(run, "dispatch", 0, at(10), at(1));
    CHECK(jobs.lease(kinds, at(40), at(60), 9).empty());
    CHECK_FALSE(jobs.next_due(kinds));
    CHECK(jobs.next_due({"dispatch"}) == at(10));
    jobs.enqueue(run, "stage", 0, at(20), at(1));
    CHECK(jobs.next_due(kinds) == at(20));
    CHECK(jobs.lease({"dispatch"}, at(40), at(60), 9).size() == 1);
    CHECK(jobs.lease(kinds, at(40), at(70), 9).size() == 1);
    CHECK(jobs.next_due(kinds) == at(70));
  });
}

TEST_CASE_METHOD(JobsFixture,
                 "A9: when a lease ends another attempt takes the job, and the late result is refused") {
  with_jobs([this](Jobs& jobs) {
    jobs.enqueue(run, "stage", 0, at(10), at(1));
    const auto hung = jobs.lease(kinds, at(10), at(20), 1).front();
    CHECK(jobs.lease(kinds, at(19), at(30), 1).empty());
    const auto taken = jobs.lease(kinds, at(20), at(30), 1);
    REQUIRE(taken.size() == 1);
    CHECK(taken[0].attempt == 2);
    CHECK_FALSE(jobs.renew(hung.id, hung.attempt, at(90)));
    CHECK_FALSE(jobs.postpone(hung.id, hung.attempt, at(90)));
    CHECK_FALSE(jobs.retry(hung.id, hung.attempt, at(90), "late"));
    CHECK_FALSE(jobs.complete(hung.id, hung.attempt));
    CHECK(jobs.complete(taken[0].id, taken[0].attempt));
    CHECK(jobs.count() == 0);
  });
}

TEST_CASE_METHOD(JobsFixture,
                 "A9: a job that was given back cannot be ended by the attempt that gave it back") {
  with_jobs([this](Jobs& jobs) {
    jobs.enqueue(run, "stage", 0, at(10), at(1));
    const auto job = jobs.lease(kinds, at(10), at(20), 1).front();
    CHECK(jobs.postpone(job.id, job.attempt, at(50)));
    CHECK_FALSE(jobs.complete(job.id, job.attempt));
    CHECK_FALSE(jobs.renew(job.id, job.attempt, at(90)));
  });
}

TEST_CASE_METHOD(JobsFixture, "A renewed lease is not taken when its first term ends") {
  with_jobs([this](Jobs& jobs) {
    jobs.enqueue(run, "stage", 0, at(10), at(1));
    const auto job = jobs.lease(kinds, at(10), at(20), 1).front();
    CHECK(jobs.renew(job.id, job.attempt, at(40)));
    CHECK(jobs.lease(kinds, at(30), at(50), 1).empty());
    CHECK(jobs.complete(job.id, job.attempt));
  });
}

TEST_CASE_METHOD(JobsFixture, "Retrying counts a failure, postponing does not") {
  with_jobs([this](Jobs& jobs) {
    jobs.enqueue(run, "stage", 0, at(10), at(1));
    auto job = jobs.lease(kinds, at(10), at(20), 1).front();
    CHECK(jobs.postpone(job.id, job.attempt, at(30)));
    job = jobs.lease(kinds, at(30), at(40), 1).front();
    CHECK(job.failures == 0);
    CHECK(job.attempt == 2);
    CHECK(jobs.retry(job.id, job.attempt, at(50), "connection refused"));
    CHECK(jobs.lease(kinds, at(49), at(60), 1).empty());
    job = jobs.lease(kinds, at(50), at(60), 1).front();
    CHECK(job.failures == 1);
    CHECK(job.last_error == "connection refused");
    CHECK(job.created == at(1));
  });
}

TEST_CASE_METHOD(JobsFixture, "The next due time counts a leased job from the end of its lease") {
  with_jobs([this](Jobs& jobs) {
    CHECK_FALSE(jobs.next_due(kinds));
    jobs.enqueue(run, "stage", 0, at(10), at(1));
    CHECK(jobs.next_due(kinds) == at(10));
    const auto job = jobs.lease(kinds, at(10), at(100), 1).front();
    CHECK(jobs.next_due(kinds) == at(100));
    jobs.enqueue(run, "check", 0, at(70), at(1));
    CHECK(jobs.next_due(kinds) == at(70));
    CHECK(jobs.renew(job.id, job.attempt, at(60)));
    CHECK(jobs.next_due(kinds) == at(60));
  });
}

TEST_CASE_METHOD(JobsFixture,
                 "At start every lease is freed and its job is due, even when the clock went back") {
  with_jobs([this](Jobs& jobs) {
    jobs.enqueue(run, "stage", 0, at(100), at(1));
    jobs.enqueue(run, "check", 0, at(500), at(1));
    CHECK(jobs.lease(kinds, at(100), at(200), 9).size() == 1);
    CHECK(jobs.release_all(at(50), 1000s) == 1);
    CHECK(jobs.release_all(at(50), 1000s) == 0);
    const auto again = jobs.lease(kinds, at(50), at(60), 9);
    REQUIRE(again.size() == 1);
    CHECK(again[0].kind == "stage");
    CHECK(again[0].attempt == 2);
  });
}

TEST_CASE_METHOD(JobsFixture,
                 "A6: at start, what is due later than after any pause is due now: the clock went back") {
  with_jobs([this](Jobs& jobs) {
    jobs.enqueue(run, "stage", 0, at(7200), at(7200));
    jobs.enqueue(run, "check", 0, at(700), at(1));
    jobs.release_all(at(100), 900s);
    const auto all = jobs.of_run(run);
    CHECK(all[0].due == at(100));
    CHECK(all[0].created == at(100));
    CHECK(all[1].due == at(700));
  });
}

TEST_CASE_METHOD(JobsFixture, "A6: when the clock is set back, pauses and leases stay as long as they were") {
  with_jobs([this](Jobs& jobs) {
    jobs.enqueue(run, "stage", 0, at(1000), at(1000));
    jobs.enqueue(run, "check", 0, at(1010), at(1000));
    const auto leased = jobs.lease(kinds, at(1000), at(1030), 1).front();
    jobs.set_back(900s);
    const auto all = jobs.of_run(run);
    CHECK(all[0].leased_until == at(130));
    CHECK(all[1].due == at(110));
    CHECK(all[1].created == at(100));
    CHECK_FALSE(all[1].leased_until);
    CHECK(jobs.complete(leased.id, leased.attempt));
  });
}

TEST_CASE_METHOD(JobsFixture,
                 "Dropping removes the jobs of one run only, and their late results are refused") {
  const auto other = write(*store, [](Tables& tables) { return tables.runs.insert(pipeline_run("python")); });
  with_jobs([this, other](Jobs& jobs) {
    jobs.enqueue(run, "stage", 0, at(10), at(1));
    jobs.enqueue(other, "stage", 0, at(10), at(1));
    const auto leased = jobs.lease(kinds, at(10), at(20), 1).front();
    jobs.drop(run);
    CHECK(jobs.count() == 1);
    CHECK_FALSE(jobs.complete(leased.id, leased.attempt));
  });
}

}  // namespace
}  // namespace sluice::store
