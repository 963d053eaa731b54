// Harbor (https://goharbor.io/docs/main/working-with-projects/project-configuration/configure-webhooks/): its
// own payload and CloudEvents. The "Auth Header" of the policy is sent as Authorization, as it is. Harbor
// waits three seconds for the answer.

#include "watch/payload.hpp"
#include "watch/senders/kinds.hpp"

namespace sluice::watch {
namespace {

// "host/project/name:tag" or "...@digest".
std::string registry_of(const Fields& resource) {
  return host_of(resource.text("resource_url"));
}

Parsed parse_harbor(const Delivery& delivery, const Reading& reading) {
  const auto payload = read_payload(delivery.body);
  const Fields fields(payload);
  const bool cloud_event = fields.has("specversion");
  const auto type = fields.required("type");
  Parsed parsed;
  if (cloud_event) parsed.id = fields.text("id");
  parsed.body_is_unique = true;  // occur_at or time, and the digest
  // "pushImage" is the name of Harbor 1.x.
  if (type != "PUSH_ARTIFACT" && type != "harbor.artifact.pushed" && type != "pushImage") {
    parsed.note = "not a push: " + type;
    return parsed;
  }
  const auto data = fields.object(cloud_event ? "data" : "event_data");
  const auto path = data.object("repository").required("repo_full_name");
  for (const auto& resource : data.objects("resources"))
    add_image(parsed, in_registry(reading, registry_of(resource), path), resource.text("tag"));
  if (parsed.events.empty()) parsed.note = "pushed by digest, no tag moved";
  return parsed;
}

}  // namespace

const Sender harbor_sender{
    .name = "harbor",
    .parse = parse_harbor,
    .signature = Signature{.kind = Signature::Kind::plain, .headers = {"Authorization"}, .prefix = {}},
    .registry = {},
    .advice = "secret: {env: HARBOR_AUTH_HEADER}",
    .steps = R"(1. Harbor: open the project, then "Webhooks", "New Webhook".
2. Notify Type: http. Payload Format: Default or CloudEvents. Event Type: Artifact pushed.
3. Endpoint URL: {url}
4. Auth Header: {secret}.
5. Verify Remote Certificate: leave on. Add.)"};

}  // namespace sluice::watch
