// The vectors of "aws-sig-v4-test-suite", which AWS published with the signing process.

#include "registry/sigv4.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::registry;

namespace {

const AwsKeys keys{"AKIDEXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), Secret()};
const Time at = *parse_time("2015-08-30T12:36:00Z");

std::string authorization(std::string_view method, const std::string& target,
                          const net::Headers& headers = {}, std::string_view body = "",
                          const std::string& host = "example.amazonaws.com",
                          const std::string& service = "service", const AwsKeys& with = keys) {
  return *sign_v4(with, {"us-east-1", service, at}, method, net::Url::parse("https://" + host + target),
                  headers, body)
              .get("Authorization");
}

std::string signature(const std::string& header) {
  return header.substr(header.rfind('=') + 1);
}

}  // namespace

TEST_CASE("get-vanilla") {
  CHECK(authorization("GET", "/") ==
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST_CASE("post-vanilla") {
  CHECK(signature(authorization("POST", "/")) ==
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

TEST_CASE("get-vanilla-query-order-key-case") {
  CHECK(signature(authorization("GET", "/?Param2=value2&Param1=value1")) ==
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

TEST_CASE("post-x-www-form-urlencoded") {
  CHECK(signature(authorization("POST", "/", {{"Content-Type", "application/x-www-form-urlencoded"}},
                                "Param1=value1")) ==
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
}

TEST_CASE("get-header-value-trim: values lose their spaces") {
  CHECK(signature(authorization("GET", "/", {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}})) ==
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
}

TEST_CASE("the example of the signing guide: a GET of IAM with a query") {
  CHECK(authorization("GET", "/?Action=ListUsers&Version=2010-05-08",
                      {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}}, "",
                      "iam.amazonaws.com", "iam") ==
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

TEST_CASE("a session token is a signed header of its own") {
  AwsKeys session = keys;
  session.session_token = Secret("token");
  const auto added =
      sign_v4(session, {"us-east-1", "ecr", at}, "POST", net::Url::parse("https://e.example/"), {}, "{}");
  CHECK(added.get("X-Amz-Security-Token") == "token");
  CHECK(added.get("X-Amz-Date") == "20150830T123600Z");
  CHECK(added.get("Authorization")->find("SignedHeaders=host;x-amz-date;x-amz-security-token,") !=
        std::string::npos);
}
