// GitLab. Its project and group webhooks tell of pushes to git and have no event for images
// (https://docs.gitlab.com/user/project/integrations/webhook_events/#push-events); the registry of a
// self-managed GitLab sends the notifications of the CNCF registry
// (https://docs.gitlab.com/administration/packages/container_registry/, "Configure container registry
// notifications").

#include "watch/git_push.hpp"
#include "watch/payload.hpp"
#include "watch/senders/kinds.hpp"

namespace sluice::watch {
namespace {

// Of a project, a group or the whole server ("System Hook").
Parsed read_project_event(const Fields& fields, const std::string& event) {
  Parsed parsed;
  const auto kind = fields.text("object_kind");
  if (kind == "push" || kind == "tag_push")
    add_git_push(parsed, fields, fields.object("project"), {"git_http_url", "git_ssh_url", "web_url"});
  else
    parsed.note = "not a push: " + event;
  return parsed;
}

Parsed parse_gitlab(const Delivery& delivery, const Reading& reading) {
  if (const auto event = delivery.headers.get("X-Gitlab-Event")) {
    const auto payload = read_payload(delivery.body);
    auto parsed = read_project_event(Fields(payload), *event);
    parsed.id = delivery.headers.get("Idempotency-Key").value_or("");
    return parsed;
  }
  return parse_distribution(delivery, reading);
}

}  // namespace

const Sender gitlab_sender{
    .name = "gitlab",
    .parse = parse_gitlab,
    .signature = Signature{.kind = Signature::Kind::plain, .headers = {"X-Gitlab-Token"}},
    .registry = {},
    .advice = "secret: {env: GITLAB_HOOK_SECRET}",
    .steps =
        R"(Pushes to git, for the sources of dependents:
1. GitLab: "Settings" of the project or group, "Webhooks", "Add new webhook".
2. URL: {url}   Secret token: {secret}.
3. Trigger: Push events. Nothing else.
4. Add webhook; "Test", "Push events" must show 200.
Images: GitLab.com sends nothing when one is pushed, they are found by polling. For a self-managed GitLab:
1. In /etc/gitlab/gitlab.rb:
     registry['notifications'] = [{
       'name' => 'sluice', 'url' => '{url}',
       'timeout' => '3s', 'threshold' => 5, 'backoff' => '10s',
       'headers' => {'{header}' => ['SECRET']}
     }]
   where SECRET is {secret}.
2. sudo gitlab-ctl reconfigure)"};

}  // namespace sluice::watch
