// What a registry says of its limits, and outages: obeyed by everything that asks it, and by nothing else.

#include "fake_registry.hpp"
#include "registry/gates.hpp"
#include "rig.hpp"
#include "support/eventually.hpp"
#include "support/run.hpp"

#include <atomic>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::test;
using namespace std::chrono_literals;
using Catch::Contains;

namespace {

const TestImage image = make_image("amd64", 71, {3000});

/// A registry that a test makes sick and well again.
struct Patient {
  std::atomic<int> status = 0;  // what it answers instead; 0: as a registry does, -1: not at all, -2: never
  std::string fields;
  FakeRegistry registry{[this](Exchange& exchange, const RecordedRequest& request) {
    if (status == 0) return false;
    read_body(exchange, request);
    if (status == -2)
      exchange.stall();
    else if (status < 0)
      exchange.reset();
    else
      exchange.answer(status, "", fields);
    return true;
  }};
  Patient() {
    registry.add("a", image);
    registry.tag("a", "1", image.manifest);
  }
  int asked() const { return static_cast<int>(registry.requests().size()); }
};

Task<Error> look_failure(Rig& rig, const Patient& patient) {
  co_return co_await failure_of(rig.client.look(patient.registry.repository("a"), "1", registry::Pace::look));
}

Task<bool> answers(Rig& rig, const Patient& patient) {
  const auto resolved = co_await rig.client.look(patient.registry.repository("a"), "1", registry::Pace::look);
  co_return resolved.has_value();
}

registry::RegistryStatus status_of(Rig& rig, const Patient& patient) {
  for (auto& status : rig.client.statuses())
    if (status.registry == patient.registry.host()) return status;
  throw std::runtime_error("this registry was not asked");
}

Task<> make_sick(Rig& rig, Patient& patient, int status) {
  patient.status = status;
  for (int i = 0; i < registry::Breaker::threshold; ++i) {
    const Error error = co_await look_failure(rig, patient);
    CHECK(error.kind() == ErrorKind::unavailable);
  }
}

}  // namespace

TEST_CASE("C4: after a 429 nobody asks that registry until it may be, and other registries are asked") {
  struct Case {
    std::string fields;
    Milliseconds least, most;
  };
  const Case cases[] = {{"Retry-After: 7\r\n", 7s, 8s},
                        {"Retry-After: 31536000\r\n", 1h, 66min},
                        {"Retry-After: Wed, 21 Oct 2099 07:28:00 GMT\r\n", 1h, 66min},
                        {"Retry-After: soon\r\n", 900ms, 3s},
                        {"Retry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", 900ms, 3s},
                        {"", 900ms, 3s}};
  for (const auto& one : cases) {
    INFO(one.fields);
    Patient limited;
    Patient other;
    limited.fields = one.fields;
    run([&]() -> Task<> {
      Rig rig;
      limited.status = 429;
      const Error first = co_await look_failure(rig, limited);
      CHECK(first.kind() == ErrorKind::rate_limited);
      CHECK(first.retry_after().value_or(0ms) >= one.least - 1s);
      limited.status = 0;
      const Error second = co_await look_failure(rig, limited);
      CHECK(second.kind() == ErrorKind::rate_limited);
      CHECK(second.retry_after().value_or(0ms) <= one.most);
      CHECK(limited.asked() == 1);
      CHECK(status_of(rig, limited).paused_until.has_value());
      const bool unaffected = co_await answers(rig, other);
      CHECK(unaffected);
      rig.clock.advance(std::chrono::ceil<std::chrono::seconds>(one.most));
      const bool again = co_await answers(rig, limited);
      CHECK(again);
      CHECK_FALSE(status_of(rig, limited).paused_until.has_value());
    });
  }
}

TEST_CASE("C4: 503 with Retry-After is a pause, not an outage") {
  Patient patient;
  patient.fields = "Retry-After: 60\r\n";
  run([&]() -> Task<> {
    Rig rig;
    patient.status = 503;
    const Error first = co_await look_failure(rig, patient);
    CHECK(first.kind() == ErrorKind::unavailable);
    CHECK(first.retry_after() >= 59s);
    for (int i = 0; i < 2 * registry::Breaker::threshold; ++i) {
      const Error error = co_await look_failure(rig, patient);
      CHECK(error.kind() == ErrorKind::rate_limited);
    }
    CHECK(patient.asked() == 1);
    CHECK(status_of(rig, patient).state == registry::Breaker::State::closed);
  });
}

TEST_CASE("C4: work waits for a short pause and then goes on by itself") {
  std::atomic<int> refusals = 1;
  FakeRegistry registry([&](Exchange& exchange, const RecordedRequest&) {
    if (refusals-- <= 0) return false;
    exchange.answer(429, "", "Retry-After: 1\r\n");
    return true;
  });
  registry.add("a", image);
  registry.tag("a", "1", image.manifest);
  run([&]() -> Task<> {
    Rig rig;
    const auto fetched = co_await rig.client.manifest(registry.repository("a"), "1");
    CHECK(fetched.digest == image.manifest.digest());
    CHECK(registry.requests().size() == 2);
  });
}

TEST_CASE("C4: a refusal of the token service is a pause of its registry") {
  ScriptedServer service(answer_all(
      [](Exchange& exchange, const RecordedRequest&) { exchange.answer(429, "", "Retry-After: 60\r\n"); }));
  FakeRegistry registry([&](Exchange& exchange, const RecordedRequest&) {
    exchange.answer(401, "", "WWW-Authenticate: Bearer realm=\"" + service.url("/token") + "\"\r\n");
    return true;
  });
  run([&]() -> Task<> {
    Rig rig;
    for (int i = 0; i < 3; ++i) {
      const Error error = co_await failure_of(rig.client.resolve(registry.repository("a"), "1"));
      CHECK(error.kind() == ErrorKind::rate_limited);
      CHECK(error.retry_after() >= 59s);
    }
    CHECK(service.requests().size() == 1);
    CHECK(registry.requests().size() == 1);
  });
}

TEST_CASE("C1: a registry that is down is not asked, is said to be down, and flows again by itself") {
  for (const int sickness : {500, 502, 504, -1}) {
    INFO(sickness);
    Patient patient;
    Patient other;
    run([&]() -> Task<> {
      Rig rig;
      co_await make_sick(rig, patient, sickness);
      const int asked = patient.asked();
      const Error refused = co_await look_failure(rig, patient);
      CHECK(refused.kind() == ErrorKind::unavailable);
      CHECK(refused.retry_after().value_or(0ms) > 0ms);
      CHECK_THAT(refused.what(), Contains("is down and was not asked"));
      CHECK(patient.asked() == asked);
      const auto status = status_of(rig, patient);
      CHECK(status.state == registry::Breaker::State::open);
      CHECK_FALSE(status.error.empty());
      CHECK(status.failing_since.has_value());
      CHECK(status.asked_again.has_value());
      const bool unaffected = co_await answers(rig, other);
      CHECK(unaffected);

      // The probe fails: it is down for longer.
      rig.clock.advance(6s);
      const Error probe = co_await look_failure(rig, patient);
      CHECK(probe.kind() == ErrorKind::unavailable);
      CHECK(patient.asked() == asked + 1);
      rig.clock.advance(1s);
      co_await look_failure(rig, patient);
      CHECK(patient.asked() == asked + 1);

      patient.status = 0;
      rig.clock.advance(10s);
      const bool well = co_await answers(rig, patient);
      CHECK(well);
      CHECK(status_of(rig, patient).state == registry::Breaker::State::closed);
      CHECK(status_of(rig, patient).error.empty());
    });
  }
}

TEST_CASE("C1: of all who come when a registry was down, one asks and the others wait for its answer") {
  std::atomic<int> asked = 0;
  std::atomic<bool> released = false;
  std::atomic<bool> sick = true;
  FakeRegistry registry([&](Exchange& exchange, const RecordedRequest&) {
    if (sick) {
      exchange.answer(502);
      return true;
    }
    ++asked;
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (!released && std::chrono::steady_clock::now() < end)
      std::this_thread::yield();
    return false;
  });
  registry.add("a", image);
  registry.tag("a", "1", image.manifest);
  run([&](boost::asio::io_context& loop) -> Task<> {
    Rig rig;
    for (int i = 0; i < registry::Breaker::threshold; ++i)
      co_await failure_of(rig.client.resolve(registry.repository("a"), "1"));
    sick = false;
    rig.clock.advance(6s);
    int ended = 0;
    auto one = [&]() -> Task<> {
      co_await rig.client.resolve(registry.repository("a"), "1");
      ++ended;
    };
    for (int i = 0; i < 4; ++i)
      boost::asio::co_spawn(loop, one(), boost::asio::detached);
    std::function<bool()> probing = [&] { return asked == 1; };
    const bool began = co_await eventually(probing);
    CHECK(began);
    // A look does not wait: it tells that nothing else has gone out.
    const Error look =
        co_await failure_of(rig.client.look(registry.repository("a"), "1", registry::Pace::look));
    CHECK(look.kind() == ErrorKind::unavailable);
    CHECK(asked == 1);
    released = true;
    std::function<bool()> all = [&] { return ended == 4; };
    const bool done = co_await eventually(all);
    CHECK(done);
  });
}

TEST_CASE(
    "C1: from when on a registry is asked is told to whoever listens, and a sign of life makes it now") {
  Patient patient;
  run([&]() -> Task<> {
    Rig rig;
    const auto host = patient.registry.host();
    std::vector<std::optional<Steady>> told;
    rig.client.when_changed([&] { told.push_back(rig.client.asked_from(host)); });
    const bool well = co_await answers(rig, patient);
    CHECK(well);
    CHECK(told.empty());
    co_await make_sick(rig, patient, 502);
    REQUIRE(told.size() == 1);
    CHECK(told.front() == rig.client.asked_from(host));
    CHECK(told.front() > rig.clock.steady());
    const auto shown = status_of(rig, patient).asked_again;
    CHECK(shown.has_value());
    // Nobody asks: the instant stays, and passes.
    rig.clock.advance(1h);
    CHECK(status_of(rig, patient).asked_again == shown);
    for (int i = 0; i < 8; ++i) {
      co_await look_failure(rig, patient);
      const auto wait = *rig.client.asked_from(host) - rig.clock.steady();
      rig.clock.advance(std::chrono::ceil<std::chrono::seconds>(wait));
    }
    co_await look_failure(rig, patient);
    const int asked = patient.asked();
    rig.clock.advance(2s);
    co_await look_failure(rig, patient);
    CHECK(patient.asked() == asked);
    patient.status = 0;
    rig.client.heard_of(host);
    CHECK(*rig.client.asked_from(host) <= rig.clock.steady());
    const bool again = co_await answers(rig, patient);
    CHECK(again);
    CHECK_FALSE(told.back().has_value());
    CHECK_FALSE(status_of(rig, patient).asked_again.has_value());
  });
}

TEST_CASE("C4: after a pause one request goes out first, and its answer is told") {
  Patient patient;
  patient.fields = "Retry-After: 60\r\n";
  run([&]() -> Task<> {
    Rig rig;
    const auto host = patient.registry.host();
    std::vector<std::optional<Steady>> told;
    rig.client.when_changed([&] { told.push_back(rig.client.asked_from(host)); });
    patient.status = 429;
    co_await look_failure(rig, patient);
    REQUIRE(told.size() == 1);
    CHECK(told.back() > rig.clock.steady() + 58s);
    // A webhook does not shorten what the registry asked for.
    rig.client.heard_of(host);
    CHECK(told.size() == 1);
    patient.status = 0;
    rig.clock.advance(66s);
    CHECK(rig.client.asked_from(host) == told.back());
    const bool well = co_await answers(rig, patient);
    CHECK(well);
    REQUIRE(told.size() == 2);
    CHECK_FALSE(told.back().has_value());
  });
}

TEST_CASE("C1: a probe that is given up makes room for the next one") {
  Patient patient;
  run([&](boost::asio::io_context& loop) -> Task<> {
    Rig rig;
    co_await make_sick(rig, patient, 502);
    rig.clock.advance(6s);
    patient.status = -2;
    boost::asio::cancellation_signal cancel;
    bool ended = false;
    auto probe = [&]() -> Task<> {
      co_await rig.client.look(patient.registry.repository("a"), "1", registry::Pace::look);
    };
    boost::asio::co_spawn(
        loop, probe(),
        boost::asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr) { ended = true; }));
    std::function<bool()> half_open = [&] {
      return status_of(rig, patient).state == registry::Breaker::State::half_open;
    };
    const bool began = co_await eventually(half_open);
    CHECK(began);
    cancel.emit(boost::asio::cancellation_type::all);
    std::function<bool()> gone = [&] { return ended; };
    co_await eventually(gone);
    patient.status = 0;
    rig.clock.advance(1s);
    const bool well = co_await answers(rig, patient);
    CHECK(well);
  });
}

TEST_CASE("C9: what a target refuses for good does not make it an outage") {
  for (const int status : {400, 403, 404, 405, 409, 413, 501}) {
    INFO(status);
    Patient patient;
    patient.status = status;
    run([&]() -> Task<> {
      Rig rig;
      for (int i = 0; i < 2 * registry::Breaker::threshold; ++i)
        co_await failure_of(rig.client.manifest(patient.registry.repository("a"), "1"));
      CHECK(patient.asked() == 2 * registry::Breaker::threshold);
      CHECK(status_of(rig, patient).state == registry::Breaker::State::closed);
    });
  }
}

TEST_CASE("C1: an upload that breaks because its source does says nothing about the target") {
  const TestImage bare = make_image("amd64", 75, {});  // one blob, so that nothing else is on its way
  FakeRegistry source([&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/blobs/")) return false;
    exchange.answer(502);
    return true;
  });
  source.add("a", bare);
  // The upload is given up by DELETE, whose failure is the target's own.
  FakeRegistry target([](Exchange& exchange, const RecordedRequest& request) {
    if (request.method != "DELETE") return false;
    exchange.reset();
    return true;
  });
  run([&]() -> Task<> {
    Rig rig;
    const Error error = co_await failure_of(
        rig.client.copy(source.repository("a"), bare.manifest.digest(), target.repository("b")));
    CHECK(error.kind() == ErrorKind::unavailable);
    CHECK(target.count("DELETE") >= 1);
    for (const auto& status : rig.client.statuses())
      if (status.registry == target.host()) CHECK(status.failures == 1);
  });
}

TEST_CASE("C1: a storage that is down is not an outage of the registry that sends us there") {
  FakeRegistry registry([](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/blobs/")) return false;
    exchange.answer(307, "", "Location: http://127.0.0.1:1/gone\r\n");
    return true;
  });
  registry.add("a", image);
  registry.tag("a", "1", image.manifest);
  run([&]() -> Task<> {
    Rig rig;
    for (int i = 0; i < 2 * registry::Breaker::threshold; ++i) {
      const Error error =
          co_await failure_of(rig.client.small_blob(registry.repository("a"), image.blobs[0].digest()));
      CHECK(error.kind() == ErrorKind::unavailable);
    }
    const auto resolved = co_await rig.client.resolve(registry.repository("a"), "1");
    CHECK(resolved.has_value());
  });
}

TEST_CASE("C4: a budget of pulls counts GETs of manifests, and looks by HEAD are free") {
  Patient patient;
  Patient other;
  run([&]() -> Task<> {
    Rig rig;
    auto& access = rig.access[patient.registry.host()];
    access.allowance = registry::Allowance{2, 1h};
    access.patience = 0ms;
    for (int i = 0; i < 2; ++i)
      co_await rig.client.manifest(patient.registry.repository("a"), "1");
    const int asked = patient.asked();
    const Error error = co_await failure_of(rig.client.manifest(patient.registry.repository("a"), "1"));
    CHECK(error.kind() == ErrorKind::rate_limited);
    CHECK(error.retry_after() >= 29min);
    CHECK_THAT(error.what(), Contains(".budget"));
    CHECK(patient.asked() == asked);
    const bool free = co_await answers(rig, patient);
    CHECK(free);
    co_await rig.client.manifest(other.registry.repository("a"), "1");
    rig.clock.advance(30min);
    co_await rig.client.manifest(patient.registry.repository("a"), "1");
    CHECK(status_of(rig, patient).left < 1);
  });
}

TEST_CASE("C4: an image whose copy has begun comes to its end, whatever is left of the budget") {
  const TestImage more[] = {make_image("amd64", 72, {100}), make_image("arm64", 73, {100}),
                            make_image("riscv64", 74, {100})};
  const Piece index = make_index({{more[0].manifest, ""}, {more[1].manifest, ""}, {more[2].manifest, ""}});
  FakeRegistry source;
  FakeRegistry target;
  for (const auto& one : more)
    source.add("a", one);
  source.add("a", index);
  run([&]() -> Task<> {
    Rig rig;
    rig.access[source.host()].allowance = registry::Allowance{1, 1h};
    rig.access[source.host()].patience = 0ms;
    co_await rig.client.copy(source.repository("a"), index.digest(), target.repository("b"));
    CHECK(target.stored("b", index.digest()).has_value());
    const Error next =
        co_await failure_of(rig.client.copy(source.repository("a"), index.digest(), target.repository("c")));
    CHECK(next.kind() == ErrorKind::rate_limited);
  });
}

TEST_CASE("C4: an image of more manifests than a limit allows at once arrives by several tries") {
  const TestImage parts[] = {make_image("amd64", 76, {100}), make_image("arm64", 77, {100}),
                             make_image("riscv64", 78, {100})};
  const Piece index = make_index({{parts[0].manifest, ""}, {parts[1].manifest, ""}, {parts[2].manifest, ""}});
  std::atomic<int> allowed = 0;
  FakeRegistry source([&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/manifests/") || allowed-- > 0) return false;
    exchange.answer(429, "", "Retry-After: 3600\r\n");
    return true;
  });
  FakeRegistry target;
  for (const auto& one : parts)
    source.add("a", one);
  source.add("a", index);
  run([&]() -> Task<> {
    Rig rig;
    for (int attempt = 1; attempt <= 3; ++attempt) {
      allowed = 1;
      const Error error = co_await failure_of(
          rig.client.copy(source.repository("a"), index.digest(), target.repository("b")));
      CHECK(error.kind() == ErrorKind::rate_limited);
      rig.clock.advance(2h);
    }
    allowed = 1;
    co_await rig.client.copy(source.repository("a"), index.digest(), target.repository("b"));
    CHECK(target.stored("b", index.digest()).has_value());
  });
}

TEST_CASE("C4: a small budget of requests makes a copy slow, and never fails it") {
  FakeRegistry source;
  FakeRegistry target;
  source.add("a", image);
  run([&]() -> Task<> {
    Rig rig;
    using Counts = registry::Allowance::Counts;
    rig.access[source.host()].allowance = registry::Allowance{2, 50ms, Counts::requests};
    rig.access[target.host()].allowance = registry::Allowance{1, 24h, Counts::requests};
    co_await rig.client.copy(source.repository("a"), image.manifest.digest(), target.repository("b"), "1");
    CHECK(target.stored("b", image.manifest.digest()).has_value());
    for (const auto& status : rig.client.statuses())
      CHECK((status.left < 0) == (status.registry == target.host()));
    // What begins there has to wait.
    const Error error = co_await failure_of(rig.client.resolve(target.repository("b"), "1"));
    CHECK(error.kind() == ErrorKind::rate_limited);
  });
}

TEST_CASE("C4: what a registry tells of its limit is kept from every answer, and spreads looks that count") {
  std::atomic<int> remaining = 7;
  FakeRegistry registry([&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "HEAD", "/manifests/")) return false;
    exchange.write("HTTP/1.1 200 OK\r\nContent-Type: " + image.manifest.media_type +
                   "\r\nDocker-Content-Digest: " + image.manifest.digest().text() +
                   "\r\nratelimit-limit: 100;w=21600\r\nratelimit-remaining: " + std::to_string(--remaining) +
                   ";w=21600\r\nContent-Length: " + std::to_string(image.manifest.bytes.size()) + "\r\n\r\n");
    return true;
  });
  registry.add("a", image);
  run([&]() -> Task<> {
    Rig rig;
    CHECK(rig.client.looks_from(registry.host()) <= rig.clock.steady());
    co_await rig.client.look(registry.repository("a"), "1", registry::Pace::look);
    const auto statuses = rig.client.statuses();
    REQUIRE(statuses.size() == 1);
    CHECK(statuses[0].limit == registry::RateLimit{100, 6, 6h});
    CHECK(statuses[0].looks_put_off);
    CHECK(rig.client.looks_from(registry.host()) > rig.clock.steady() + 50min);
    // Work goes on meanwhile.
    const auto fetched =
        co_await rig.client.manifest(registry.repository("a"), image.manifest.digest().text());
    CHECK(fetched.digest == image.manifest.digest());
    rig.clock.advance(1h);
    CHECK(rig.client.looks_from(registry.host()) <= rig.clock.steady());
  });
}

TEST_CASE("C4: a storage behind a registry that wants a pause gets it, and the registry none") {
  std::atomic<int> refusals = 1;
  const Piece& blob = image.blobs[0];
  ScriptedServer storage(answer_all([&](Exchange& exchange, const RecordedRequest&) {
    if (refusals-- > 0) return exchange.answer(429, "", "Retry-After: 1\r\n");
    exchange.answer(200, blob.bytes);
  }));
  FakeRegistry registry([&](Exchange& exchange, const RecordedRequest& request) {
    if (!is(request, "GET", "/blobs/")) return false;
    exchange.answer(307, "", "Location: " + storage.url("/signed") + "\r\n");
    return true;
  });
  run([&]() -> Task<> {
    Rig rig;
    const Steady before = rig.clock.steady();
    const auto bytes = co_await rig.client.small_blob(registry.repository("a"), blob.digest());
    CHECK(bytes == blob.bytes);
    CHECK(rig.clock.steady() - before >= 1s);
    CHECK_FALSE(rig.client.asked_from(registry.host()));
  });
  CHECK(storage.requests().size() == 2);
}
