// Amazon ECR: its events (https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html) come
// through an EventBridge API destination as they are, or through Amazon SNS in an envelope
// (https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html).

#include "watch/payload.hpp"
#include "watch/senders/kinds.hpp"

namespace sluice::watch {
namespace {

// <account>.dkr.ecr.<region>.amazonaws.com, in China with .cn.
std::string host_of_event(const Fields& event) {
  const auto region = event.required("region");
  return event.required("account") + ".dkr.ecr." + region + ".amazonaws.com" +
         (region.starts_with("cn-") ? ".cn" : "");
}

void read_ecr_event(const Fields& event, const Reading& reading, Parsed& parsed) {
  parsed.id = event.text("id");
  const auto type = event.text("detail-type");
  if (event.text("source") != "aws.ecr" || type != "ECR Image Action") {
    parsed.note = "not a push: " + type;
    return;
  }
  const auto detail = event.object("detail");
  if (detail.text("action-type") != "PUSH" || detail.text("result") != "SUCCESS") {
    parsed.note = "not a push: " + detail.text("action-type") + " " + detail.text("result");
    return;
  }
  const auto repository = detail.required("repository-name");
  add_image(parsed, in_registry(reading, host_of_event(event), repository), detail.text("image-tag"));
  if (parsed.events.empty()) parsed.note = "pushed by digest, no tag moved";
}

Parsed parse_ecr(const Delivery& delivery, const Reading& reading) {
  const auto payload = read_payload(delivery.body);
  const Fields fields(payload);
  Parsed parsed;
  // An event of EventBridge has no `Type`; SNS with raw message delivery sends it as it is, too.
  if (!fields.has("Type")) {
    read_ecr_event(fields, reading, parsed);
    return parsed;
  }
  const auto type = fields.required("Type");
  if (type == "Notification") {
    const auto message = read_payload(fields.required("Message"));
    read_ecr_event(Fields(message, "Message"), reading, parsed);
    return parsed;
  }
  parsed.id = fields.text("MessageId");
  parsed.note = type;
  if (type == "SubscriptionConfirmation") parsed.confirm = fields.required("SubscribeURL");
  return parsed;
}

}  // namespace

const Sender ecr_sender{
    .name = "ecr",
    .parse = parse_ecr,
    .signature = {},
    .registry = {},
    .sns = true,
    .advice = "header: {name: X-Api-Key, value: {env: ECR_HOOK_KEY}}, or sns: {topics: [ARN]}",
    .steps = R"(Through EventBridge:
1. aws events create-connection --name sluice --authorization-type API_KEY \
     --auth-parameters 'ApiKeyAuthParameters={ApiKeyName={header},ApiKeyValue=SECRET}'
   where SECRET is {secret}.
2. aws events create-api-destination --name sluice --connection-arn CONNECTION_ARN --http-method POST \
     --invocation-endpoint {url}
3. aws events put-rule --name sluice --event-pattern \
     '{"source":["aws.ecr"],"detail-type":["ECR Image Action"],"detail":{"action-type":["PUSH"]}}'
4. aws events put-targets --rule sluice --targets Id=sluice,Arn=API_DESTINATION_ARN,RoleArn=ROLE_ARN
The address needs a certificate of a public authority.)",
    .sns_steps = R"(Through SNS:
1. aws events put-rule --name sluice --event-pattern \
     '{"source":["aws.ecr"],"detail-type":["ECR Image Action"],"detail":{"action-type":["PUSH"]}}'
2. aws events put-targets --rule sluice --targets Id=sluice,Arn={topic}
   The policy of the topic must allow events.amazonaws.com to publish to it.
3. aws sns subscribe --topic-arn {topic} --protocol https \
     --notification-endpoint {url}
   sluice checks the signature and confirms the subscription.
The address needs a certificate of a public authority.)"};

}  // namespace sluice::watch
