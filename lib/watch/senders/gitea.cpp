// Gitea and Forgejo, events of packages and pushes to git (https://docs.gitea.com/usage/webhooks,
// https://forgejo.org/docs/latest/user/webhooks/). Every manifest makes an event; names and tags come in
// lower case, and a digest as version for children of an index. The address of the registry is that of the
// site.

#include "core/text.hpp"
#include "watch/git_push.hpp"
#include "watch/payload.hpp"
#include "watch/senders/kinds.hpp"

namespace sluice::watch {
namespace {

std::string header(const Delivery& delivery, const std::string& name) {
  for (const char* prefix : {"X-Forgejo-", "X-Gitea-"})
    if (auto value = delivery.headers.get(prefix + name)) return *value;
  return {};
}

Parsed parse_gitea(const Delivery& delivery, const Reading& reading) {
  const auto payload = read_payload(delivery.body);
  Parsed parsed;
  parsed.id = header(delivery, "Delivery");
  const auto event = header(delivery, "Event");
  const Fields fields(payload);
  if (event == "push") {
    add_git_push(parsed, fields, fields.object("repository"), {"clone_url", "ssh_url", "html_url"});
    return parsed;
  }
  if (event != "package") {
    parsed.note = event.empty() ? "no X-Gitea-Event header" : "neither a package nor a push: " + event;
    return parsed;
  }
  const auto package = fields.object("package");
  const auto action = fields.text("action");
  if (action != "created" || package.text("type") != "container") {
    parsed.note = "not a push of a container image: " + action;
    return parsed;
  }
  const auto owner = package.object("owner");
  const auto path = owner.required("login") + "/" + package.required("name");
  add_image(parsed, in_registry(reading, host_of(package.text("html_url")), lower(path)),
            package.required("version"));
  for (auto& each : parsed.events)
    each.any_case = true;
  if (parsed.events.empty()) parsed.note = "pushed by digest, no tag moved";
  return parsed;
}

}  // namespace

const Sender gitea_sender{
    .name = "gitea",
    .parse = parse_gitea,
    .signature = Signature{.headers = {"X-Forgejo-Signature", "X-Gitea-Signature"}, .prefix = {}},
    .registry = {},
    .advice = "secret: {env: GITEA_HOOK_SECRET}",
    .steps =
        R"(1. Gitea or Forgejo: "Settings" of the organisation or user that owns the package, "Webhooks", "Add Webhook".
2. Target URL: {url}   HTTP method: POST   Content type: application/json
3. Secret: {secret}.
4. Trigger on: custom events, Package for images, Push for the sources of dependents. Nothing else.
5. Add Webhook; its page has "Test Delivery".
The server must allow the host of sluice: [webhook] ALLOWED_HOST_LIST in app.ini.)"};

}  // namespace sluice::watch
