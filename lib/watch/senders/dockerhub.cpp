// Docker Hub (https://docs.docker.com/docker-hub/repos/manage/webhooks/). It signs nothing and names no
// digest; `callback_url` belongs to a chain of webhooks that is gone, and is never called.

#include "watch/payload.hpp"
#include "watch/senders/kinds.hpp"

namespace sluice::watch {
namespace {

Parsed parse_dockerhub(const Delivery& delivery, const Reading& reading) {
  const auto payload = read_payload(delivery.body);
  const Fields fields(payload);
  const auto name = fields.object("repository").required("repo_name");
  const auto push = fields.object("push_data");
  Parsed parsed;
  parsed.body_is_unique = !push.scalar("pushed_at").empty();
  Event event;
  event.repositories.push_back(in_registry(reading, {}, name));
  if (auto tag = push.text("tag"); !tag.empty())
    event.tags.push_back(std::move(tag));
  else
    event.every_tag = true;  // as payloads of 2015 were
  parsed.events.push_back(std::move(event));
  return parsed;
}

}  // namespace

const Sender dockerhub_sender{.name = "dockerhub",
                              .parse = parse_dockerhub,
                              .signature = {},
                              .registry = "docker.io",
                              .advice = "token: {env: HUB_HOOK_TOKEN}",
                              .steps = R"(1. hub.docker.com: open the repository, then "Webhooks".
2. Webhook name: sluice. Webhook URL: {url}
3. Create. Docker Hub sends no test; the next push is the first delivery.
Docker Hub signs nothing: whoever knows the URL can send. Only owners of a repository can add webhooks to it, so
images of others are found by polling.)"};

}  // namespace sluice::watch
