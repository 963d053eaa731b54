#include "contract/triggers/bench.hpp"
#include "support/certificates.hpp"
#include "support/scripted_server.hpp"
#include "support/shell.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace sluice;
using namespace sluice::test;
using Catch::Contains;

namespace {

const std::string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

std::string webhook(const std::string& url, const std::string& more = "") {
  return "webhook: {url: \"" + url + "\", secret: {file: /secret}" + more + "}";
}

TriggerBench webhook_bench() {
  TriggerBench made;
  made.files["/secret"] = secret;
  return made;
}

// By somebody else's code: the command line of OpenSSL.
std::string openssl_signature(const std::string& content) {
  auto pattern = (std::filesystem::temp_directory_path() / "sluice-signed-XXXXXX").string();
  const int file = ::mkstemp(pattern.data());
  REQUIRE(file >= 0);
  std::ofstream(pattern) << content;
  const auto result =
      output_of({"sh", "-c",
                 "key=$(printf %s \"$2\" | base64 -d | od -An -v -tx1 | tr -d ' \\n'); "
                 "openssl dgst -sha256 -mac HMAC -macopt hexkey:$key -binary \"$1\" | base64 -w0",
                 "sh", pattern, secret.substr(6)});
  std::filesystem::remove(pattern);
  return "v1," + result;
}

}  // namespace

TEST_CASE("a receiver can verify what arrives, byte by byte") {
  ScriptedServer server(answer_all([](Exchange& exchange, const RecordedRequest&) { exchange.answer(202); }));
  auto here = webhook_bench();
  CHECK(here.send(webhook(server.url("/hooks/base?x=1"))) == "202 Accepted");
  const auto requests = server.requests();
  REQUIRE(requests.size() == 1);
  const auto& request = requests[0];
  CHECK(request.method == "POST");
  CHECK(request.target == "/hooks/base?x=1");
  CHECK(request.headers.at("content-type") == "application/json");
  CHECK(request.headers.at("webhook-id") == "rebuild-ca1b");
  CHECK(request.headers.at("webhook-signature") ==
        openssl_signature("rebuild-ca1b." + request.headers.at("webhook-timestamp") + "." + request.body));
}

TEST_CASE("a redirect is not followed") {
  ScriptedServer server(answer_all([](Exchange& exchange, const RecordedRequest&) {
    exchange.answer(307, "", "Location: /elsewhere\r\n");
  }));
  auto here = webhook_bench();
  CHECK(here.failure(webhook(server.url())).kind() == ErrorKind::invalid);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("C4: a receiver that asks to wait is waited for") {
  ScriptedServer server(answer_all([](Exchange& exchange, const RecordedRequest&) {
    exchange.answer(429, "slow down", "Retry-After: 17\r\n");
  }));
  auto here = webhook_bench();
  const auto error = here.failure(webhook(server.url()));
  CHECK(error.kind() == ErrorKind::rate_limited);
  CHECK(error.retry_after() == std::chrono::seconds(17));
  CHECK_THAT(error.what(), Contains("slow down"));
}

TEST_CASE("C3: a receiver that never answers is given up") {
  ScriptedServer server([](Exchange& exchange) {
    exchange.read_request();
    exchange.stall();
  });
  auto here = webhook_bench();
  CHECK(here.failure(webhook(server.url(), ", timeout: 300ms")).kind() == ErrorKind::timeout);
}

TEST_CASE("C3: an error whose body never ends is told all the same") {
  ScriptedServer server([](Exchange& exchange) {
    exchange.read_request();
    exchange.write("HTTP/1.1 500 Oops\r\nContent-Length: 100000\r\n\r\nbroken");
    exchange.stall();
  });
  auto here = webhook_bench();
  const auto error = here.failure(webhook(server.url(), ", timeout: 300ms"));
  CHECK(error.kind() == ErrorKind::unavailable);
  CHECK_THAT(error.what(), Contains("500") && Contains("broken"));
}

TEST_CASE("C2: an answer that breaks off is tried again later") {
  ScriptedServer server([](Exchange& exchange) {
    exchange.read_request();
    exchange.write("HTTP/1.1 20");
  });
  auto here = webhook_bench();
  CHECK(is_transient(here.failure(webhook(server.url())).kind()));
}

TEST_CASE("a receiver that is not there is tried again later") {
  std::string url;
  {
    const ScriptedServer server([](Exchange&) {});
    url = server.url("/hooks/token-canary?key=canary");
  }
  auto here = webhook_bench();
  const auto error = here.failure(webhook(url));
  CHECK(error.kind() == ErrorKind::unavailable);
  CHECK_THAT(error.what(), Contains("refused") && Contains("127.0.0.1:"));
  // D11: the path may be what keeps the address secret.
  CHECK_THAT(error.what(), !Contains("canary"));
}

TEST_CASE("a receiver whose certificate nobody vouches for gets nothing") {
  Authority authority;
  ScriptedServer server(answer_all([](Exchange& exchange, const RecordedRequest&) { exchange.answer(202); }),
                        authority.issue());
  auto here = webhook_bench();
  CHECK(here.failure(webhook(server.url())).kind() == ErrorKind::unavailable);
  CHECK(server.requests().empty());
}
