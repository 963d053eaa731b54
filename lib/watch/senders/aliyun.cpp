// Alibaba Cloud Container Registry (https://www.alibabacloud.com/help/en/acr/user-guide/manage-webhooks). It
// signs nothing.

#include "core/text.hpp"
#include "watch/payload.hpp"
#include "watch/senders/kinds.hpp"

namespace sluice::watch {
namespace {

Parsed parse_aliyun(const Delivery& delivery, const Reading& reading) {
  const auto payload = read_payload(delivery.body);
  const Fields fields(payload);
  const auto repository = fields.object("repository");
  const auto region = repository.text("region");
  const auto host = region.empty() ? std::string() : "registry." + region + ".aliyuncs.com";
  const auto push = fields.object("push_data");
  Parsed parsed;
  parsed.body_is_unique = push.has("pushed_at") && push.has("digest");
  // Names of images are in lower case, whatever the console shows.
  add_image(parsed, in_registry(reading, host, lower(repository.required("repo_full_name"))),
            push.required("tag"));
  return parsed;
}

}  // namespace

const Sender aliyun_sender{
    .name = "aliyun",
    .parse = parse_aliyun,
    .signature = {},
    .registry = {},
    .advice = "token: {env: ALIYUN_HOOK_TOKEN}",
    .steps = R"(1. Container Registry console: open the repository, then "Trigger", "Create".
2. Trigger URL: {url}   Trigger mode: all.
3. OK; the list of triggers has "Access Record" with the answers.
Clients of Enterprise Edition use a host of their own: set 'registry' here then.)"};

}  // namespace sluice::watch
