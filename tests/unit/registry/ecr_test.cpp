#include "registry/ecr.hpp"

#include "core/error.hpp"
#include "net/http.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::registry;
using namespace std::chrono_literals;

namespace {

const Time asked_at = *parse_time("2026-11-24T00:00:00Z");

std::string answer(const std::string& token, const std::string& rest) {
  return R"({"authorizationData":[{"authorizationToken":")" + net::base64_encode(token) + "\"" + rest + "}]}";
}

}  // namespace

TEST_CASE("account, region and API follow from the name of an ECR registry") {
  const auto is = [](const std::string& host, const std::string& region, const std::string& api) {
    INFO(host);
    CHECK(parse_ecr_host(host) == EcrHost{"123456789012", region, api});
  };
  is("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "eu-west-1", "api.ecr.eu-west-1.amazonaws.com");
  is("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "us-east-1", "ecr-fips.us-east-1.amazonaws.com");
  is("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1", "api.ecr.cn-north-1.amazonaws.com.cn");
  is("123456789012.dkr-ecr.eu-west-1.on.aws", "eu-west-1", "ecr.eu-west-1.api.aws");
  for (const std::string host :
       {"", "r.example", "public.ecr.aws", "12345.dkr.ecr.eu-west-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example", "123456789012.dkr.ecr..amazonaws.com",
        "123456789012.dkr.ecr.eu-west-1.evil.example", "123456789012.dkr.ecr.a/b.amazonaws.com",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com:443", "123456789012.dkr"}) {
    INFO(host);
    CHECK(parse_ecr_host(host) == std::nullopt);
  }
}

TEST_CASE("a login of ECR is a user, a password and an end") {
  const auto login = parse_ecr_answer(answer("AWS:pass:word", R"(,"expiresAt":1795521600.5)"), asked_at);
  CHECK(login.credentials.username == "AWS");
  CHECK(login.credentials.password == Secret("pass:word"));
  CHECK(login.credentials.own_host_only);
  CHECK(login.lifetime == 12h);
  CHECK(parse_ecr_answer(answer("AWS:p", R"(,"expiresAt":1795478460)"), asked_at).lifetime == 60s);
  CHECK(parse_ecr_answer(answer("AWS:p", R"(,"expiresAt":1)"), asked_at).lifetime == 1h);
  CHECK(parse_ecr_answer(answer("AWS:p", ""), asked_at).lifetime == 1h);
  CHECK(parse_ecr_answer(answer("AWS:p", R"(,"expiresAt":1e300)"), asked_at).lifetime == 12h);
}

TEST_CASE("D11: an answer of ECR without a login is corrupt and not quoted") {
  for (const auto& body :
       {std::string("canary"), std::string("{}"), std::string(R"({"authorizationData":[]})"),
        std::string(R"({"authorizationData":["canary"]})"), answer("canary", ""), answer("AWS:", ""),
        std::string(R"({"authorizationData":[{"authorizationToken":"canary!"}]})")}) {
    INFO(body);
    try {
      parse_ecr_answer(body, asked_at);
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::corrupt);
      CHECK(std::string(error.what()).find("canary") == std::string::npos);
    }
  }
}
