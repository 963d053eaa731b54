// Who is let in: each proof, right, wrong and missing.

#include "watch/proof.hpp"

#include "core/error.hpp"
#include "support/rsa_signer.hpp"
#include "support/webhook_payloads.hpp"
#include "watch/jwks.hpp"
#include "watch/payload.hpp"
#include "watch/sns.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::watch;
using namespace std::chrono_literals;
using Result = Verdict::Result;

namespace {

const std::string body = R"({"a":1})";

Hook hook_of_sender(const std::string& name) {
  Hook hook;
  hook.sender = sender(name);
  return hook;
}

Verdict verdict_of(const Hook& hook, const net::Headers& headers, const std::string& text = body,
                   const std::string& token = {}, const std::string& peer = "192.0.2.1",
                   Time now = SystemClock().now(), const Documents& documents = {}) {
  return check(hook, {.headers = headers, .body = text, .token = token, .source = parse_address(peer)}, now,
               documents);
}

bool opens(const Hook& hook, const net::Headers& headers, const std::string& text = body,
           const std::string& token = {}) {
  return verdict_of(hook, headers, text, token).result == Result::good;
}

}  // namespace

TEST_CASE("bearer and basic") {
  auto hook = hook_of_sender("acr");
  hook.bearer = Secret("s3cret-s3cret");
  CHECK(opens(hook, {{"Authorization", "Bearer s3cret-s3cret"}}));
  CHECK(opens(hook, {{"authorization", "bearer s3cret-s3cret"}}));
  for (const char* wrong : {"Bearer s3cret-s3cre", "Bearer s3cret-s3cretx", "Bearer ", "Bearer",
                            "s3cret-s3cret", "Basic s3cret-s3cret", ""})
    CHECK_FALSE(opens(hook, {{"Authorization", wrong}}));
  CHECK_FALSE(opens(hook, {}));

  auto basic = hook_of_sender("acr");
  basic.username = "sluice";
  basic.password = Secret("pass:word");
  CHECK(opens(basic, {{"Authorization", "Basic " + net::base64_encode("sluice:pass:word")}}));
  CHECK_FALSE(opens(basic, {{"Authorization", "Basic " + net::base64_encode("sluice:pass")}}));
  CHECK_FALSE(opens(basic, {{"Authorization", "Basic ???"}}));
}

TEST_CASE("A header, and a token in the address") {
  auto hook = hook_of_sender("ecr");
  hook.header_name = "X-Api-Key";
  hook.header_value = Secret("fixture-secret");
  CHECK(opens(hook, {{"x-api-key", "fixture-secret"}}));
  CHECK_FALSE(opens(hook, {{"X-Api-Key", "fixture-secreT"}}));
  CHECK_FALSE(opens(hook, {}));
  hook.token = Secret("in-the-address");
  CHECK_FALSE(opens(hook, {{"x-api-key", "fixture-secret"}}));
  CHECK_FALSE(opens(hook, {}, body, "in-the-address"));
  CHECK(opens(hook, {{"x-api-key", "fixture-secret"}}, body, "in-the-address"));
}

TEST_CASE("Each signing sender's signature holds for its body and secret only") {
  for (const auto& [name, payload] :
       std::vector<std::pair<std::string, std::string>>{{"github", "github-ping"},
                                                        {"github", "github-package-published"},
                                                        {"gitea", "gitea-package-created"},
                                                        {"nexus", "nexus-component-docker"},
                                                        {"artifactory", "jfrog-docker_pushed"},
                                                        {"harbor", "harbor-push_artifact"}}) {
    INFO(payload);
    const auto sent = test::webhook_payload(payload);
    auto hook = hook_of_sender(name);
    hook.secret = Secret("fixture-secret");
    CHECK(opens(hook, sent.headers, sent.body));
    CHECK_FALSE(opens(hook, {}, sent.body));
    if (sender(name)->signature->kind != Signature::Kind::plain)
      CHECK_FALSE(opens(hook, sent.headers, sent.body + " "));
    hook.secret = Secret("fixture-secreT");
    CHECK_FALSE(opens(hook, sent.headers, sent.body));
  }
}

TEST_CASE("artifactory may send the secret itself; github may not") {
  auto hook = hook_of_sender("artifactory");
  hook.secret = Secret("fixture-secret");
  CHECK(opens(hook, {{"X-JFrog-Event-Auth", "fixture-secret"}}));
  auto github = hook_of_sender("github");
  github.secret = Secret("fixture-secret");
  CHECK_FALSE(opens(github, {{"X-Hub-Signature-256", "fixture-secret"}}));
  CHECK_FALSE(opens(github, {{"X-Hub-Signature-256", "sha256="}}));
}

TEST_CASE("A signature of one's own: header, hash, prefix and encoding are configured") {
  auto hook = hook_of_sender("generic");
  hook.hmac = Hmac{.how = {.hash = net::Hash::sha512, .headers = {"X-Sig"}, .prefix = "v=", .base64 = true},
                   .secret = Secret("fixture-secret")};
  const auto code = net::base64_encode(net::hmac(net::Hash::sha512, "fixture-secret", body));
  CHECK(opens(hook, {{"X-Sig", "v=" + code}}));
  CHECK_FALSE(opens(hook, {{"X-Sig", code}}));
  CHECK_FALSE(opens(hook, {{"X-Sig", "fixture-secret"}}));
}

TEST_CASE("Standard Webhooks: the signature, several of them, and the window of the timestamp") {
  const auto sent = test::webhook_payload("generic-standardwebhooks");
  auto hook = hook_of_sender("generic");
  hook.standard = Secret("fixture-secret");
  const Time signed_at{std::chrono::seconds(1614265330)};
  const auto result = [&](const net::Headers& headers, Time now) {
    return verdict_of(hook, headers, sent.body, {}, "192.0.2.1", now).result;
  };
  CHECK(result(sent.headers, signed_at) == Result::good);
  CHECK(result(sent.headers, signed_at + 4min) == Result::good);
  CHECK(result(sent.headers, signed_at + 6min) == Result::stale);
  CHECK(result(sent.headers, signed_at - 6min) == Result::stale);
  auto later = sent.headers;
  later.set("webhook-timestamp", "1614265331");
  CHECK(result(later, signed_at) == Result::refused);
  auto several = sent.headers;
  several.set("webhook-signature", "v1,AAAA v1a,xxx " + *sent.headers.get("webhook-signature"));
  CHECK(result(several, signed_at) == Result::good);
  auto none = sent.headers;
  none.remove("webhook-id");
  CHECK(result(none, signed_at) == Result::refused);
}

TEST_CASE("Source addresses") {
  auto hook = hook_of_sender("quay");
  hook.allow_from = {*parse_network("192.0.2.0/24")};
  CHECK(verdict_of(hook, {}, body, {}, "192.0.2.9").result == Result::good);
  CHECK(verdict_of(hook, {}, body, {}, "192.0.3.9").result == Result::refused);
  CHECK(verdict_of(hook, {}, body, {}, "uid:0").result == Result::refused);
}

TEST_CASE("A token of OpenID Connect holds for its issuer, audience, account, time and key") {
  const test::RsaSigner signer;
  const test::RsaSigner other;
  auto hook = hook_of_sender("gar");
  hook.oidc = Oidc{.issuer = "https://accounts.google.com",
                   .audience = "https://example.com/hooks/gar",
                   .email = "push@my-project.iam.gserviceaccount.com",
                   .keys = read_keys(signer.key_set("one")),
                   .keys_url = {}};
  const Time now{std::chrono::seconds(1'800'000'000)};
  const json claims{{"iss", "https://accounts.google.com"},
                    {"aud", "https://example.com/hooks/gar"},
                    {"email", "push@my-project.iam.gserviceaccount.com"},
                    {"email_verified", true},
                    {"iat", 1'799'999'990},
                    {"exp", 1'800'003'590}};
  const auto why = [&](const std::string& token) {
    const auto verdict = verdict_of(hook, {{"Authorization", "Bearer " + token}}, body, {}, "192.0.2.1", now);
    return verdict.result == Result::good ? std::string("good") : verdict.why;
  };
  const auto with = [&](const char* name, const json& value) {
    auto changed = claims;
    changed[name] = value;
    return why(signer.token(changed.dump()));
  };
  CHECK(why(signer.token(claims.dump())) == "good");
  CHECK(with("iss", "accounts.google.com") == "good");
  CHECK(with("aud", json::array({"x", "https://example.com/hooks/gar"})) == "good");
  CHECK(with("iss", "https://evil.example.com") == "the token is of another issuer");
  CHECK(with("aud", "https://example.com/hooks/other") == "the token is for another audience");
  CHECK(with("email", "other@my-project.iam.gserviceaccount.com") == "the token is of another account");
  CHECK(with("email_verified", false) == "the account of the token is not verified");
  CHECK(with("exp", 1'799'999'000) == "the token has expired");
  CHECK(with("exp", "tomorrow") == "the token has expired");
  CHECK(with("iat", 1'800'001'000) == "the token is of the future");
  CHECK(why(other.token(claims.dump())) == "the token's signature is wrong");
  CHECK(why(signer.token(claims.dump(), R"({"alg":"none","kid":"one"})")) ==
        "the token is not signed by RS256");
  CHECK(why(signer.token(claims.dump(), R"({"alg":"HS256","kid":"one"})")) ==
        "the token is not signed by RS256");
  CHECK(why(signer.token(claims.dump(), R"({"alg":"RS256","kid":"two"})")) ==
        "the token is signed by an unknown key");
  CHECK(why("a.b") == "there is no token");
  CHECK(why("a.b.c") != "good");
  CHECK(
      why(test::webhook_payload("google-artifactregistry-insert").headers.get("Authorization")->substr(7)) !=
      "good");
  CHECK(verdict_of(hook, {}).result == Result::refused);
}

TEST_CASE("Keys at an address are asked for, and used when they are there") {
  const test::RsaSigner signer;
  auto hook = hook_of_sender("gar");
  const std::string url = "https://keys.example.com/certs";
  hook.oidc = Oidc{.issuer = "i", .audience = "a", .email = "e", .keys = {}, .keys_url = url};
  const auto token =
      signer.token(R"({"iss":"i","aud":"a","email":"e","email_verified":true,"exp":9999999999})");
  const net::Headers headers{{"Authorization", "Bearer " + token}};
  const auto first = verdict_of(hook, headers);
  CHECK(first.result == Result::wanting);
  CHECK(first.wants == url);
  const auto with = [&](const std::string& document) {
    return verdict_of(hook, headers, body, {}, "192.0.2.1", SystemClock().now(), {{url, document}}).result;
  };
  CHECK(with(signer.key_set("one")) == Result::good);
  CHECK(with("<html>") == Result::refused);
  CHECK(with("{}") == Result::refused);
}

namespace {

struct SnsScene {
  test::RsaSigner signer;
  json message = json::parse(test::webhook_payload("aws-ecr-via-sns-notification").body);
  Hook hook = hook_of_sender("ecr");
  Time now = SystemClock().now();

  SnsScene() {
    hook.topics = {"arn:aws:sns:us-west-2:123456789012:ecr-push"};
    message["Timestamp"] = format_time(now);
    sign("1");
  }
  void sign(const std::string& version) {
    message["SignatureVersion"] = version;
    message["Signature"] = net::base64_encode("x");
    const auto text = read_sns(message.dump()).signed_text;
    message["Signature"] = net::base64_encode(signer.sign(version == "1" ? EVP_sha1() : EVP_sha256(), text));
  }
  Verdict verdict(const std::string& certificate) const {
    return verdict_of(hook, {}, message.dump(), {}, "192.0.2.1", now,
                      {{message["SigningCertURL"], certificate}});
  }
  Verdict verdict() const { return verdict(signer.certificate()); }
};

}  // namespace

TEST_CASE("Amazon SNS: the signature of either version holds for its message and topic") {
  SnsScene scene;
  CHECK(verdict_of(scene.hook, {}, scene.message.dump()).result == Result::wanting);
  CHECK(scene.verdict().result == Result::good);
  scene.sign("2");
  CHECK(scene.verdict().result == Result::good);
  scene.message["Subject"] = "added later";
  CHECK(scene.verdict().result == Result::refused);
  scene.sign("2");
  CHECK(scene.verdict().result == Result::good);
  CHECK(scene.verdict(test::RsaSigner().certificate()).result == Result::refused);
  CHECK(scene.verdict(scene.signer.certificate(-7200, -3600)).result == Result::refused);
  CHECK(scene.verdict("no certificate").result == Result::refused);
  scene.hook.topics = {"arn:aws:sns:us-west-2:123456789012:other"};
  CHECK(scene.verdict().result == Result::refused);
}

TEST_CASE("Amazon SNS: what is signed of a confirmation is what Amazon prints") {
  auto message = json::parse(test::webhook_payload("aws-sns-subscription_confirmation").body);
  message["Signature"] = net::base64_encode("x");
  CHECK(read_sns(message.dump()).signed_text ==
        "Message\n" + message["Message"].get<std::string>() +
            "\nMessageId\n165545c9-2a5c-472c-8df2-7ff2be2b3b1b\nSubscribeURL\n" +
            message["SubscribeURL"].get<std::string>() +
            "\nTimestamp\n2012-04-26T20:45:04.751Z\nToken\n2336412f37...\nTopicArn\n"
            "arn:aws:sns:us-west-2:123456789012:ecr-push\nType\nSubscriptionConfirmation\n");
}

TEST_CASE("Amazon SNS: an old message is stale") {
  SnsScene scene;
  scene.now += 2h;
  CHECK(scene.verdict(scene.signer.certificate(-3600, 36'000)).result == Result::stale);
}

TEST_CASE("Amazon SNS: the address of a certificate has one text, however it is written") {
  SnsScene scene;
  const std::string address = "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-1.pem";
  for (const char* url : {"https://sns.us-west-2.amazonaws.com:443/SimpleNotificationService-1.pem",
                          "HTTPS://SNS.us-west-2.amazonaws.com/SimpleNotificationService-1.pem#1"}) {
    INFO(url);
    scene.message["SigningCertURL"] = url;
    CHECK(read_sns(scene.message.dump()).certificate_url == address);
  }
}

TEST_CASE("Amazon SNS: no certificate is asked for anywhere else") {
  SnsScene scene;
  for (const char* url :
       {"http://sns.us-west-2.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.us-west-2.amazonaws.com.evil.example.com/SimpleNotificationService-1.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://evil.example.com/SimpleNotificationService-1.pem",
        "https://sns.us-west-2.amazonaws.com:8443/SimpleNotificationService-1.pem",
        "https://sns.us-west-2.amazonaws.com/?Action=Publish&x=SimpleNotificationService-1.pem",
        "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-1.pem?x=.pem",
        "https://sns.us-west-2.amazonaws.com/SimpleNotificationService/../-1.pem",
        "https://sns.us-west-2.amazonaws.com/SimpleNotificationService%2D1.pem",
        "https://127.0.0.1/SimpleNotificationService-1.pem", "file:///etc/passwd", ""}) {
    INFO(url);
    scene.message["SigningCertURL"] = url;
    CHECK(scene.verdict().result == Result::refused);
    CHECK(verdict_of(scene.hook, {}, scene.message.dump()).result == Result::refused);
  }
  CHECK(is_sns_address(net::Url::parse("https://sns.cn-north-1.amazonaws.com.cn/x"), "cn-north-1"));
}
