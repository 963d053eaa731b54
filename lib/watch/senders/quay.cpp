// Quay (https://docs.quay.io/guides/notifications.html, "Repository Push"). It signs nothing and gives a
// delivery no name; the same body comes for each push of a tag.

#include "watch/payload.hpp"
#include "watch/senders/kinds.hpp"

namespace sluice::watch {
namespace {

// A list; in payloads of 2013 an object, tag to image id.
std::vector<std::string> updated_tags(const Fields& fields) {
  const auto* tags = fields.find("updated_tags");
  if (!tags || !tags->is_object()) return fields.texts("updated_tags");
  std::vector<std::string> names;
  for (const auto& [tag, id] : tags->items())
    names.push_back(tag);
  return names;
}

Parsed parse_quay(const Delivery& delivery, const Reading& reading) {
  const auto payload = read_payload(delivery.body);
  const Fields fields(payload);
  const auto path = fields.required("repository");
  const auto host = host_of(fields.text("docker_url"));
  Parsed parsed;
  for (auto& tag : updated_tags(fields))
    add_image(parsed, in_registry(reading, host.empty() ? "quay.io" : host, path), std::move(tag));
  if (parsed.events.empty()) parsed.note = "no tag was updated";
  return parsed;
}

}  // namespace

const Sender quay_sender{
    .name = "quay",
    .parse = parse_quay,
    .signature = {},
    .registry = {},
    .advice = "token: {env: QUAY_HOOK_TOKEN}",
    .steps =
        R"(1. Quay: open the repository, then "Settings", "Events and Notifications", "Create Notification".
2. When this event occurs: Push to Repository. Then issue a notification: Webhook POST.
3. Webhook URL: {url}   POST JSON body template: leave empty.
4. Create Notification; its menu has "Test Notification".
Quay signs nothing: whoever knows the URL can send.)"};

}  // namespace sluice::watch
