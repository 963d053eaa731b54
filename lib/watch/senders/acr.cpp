// Azure Container Registry: its own webhooks
// (https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference) and Event Grid
// (https://learn.microsoft.com/azure/event-grid/event-schema-container-registry) in both schemas. One event
// per manifest; children of an index have no tag. Event Grid proves by a handshake that we want its events: a
// POST whose answer repeats a code (Event Grid schema), or OPTIONS (CloudEvents schema).

#include "watch/payload.hpp"
#include "watch/senders/kinds.hpp"

namespace sluice::watch {
namespace {

// The part that all three forms share.
void read_push(const Fields& event, const Reading& reading, Parsed& parsed) {
  const auto target = event.object("target");
  auto tag = target.text("tag");
  if (tag.empty()) return;
  const auto host = event.maybe_object("request").text("host");
  add_image(parsed, in_registry(reading, host, target.required("repository")), std::move(tag));
}

std::string without_prefix(std::string type) {
  for (const std::string_view prefix : {"Microsoft.ContainerRegistry.", "Microsoft.EventGrid."})
    if (type.starts_with(prefix)) return type.substr(prefix.size());
  return type;
}

void add_id(Parsed& parsed, const std::string& id) {
  parsed.id += (parsed.id.empty() ? "" : ",") + id;
}

void read_grid_event(const Fields& event, const Reading& reading, Parsed& parsed) {
  const bool cloud_event = event.has("specversion");
  const auto type = without_prefix(event.required(cloud_event ? "type" : "eventType"));
  add_id(parsed, event.text("id"));
  if (type == "SubscriptionValidationEvent") {
    const auto code = event.object("data").required("validationCode");
    parsed.reply = json{{"validationResponse", code}}.dump();
  }
  if (type == "ImagePushed")
    read_push(event.object("data"), reading, parsed);
  else if (parsed.note.empty())
    parsed.note = type;
}

void read_native(const Fields& event, const Reading& reading, Parsed& parsed) {
  add_id(parsed, event.text("id"));
  const auto action = event.required("action");
  if (action == "push")
    read_push(event, reading, parsed);
  else
    parsed.note = "not a push: " + action;
}

void read_acr_event(const Fields& event, const Reading& reading, Parsed& parsed) {
  if (event.has("eventType") || event.has("specversion"))
    read_grid_event(event, reading, parsed);
  else
    read_native(event, reading, parsed);
}

Parsed parse_acr(const Delivery& delivery, const Reading& reading) {
  const auto payload = read_payload(delivery.body);
  Parsed parsed;
  if (payload.is_array())
    for (const auto& event : payload)
      read_acr_event(Fields(event, "the event"), reading, parsed);
  else
    read_acr_event(Fields(payload), reading, parsed);
  if (parsed.events.empty() && parsed.note.empty()) parsed.note = "no push of a tag";
  return parsed;
}

}  // namespace

const Sender acr_sender{
    .name = "acr",
    .parse = parse_acr,
    .signature = {},
    .registry = {},
    .handshake = true,
    .advice = "bearer: {env: ACR_HOOK_SECRET}, or token: {env: ACR_HOOK_TOKEN} for Event Grid",
    .steps = R"(1. az acr webhook create --registry REGISTRY --name sluice --actions push \
     --uri {url} --headers "Authorization=Bearer SECRET"
   where SECRET is {secret}.
2. az acr webhook ping --registry REGISTRY --name sluice)",
    .token_steps = R"(Webhooks of the registry:
1. az acr webhook create --registry REGISTRY --name sluice --actions push \
     --uri {url}
2. az acr webhook ping --registry REGISTRY --name sluice
Or Event Grid:
1. az eventgrid event-subscription create --name sluice --source-resource-id REGISTRY_RESOURCE_ID \
     --endpoint {url} \
     --included-event-types Microsoft.ContainerRegistry.ImagePushed
   The handshake of either schema is answered by sluice.)"};

}  // namespace sluice::watch
