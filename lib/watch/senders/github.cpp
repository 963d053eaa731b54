// GitHub: packages (https://docs.github.com/webhooks/webhook-events-and-payloads#registry_package and
// #package), of which both events come for one push when both are subscribed, each with one tag, none for
// children of an index; and pushes to git (#push).

#include "core/error.hpp"
#include "core/text.hpp"
#include "watch/form.hpp"
#include "watch/git_push.hpp"
#include "watch/payload.hpp"
#include "watch/senders/kinds.hpp"

namespace sluice::watch {
namespace {

bool is_container(const Fields& package) {
  for (const char* name : {"package_type", "ecosystem"}) {
    const auto type = lower(package.text(name));
    if (type == "container" || type == "docker") return true;
  }
  return false;
}

// "ghcr.io/Owner/name:tag", where the tag may be missing but not its colon; else owner and name.
std::string repository_of(const Fields& package, const Fields& version) {
  auto url = version.text("package_url");
  if (url.empty() || url.find("://") != std::string::npos)
    return lower("ghcr.io/" + package.required("namespace") + "/" + package.required("name"));
  const auto colon = url.rfind(':');
  if (colon != std::string::npos && url.find('/', colon) == std::string::npos) url.erase(colon);
  return lower(url);
}

Parsed read(const json& payload, const std::string& event, const Reading& reading) {
  Parsed parsed;
  const Fields fields(payload);
  if (event == "push") {
    add_git_push(parsed, fields, fields.object("repository"), {"clone_url", "ssh_url", "html_url"});
    return parsed;
  }
  if (event != "package" && event != "registry_package") {
    parsed.note = event.empty() ? "no X-GitHub-Event header" : "neither a package nor a push: " + event;
    return parsed;
  }
  const auto package = fields.object(event.c_str());
  const auto action = fields.text("action");
  if ((action != "published" && action != "updated") || !is_container(package)) {
    parsed.note = "not a push of a container image: " + action;
    return parsed;
  }
  const auto version = package.object("package_version");
  auto repository = repository_of(package, version);
  if (const auto slash = repository.find('/'); !reading.registry.empty() && slash != std::string::npos)
    repository = reading.registry + repository.substr(slash);
  add_image(parsed, std::move(repository),
            version.maybe_object("container_metadata").maybe_object("tag").text("name"));
  if (parsed.events.empty()) parsed.note = "pushed by digest, no tag moved";
  return parsed;
}

Parsed parse_github(const Delivery& delivery, const Reading& reading) {
  const auto type = delivery.headers.get("Content-Type").value_or("");
  std::optional<std::string> form;
  // "Content type: application/x-www-form-urlencoded" is what the settings page offers first.
  if (lower(type).starts_with("application/x-www-form-urlencoded")) {
    form = form_field(delivery.body, "payload");
    if (!form) throw Error(ErrorKind::invalid, "the form has no field 'payload'");
  }
  const auto payload = read_payload(form ? std::string_view(*form) : delivery.body);
  auto parsed = read(payload, delivery.headers.get("X-GitHub-Event").value_or(""), reading);
  parsed.id = delivery.headers.get("X-GitHub-Delivery").value_or("");
  return parsed;
}

}  // namespace

const Sender github_sender{
    .name = "github",
    .parse = parse_github,
    .signature = Signature{.headers = {"X-Hub-Signature-256"}, .prefix = "sha256="},
    .registry = {},
    .advice = "secret: {env: GITHUB_HOOK_SECRET}",
    .steps =
        R"(1. GitHub: "Settings" of the organisation (or of the repository that the package belongs to), "Webhooks", "Add webhook".
2. Payload URL: {url}   Content type: application/json
3. Secret: {secret}.
4. "Let me select individual events": Registry packages for images, Pushes for the sources of dependents. Nothing else.
5. Add webhook; GitHub sends a ping, which must show 200 under "Recent Deliveries".)"};

}  // namespace sluice::watch
