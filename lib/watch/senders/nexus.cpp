// Sonatype Nexus (https://help.sonatype.com/en/working-with-webhooks.html): repository webhooks for
// components and assets. Signed by HMAC-SHA1. A payload names neither host nor digest.

#include "watch/payload.hpp"
#include "watch/senders/kinds.hpp"

namespace sluice::watch {
namespace {

// "v2/team/app/manifests/1.2.3".
void add_asset(Parsed& parsed, const Reading& reading, std::string name) {
  while (name.starts_with('/'))
    name.erase(0, 1);
  constexpr std::string_view middle = "/manifests/";
  const auto found = name.rfind(middle);
  if (!name.starts_with("v2/") || found == std::string::npos || found <= 3) return;
  add_image(parsed, in_registry(reading, {}, name.substr(3, found - 3)), name.substr(found + middle.size()));
}

Parsed parse_nexus(const Delivery& delivery, const Reading& reading) {
  const auto payload = read_payload(delivery.body);
  const Fields fields(payload);
  Parsed parsed;
  parsed.id = delivery.headers.get("X-Nexus-Webhook-Delivery").value_or("");
  const bool of_component = fields.has("component");
  const auto thing = fields.maybe_object(of_component ? "component" : "asset");
  const auto action = fields.text("action");
  if (thing.text("format") != "docker") {
    parsed.note = "not a docker repository";
  } else if (action != "CREATED" && action != "UPDATED") {
    parsed.note = "not a push: " + action;
  } else if (of_component) {
    add_image(parsed, in_registry(reading, {}, thing.required("name")), thing.text("version"));
  } else {
    add_asset(parsed, reading, thing.required("name"));
  }
  if (parsed.events.empty() && parsed.note.empty()) parsed.note = "no tag moved";
  return parsed;
}

}  // namespace

const Sender nexus_sender{
    .name = "nexus",
    .parse = parse_nexus,
    .signature = Signature{.hash = net::Hash::sha1, .headers = {"X-Nexus-Webhook-Signature"}, .prefix = {}},
    .registry = {},
    .needs_registry = true,
    .advice = "secret: {env: NEXUS_HOOK_SECRET}",
    .steps =
        R"(1. Nexus, as administrator: "System", "Capabilities", "Create capability", "Webhook: Repository".
2. Repository: the hosted docker repository. Event Types: component.
3. URL: {url}   Secret Key: {secret}.
4. Create capability.)"};

}  // namespace sluice::watch
