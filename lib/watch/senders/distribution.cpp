// CNCF distribution (docker-registry), notifications
// (https://distribution.github.io/distribution/about/notifications/): one envelope, many events. It tries
// again for ever whatever is not answered 2xx or 3xx, and blocks its queue meanwhile, so what is well formed
// and means nothing to us is accepted.

#include "watch/payload.hpp"
#include "watch/senders/kinds.hpp"

namespace sluice::watch {

Parsed parse_distribution(const Delivery& delivery, const Reading& reading) {
  const auto payload = read_payload(delivery.body);
  const Fields envelope(payload);
  if (!envelope.has("events")) envelope.fail("events", "is missing");
  Parsed parsed;
  for (const auto& event : envelope.objects("events")) {
    parsed.id += (parsed.id.empty() ? "" : ",") + event.text("id");
    // Pulls, mounts and deletions move no tag; layers and children of an index have none.
    if (event.text("action") != "push") continue;
    const auto target = event.object("target");
    auto tag = target.text("tag");
    if (tag.empty()) continue;
    // The host that the client saw; target.url may hold that of a proxy.
    const auto host = event.maybe_object("request").text("host");
    add_image(parsed, in_registry(reading, host, target.required("repository")), std::move(tag));
  }
  if (parsed.events.empty()) parsed.note = "no push of a tag";
  return parsed;
}

const Sender distribution_sender{.name = "distribution",
                                 .parse = parse_distribution,
                                 .signature = {},
                                 .registry = {},
                                 .advice = "bearer: {env: REGISTRY_HOOK_SECRET}",
                                 .steps = R"(1. In the registry's config.yml:
     notifications:
       endpoints:
         - name: sluice
           url: {url}
           headers: {Authorization: [Bearer SECRET]}
           timeout: 3s
           threshold: 5
           backoff: 10s
           ignore: {actions: [pull]}
   where SECRET is {secret}.
2. Restart the registry.
If clients reach the registry under another name than the one your pipelines watch, set 'registry' here.)"};

}  // namespace sluice::watch
