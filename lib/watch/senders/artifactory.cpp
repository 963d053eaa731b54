// JFrog Artifactory (https://jfrog.com/help/r/jfrog-platform-administration-documentation/domain-docker).
// X-JFrog-Event-Auth is an HMAC-SHA256 when "use secret for payload signing" is on, else the secret itself.

#include "watch/payload.hpp"
#include "watch/senders/kinds.hpp"

namespace sluice::watch {
namespace {

Parsed parse_artifactory(const Delivery& delivery, const Reading& reading) {
  const auto payload = read_payload(delivery.body);
  const Fields fields(payload);
  Parsed parsed;
  const auto type = fields.text("event_type");
  if (fields.text("domain") != "docker" || (type != "pushed" && type != "promoted")) {
    parsed.note = "not a docker push: " + type;
    return parsed;
  }
  const auto data = fields.object("data");
  const auto name = data.required("image_name");
  Event event;
  // The name that clients use depends on the access method: repository path, subdomain or port. A configured
  // prefix decides it.
  event.repositories.push_back(in_registry(reading, host_of(fields.text("jpd_origin")), name));
  if (const auto key = data.text("repo_key"); !key.empty())
    event.repositories.push_back(in_registry(reading, host_of(fields.text("jpd_origin")), key + "/" + name));
  auto tag = data.required("tag");
  if (is_digest(tag)) {
    parsed.note = "pushed by digest, no tag moved";
    return parsed;
  }
  event.tags.push_back(std::move(tag));
  parsed.events.push_back(std::move(event));
  return parsed;
}

}  // namespace

const Sender artifactory_sender{
    .name = "artifactory",
    .parse = parse_artifactory,
    .signature =
        Signature{.kind = Signature::Kind::hmac_or_plain, .headers = {"X-JFrog-Event-Auth"}, .prefix = {}},
    .registry = {},
    .advice = "secret: {env: ARTIFACTORY_HOOK_SECRET}",
    .steps = R"(1. JFrog Platform, "Administration", "General", "Webhooks", "New Webhook".
2. URL: {url}   Events: Docker, "Docker Tag was pushed"; choose the repositories.
3. Secret token: {secret}. Turn on "Use secret for payload signing".
4. Save; "Test Webhook" sends a sample.)"};

}  // namespace sluice::watch
