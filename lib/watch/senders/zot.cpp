// zot with the events extension (https://zotregistry.dev/latest/articles/event-handling/): CloudEvents in
// binary mode, sent once only. A payload does not name the host.

#include "watch/payload.hpp"
#include "watch/senders/kinds.hpp"

namespace sluice::watch {
namespace {

Parsed parse_zot(const Delivery& delivery, const Reading& reading) {
  const auto payload = read_payload(delivery.body);
  const Fields fields(payload);
  const bool structured = fields.has("specversion");
  Parsed parsed;
  parsed.id = structured ? fields.text("id") : delivery.headers.get("Ce-Id").value_or("");
  const auto type = structured ? fields.text("type") : delivery.headers.get("Ce-Type").value_or("");
  // "zotregistry.image.updated", or another beginning (events.typePrefix).
  if (!type.ends_with(".image.updated")) {
    parsed.note = "not a push: " + type;
    return parsed;
  }
  const auto image = structured ? fields.object("data") : fields;
  add_image(parsed, in_registry(reading, {}, image.required("name")), image.required("reference"));
  if (parsed.events.empty()) parsed.note = "pushed by digest, no tag moved";
  return parsed;
}

}  // namespace

const Sender zot_sender{.name = "zot",
                        .parse = parse_zot,
                        .signature = {},
                        .registry = {},
                        .needs_registry = true,
                        .advice = "bearer: {env: ZOT_HOOK_SECRET}",
                        .steps = R"(1. In zot's config.json:
     "extensions": {"events": {"enable": true, "sinks": [{
       "type": "http", "address": "{url}", "timeout": "10s",
       "credentials": {"token": "SECRET"}}]}}
   where SECRET is {secret}.
2. Restart zot.)"};

}  // namespace sluice::watch
