// GitLab. Its project and group webhooks have no event for images
// (https://docs.gitlab.com/user/project/integrations/webhook_events/); the registry of a self-managed GitLab
// sends the notifications of the CNCF registry
// (https://docs.gitlab.com/administration/packages/container_registry/, "Configure container registry
// notifications").

#include "watch/senders/kinds.hpp"

namespace sluice::watch {
namespace {

Parsed parse_gitlab(const Delivery& delivery, const Reading& reading) {
  if (const auto event = delivery.headers.get("X-Gitlab-Event")) {
    Parsed parsed;
    parsed.id = delivery.headers.get("Idempotency-Key").value_or("");
    parsed.note = "webhooks of projects tell nothing of images: " + *event;
    return parsed;
  }
  return parse_distribution(delivery, reading);
}

}  // namespace

const Sender gitlab_sender{
    .name = "gitlab",
    .parse = parse_gitlab,
    .signature = {},
    .registry = {},
    .advice = "header: {name: X-Sluice-Secret, value: {env: GITLAB_HOOK_SECRET}}",
    .steps =
        R"(GitLab.com sends nothing when an image is pushed: its images are found by polling. For a self-managed GitLab:
1. In /etc/gitlab/gitlab.rb:
     registry['notifications'] = [{
       'name' => 'sluice', 'url' => '{url}',
       'timeout' => '3s', 'threshold' => 5, 'backoff' => '10s',
       'headers' => {'X-Sluice-Secret' => ['SECRET']}
     }]
   where SECRET is {secret}.
2. sudo gitlab-ctl reconfigure)"};

}  // namespace sluice::watch
