// Google Artifact Registry (https://cloud.google.com/artifact-registry/docs/configure-notifications):
// messages of the topic `gcr` by Pub/Sub push (https://cloud.google.com/pubsub/docs/push), wrapped or with
// payload unwrapping.

#include "core/error.hpp"
#include "watch/payload.hpp"
#include "watch/senders/kinds.hpp"

namespace sluice::watch {
namespace {

// "us-east1-docker.pkg.dev/project/repository/image:1.1".
void read_gar_event(const Fields& event, const Reading& reading, Parsed& parsed) {
  const auto action = event.required("action");
  auto reference = event.text("tag");
  if (action != "INSERT" || reference.empty()) {
    parsed.note = action == "INSERT" ? "pushed by digest, no tag moved" : "not a push: " + action;
    return;
  }
  const auto colon = reference.rfind(':');
  const auto slash = reference.find('/');
  if (colon == std::string::npos || slash == std::string::npos || colon < slash)
    event.fail("tag", "is not of the form HOST/PATH:TAG");
  const auto host = reference.substr(0, slash);
  const auto path = reference.substr(slash + 1, colon - slash - 1);
  add_image(parsed, in_registry(reading, host, path), reference.substr(colon + 1));
}

Parsed parse_gar(const Delivery& delivery, const Reading& reading) {
  const auto payload = read_payload(delivery.body);
  const Fields fields(payload);
  Parsed parsed;
  if (!fields.has("message")) {
    read_gar_event(fields, reading, parsed);
    parsed.id = delivery.headers.get("x-goog-pubsub-message-id").value_or("");
    return parsed;
  }
  const auto message = fields.object("message");
  const auto data = net::base64_decode(message.required("data"));
  if (!data) throw Error(ErrorKind::invalid, "message.data is not base64");
  const auto inner = read_payload(*data);
  read_gar_event(Fields(inner, "message.data"), reading, parsed);
  parsed.id = message.text("messageId");
  return parsed;
}

}  // namespace

const Sender gar_sender{
    .name = "gar",
    .parse = parse_gar,
    .signature = {},
    .registry = {},
    .oidc = true,
    .advice =
        "oidc: {audience: sluice, email: ACCOUNT@PROJECT.iam.gserviceaccount.com, "
        "keys_url: https://www.googleapis.com/oauth2/v3/certs}",
    .steps =
        R"(1. gcloud pubsub topics create gcr          (Artifact Registry publishes to the topic of this name)
2. gcloud pubsub subscriptions create sluice --topic gcr \
     --push-endpoint {url})",
    .oidc_steps =
        R"(1. gcloud pubsub topics create gcr          (Artifact Registry publishes to the topic of this name)
2. gcloud pubsub subscriptions create sluice --topic gcr \
     --push-endpoint {url} \
     --push-auth-service-account {email} \
     --push-auth-token-audience {audience})"};

}  // namespace sluice::watch
