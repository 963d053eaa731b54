// Any sender of CloudEvents (https://github.com/cloudevents/spec, HTTP protocol binding 3: binary, structured
// and batched mode; HTTP webhook 4: the handshake). Where in `data` the image is named is told by `fields`;
// without, by the names that others use: registryUrl, repository and tag.

#include "core/error.hpp"
#include "watch/payload.hpp"
#include "watch/senders/kinds.hpp"

namespace sluice::watch {
namespace {

std::string text_at(const json& data, const Reading& reading, const std::string& name,
                    std::string_view fallback) {
  const auto configured = reading.fields.find(name);
  const auto* found = at_pointer(data, configured == reading.fields.end() ? fallback : configured->second);
  if (!found) return {};
  if (!found->is_string()) throw Error(ErrorKind::invalid, "data: '" + name + "' must be a text");
  return found->get<std::string>();
}

// "repository:tag", as the subject of registries' events.
void read_subject(const std::string& subject, const std::string& host, const Reading& reading,
                  Parsed& parsed) {
  const auto colon = subject.rfind(':');
  if (colon == std::string::npos || subject.find('/', colon) != std::string::npos) return;
  add_image(parsed, in_registry(reading, host, subject.substr(0, colon)), subject.substr(colon + 1));
}

void read_data(const json& data, const std::string& subject, const Reading& reading, Parsed& parsed) {
  const auto host = host_of(text_at(data, reading, "registry", "/registryUrl"));
  const auto repository = text_at(data, reading, "repository", "/repository");
  if (repository.empty())
    read_subject(subject, host, reading, parsed);
  else
    add_image(parsed, in_registry(reading, host, repository), text_at(data, reading, "tag", "/tag"));
}

void read_structured(const json& value, const Reading& reading, Parsed& parsed) {
  const Fields event(value, "the event");
  event.required("specversion");
  parsed.id += (parsed.id.empty() ? "" : ",") + event.text("source") + " " + event.required("id");
  const auto* data = event.find("data");
  const auto subject = event.text("subject");
  read_data(data ? *data : json::object(), subject, reading, parsed);
}

Parsed parse_cloudevents(const Delivery& delivery, const Reading& reading) {
  const auto payload = read_payload(delivery.body);
  Parsed parsed;
  const auto id = delivery.headers.get("Ce-Id");
  if (id) {
    parsed.id = delivery.headers.get("Ce-Source").value_or("") + " " + *id;
    const auto subject = delivery.headers.get("Ce-Subject").value_or("");
    read_data(payload, subject, reading, parsed);
  } else if (payload.is_array()) {
    for (const auto& event : payload)
      read_structured(event, reading, parsed);
  } else {
    read_structured(payload, reading, parsed);
  }
  if (parsed.events.empty()) parsed.note = "no tag is named";
  return parsed;
}

}  // namespace

const Sender cloudevents_sender{
    .name = "cloudevents",
    .parse = parse_cloudevents,
    .signature = {},
    .registry = {},
    .handshake = true,
    .fields = true,
    .advice = "bearer: {env: EVENTS_HOOK_SECRET}",
    .steps = R"(1. Have the sender POST its events to {url} in structured, batched or binary mode,
2. with the proof that is configured here; the secret is {secret}.
The handshake by OPTIONS is answered when it brings the same proof (a token in the address does).)"};

}  // namespace sluice::watch
