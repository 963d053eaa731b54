// Webhooks: payloads of every sender, and what is sent as a proof.

#include "core/error.hpp"
#include "core/text.hpp"
#include "net/head.hpp"
#include "net/url.hpp"
#include "target.hpp"
#include "watch/form.hpp"
#include "watch/hook.hpp"
#include "watch/jwks.hpp"
#include "watch/payload.hpp"
#include "watch/proof.hpp"
#include "watch/sender.hpp"
#include "watch/sns.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

using namespace sluice;
using namespace sluice::fuzz;

namespace {

const Time received_at{std::chrono::seconds(1'800'000'000)};

/// One request: a head and a body where the input begins like an HTTP request, a body alone otherwise.
struct Received {
  net::Headers headers;
  std::string_view body;
};

Received received(std::string_view input) {
  const auto size = input.starts_with("POST ") ? net::head_size(input) : std::nullopt;
  if (!size) return {.headers = {}, .body = input};
  const auto head = attempt([&] { return net::parse_request_head(input.substr(0, *size)); });
  return {.headers = head ? head->headers : net::Headers{}, .body = input.substr(*size)};
}

/// The headers by which senders say what a payload is about, all at once.
net::Headers usual_headers() {
  return {{"Content-Type", "application/json"},
          {"X-GitHub-Event", "package"},
          {"X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"},
          {"X-Gitea-Event", "package"},
          {"X-Gitea-Event-Type", "package"},
          {"aeg-event-type", "Notification"},
          {"x-amz-sns-message-type", "Notification"},
          {"X-Nexus-Webhook-Id", "rm:repository:component"},
          {"ce-specversion", "1.0"},
          {"ce-type", "zotregistry.image.updated"},
          {"ce-id", "1"},
          {"ce-source", "zot"}};
}

void check_parsed(const watch::Parsed& parsed) {
  HOLDS(!parsed.events.empty() || !parsed.note.empty() || !parsed.reply.empty() || !parsed.confirm.empty());
  HOLDS(parsed.reply.empty() || nlohmann::json::accept(parsed.reply));
  for (const auto& event : parsed.events) {
    HOLDS(!event.repositories.empty());
    HOLDS(event.every_tag || !event.tags.empty());
    for (const auto& tag : event.tags)
      HOLDS(!tag.empty() && !watch::is_digest(tag));
  }
}

void parse(const watch::Sender& sender, const net::Headers& headers, std::string_view body) {
  const watch::Reading reading{
      .registry = std::string(sender.needs_registry ? "registry.example.com" : sender.registry),
      .fields = {{"image", "/image"}, {"tag", "/tag"}}};
  const auto parsed = attempt([&] { return sender.parse({.headers = headers, .body = body}, reading); });
  if (!parsed) return;
  check_parsed(*parsed);
  // Whom we ask because a message says so: SNS itself, which the proof of the message makes sure of.
  const auto message =
      parsed->confirm.empty() ? std::nullopt : attempt([&] { return watch::read_sns(body); });
  if (message) HOLDS(watch::is_sns_address(net::Url::parse(parsed->confirm), message->region));
}

void parse_as(std::string_view name, std::string_view input) {
  static const auto usual = usual_headers();
  const auto& sender = *watch::sender(name);
  const auto request = received(input);
  parse(sender, request.headers, request.body);
  if (request.headers.fields().empty()) parse(sender, usual, request.body);
}

/// Google's of an old year: nobody here has its private half.
constexpr std::string_view key_set =
    R"({"keys":[{"kty":"RSA","alg":"RS256","use":"sig","kid":"1","e":"AQAB","n":")"
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"
    "BJECPebWKRXjBZCiFV4n3oknjhMs"
    "tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"
    "FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5haj"
    R"(rn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}]})";

watch::Hook hook_of(const watch::Sender& sender, std::size_t way) {
  watch::Hook hook;
  hook.sender = &sender;
  if (way == 0) hook.secret = Secret("a secret that nobody sends");
  if (way == 1) hook.bearer = Secret("a secret that nobody sends");
  if (way == 2) hook.username = "user", hook.password = Secret("a secret that nobody sends");
  if (way == 3) hook.header_name = "X-Secret", hook.header_value = Secret("a secret that nobody sends");
  if (way == 4) hook.standard = Secret("a secret that nobody sends");
  if (way == 5) hook.token = Secret("a secret that nobody sends");
  if (way == 6)
    hook.oidc = watch::Oidc{.issuer = "https://accounts.google.com",
                            .audience = "https://hooks.example.com",
                            .email = "push@example.com",
                            .keys = watch::read_keys(key_set),
                            .keys_url = ""};
  if (way == 7) hook.topics = {"arn:aws:sns:us-west-2:123456789012:MyTopic"};
  return hook;
}

}  // namespace

// Each sender reads the payloads of all: what is meant for one must not hurt another.
SLUICE_FUZZ_TARGET(watch_sender_acr, "tests/data/webhooks") {
  parse_as("acr", input);
}
SLUICE_FUZZ_TARGET(watch_sender_aliyun, "tests/data/webhooks") {
  parse_as("aliyun", input);
}
SLUICE_FUZZ_TARGET(watch_sender_artifactory, "tests/data/webhooks") {
  parse_as("artifactory", input);
}
SLUICE_FUZZ_TARGET(watch_sender_cloudevents, "tests/data/webhooks") {
  parse_as("cloudevents", input);
}
SLUICE_FUZZ_TARGET(watch_sender_distribution, "tests/data/webhooks") {
  parse_as("distribution", input);
}
SLUICE_FUZZ_TARGET(watch_sender_dockerhub, "tests/data/webhooks") {
  parse_as("dockerhub", input);
}
SLUICE_FUZZ_TARGET(watch_sender_ecr, "tests/data/webhooks") {
  parse_as("ecr", input);
}
SLUICE_FUZZ_TARGET(watch_sender_gar, "tests/data/webhooks") {
  parse_as("gar", input);
}
SLUICE_FUZZ_TARGET(watch_sender_generic, "tests/data/webhooks") {
  parse_as("generic", input);
}
SLUICE_FUZZ_TARGET(watch_sender_gitea, "tests/data/webhooks") {
  parse_as("gitea", input);
}
SLUICE_FUZZ_TARGET(watch_sender_github, "tests/data/webhooks") {
  parse_as("github", input);
}
SLUICE_FUZZ_TARGET(watch_sender_gitlab, "tests/data/webhooks") {
  parse_as("gitlab", input);
}
SLUICE_FUZZ_TARGET(watch_sender_harbor, "tests/data/webhooks") {
  parse_as("harbor", input);
}
SLUICE_FUZZ_TARGET(watch_sender_nexus, "tests/data/webhooks") {
  parse_as("nexus", input);
}
SLUICE_FUZZ_TARGET(watch_sender_quay, "tests/data/webhooks") {
  parse_as("quay", input);
}
SLUICE_FUZZ_TARGET(watch_sender_zot, "tests/data/webhooks") {
  parse_as("zot", input);
}

SLUICE_FUZZ_TARGET(watch_form) {
  for (const char* name : {"payload", ""})
    if (const auto value = watch::form_field(input, name)) HOLDS(value->size() <= input.size());
}

// A token in the first line, a set of keys in the rest.
SLUICE_FUZZ_TARGET(watch_token) {
  static const auto known = watch::read_keys(key_set);
  auto rest = input;
  const auto token = take_line(rest);
  const auto keys = attempt([&] { return watch::read_keys(rest); });
  HOLDS(!keys || (!keys->empty() && keys->size() <= 64));
  const watch::Oidc wanted{.issuer = "https://accounts.google.com",
                           .audience = "https://hooks.example.com",
                           .email = "push@example.com",
                           .keys = {},
                           .keys_url = ""};
  for (const auto* set : {&known, keys ? &*keys : &known}) {
    const auto fault = watch::token_fault(token, wanted, *set, received_at, std::chrono::minutes(1));
    HOLDS(set != &known || !fault.empty());
    HOLDS(is_showable(fault) && fault.size() < 1000);
  }
}

SLUICE_FUZZ_TARGET(watch_sns) {
  const auto message = attempt([&] { return watch::read_sns(input); });
  if (message) {
    HOLDS(watch::is_sns_address(net::Url::parse(message->certificate_url), message->region));
    HOLDS(message->signed_text.size() <= input.size() * 4 + 200);
  }
  HOLDS(!watch::is_signed_by(message.value_or(watch::SnsMessage{}), input, received_at));
}

// A request as it came, without knowledge of any secret: no proof holds.
SLUICE_FUZZ_TARGET(watch_proof) {
  const auto request = received(input);
  const watch::Attempt given{
      .headers = request.headers, .body = request.body, .token = "guessed", .source = {}};
  constexpr std::size_t ways = 8;
  for (std::size_t way = 0; way < ways; ++way) {
    const auto& sender = *watch::sender(way == 7 ? "ecr" : way == 6 ? "gar" : "github");
    const auto verdict = watch::check(hook_of(sender, way), given, received_at, {});
    HOLDS(verdict.result != watch::Verdict::Result::good && verdict.result != watch::Verdict::Result::stale);
    HOLDS(is_showable(verdict.why));
    if (!verdict.wants.empty()) HOLDS(net::Url::parse(verdict.wants).scheme == "https");
  }
}
