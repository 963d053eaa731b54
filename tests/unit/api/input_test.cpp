#include "api/input.hpp"

#include "core/error.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::api;
using Catch::Contains;

namespace {

net::ServerRequest request_with(std::vector<std::pair<std::string, std::string>> query) {
  net::ServerRequest result;
  result.query = std::move(query);
  return result;
}

int limit(const std::string& value) {
  const auto asked = request_with({{"limit", value}});
  return Query(asked).limit(50);
}

Milliseconds wait(const std::string& value) {
  const auto asked = request_with({{"wait", value}});
  return Query(asked).wait();
}

template <class F>
std::string refusal(F work) {
  try {
    work();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::invalid);
    return error.what();
  }
  return "was accepted";
}

}  // namespace

TEST_CASE("a limit has a default, is cut at its cap, and must be a number from 1 on") {
  CHECK(limit("") == 50);
  CHECK(limit("7") == 7);
  CHECK(limit("1000000000000") == most_rows);
  for (const auto* bad : {"0", "-1", "x", "1x", "99999999999999999999", "1.5", " 1"}) {
    INFO(bad);
    CHECK_THAT(refusal([&] { limit(bad); }), Contains("limit"));
  }
}

TEST_CASE("a wait is a duration and is cut at a minute") {
  CHECK(wait("") == Milliseconds(0));
  CHECK(wait("250ms") == Milliseconds(250));
  CHECK(wait("30s") == Milliseconds(30'000));
  CHECK(wait("1h") == longest_wait);
  CHECK_THAT(refusal([] { wait("soon"); }), Contains("wait must be a duration"));
}

TEST_CASE("a status is found in any case and otherwise suggested") {
  const auto good = request_with({{"status", "SUCCEEDED"}});
  CHECK(Query(good).status("status") == "Succeeded");
  const auto bad = request_with({{"status", "succeded"}});
  CHECK_THAT(refusal([&] { Query(bad).status("status"); }), Contains("did you mean 'Succeeded'"));
}

TEST_CASE("a parameter that nobody asked for is refused with the likely name") {
  const auto asked = request_with({{"limt", "5"}});
  Query query(asked);
  query.limit(50);
  CHECK_THAT(refusal([&] { query.done(); }), Contains("unknown parameter 'limt'") && Contains("'limit'"));
}

TEST_CASE("times and run ids are read strictly") {
  const auto asked = request_with({{"at", "yesterday"}, {"parent", "??"}});
  CHECK_THAT(refusal([&] { Query(asked).time("at"); }), Contains("yesterday"));
  CHECK_THAT(refusal([&] { Query(asked).run("parent"); }), Contains("not a run id"));
  const auto good = request_with({{"at", "2026-11-24T04:56:31Z"}, {"parent", "ca1a"}});
  CHECK(Query(good).time("at").has_value());
  CHECK(Query(good).run("parent")->number() == 1);
}

TEST_CASE("a body may be empty, and its known texts are read") {
  CHECK(read_body("", {"reason"}) == std::vector<std::optional<std::string>>{std::nullopt});
  CHECK(read_body(" \n", {}).empty());
  CHECK(read_body(R"({"reason": "release week"})", {"reason", "to"}) ==
        std::vector<std::optional<std::string>>{"release week", std::nullopt});
  CHECK(read_body(R"({"reason": null})", {"reason"})[0] == std::nullopt);
}

TEST_CASE("a body that is not what is asked for is refused with the reason") {
  const auto refused = [](const std::string& body) { return refusal([&] { read_body(body, {"reason"}); }); };
  CHECK_THAT(refused("{"), Contains("not JSON"));
  CHECK_THAT(refused("[]"), Contains("must be a JSON object"));
  CHECK_THAT(refused("\"reason\""), Contains("must be a JSON object"));
  CHECK_THAT(refused(R"({"reson": "x"})"), Contains("unknown key 'reson'") && Contains("'reason'"));
  CHECK_THAT(refused(R"({"reason": 5})"), Contains("must be a text"));
  CHECK_THAT(refused(R"({"reason": {"a": []}})"), Contains("must be a text"));
  CHECK_THAT(refused("{\"reason\": \"" + std::string(2000, 'x') + "\"}"), Contains("longer than"));
  CHECK_THAT(refused("{\"reason\": \"\xff\"}"), Contains("not JSON"));
  CHECK_THAT(refused(R"({"reason": "x", "reason": "y"})"), Contains("'reason' appears twice"));
}

TEST_CASE("D4: a body that nests without end is refused before it is built") {
  CHECK_THAT(refusal([] { read_body(std::string(200'000, '['), {}); }), Contains("nested deeper"));
  std::string objects;
  for (int i = 0; i < 50'000; ++i)
    objects += R"({"a":)";
  CHECK_THAT(refusal([&] { read_body(objects, {}); }), Contains("nested deeper"));
}

TEST_CASE("D4: a body of very many items is refused in no more time than it takes to read it") {
  std::string items = "{}";
  for (int i = 0; i < 300'000; ++i)
    items += ",{}";
  const auto start = std::chrono::steady_clock::now();
  CHECK_THAT(refusal([&] { read_body("[" + items + "]", {}); }), Contains("must be a JSON object"));
  CHECK_THAT(refusal([&] { read_body(R"({"reason":[)" + items + "]}", {"reason"}); }),
             Contains("must be a text"));
  // In time that grows with the square of the items it would be minutes.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(30));
}
