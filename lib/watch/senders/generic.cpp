// Any JSON: the configuration says by JSON pointers (RFC 6901) where things are.

#include "core/error.hpp"
#include "watch/payload.hpp"
#include "watch/senders/kinds.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace sluice::watch {
namespace {

// Lists of names and of tags multiply, and a delivery has one megabyte for them.
constexpr std::size_t most_references = 10'000;

const json* field(const json& value, const Reading& reading, const std::string& name) {
  const auto found = reading.fields.find(name);
  return found == reading.fields.end() ? nullptr : at_pointer(value, found->second);
}

std::vector<std::string> texts(const json& value, const Reading& reading, const std::string& name) {
  const auto* found = field(value, reading, name);
  if (!found) return {};
  const auto wrong = [&] {
    throw Error(ErrorKind::invalid, "what fields." + name + " points to must be a text or a list of texts");
  };
  std::vector<std::string> all;
  const auto take = [&](const json& text) {
    if (!text.is_string()) wrong();
    all.push_back(text.get<std::string>());
    if (all.back().size() > longest_text)
      throw Error(ErrorKind::invalid, "what fields." + name + " points to is too long");
  };
  if (!found->is_array())
    take(*found);
  else
    for (const auto& each : *found)
      take(each);
  return all;
}

// Where the colon of the tag is; npos when there is none ("host:5000/path").
std::size_t tag_colon(const std::string& image) {
  const auto colon = image.rfind(':');
  const auto slash = image.rfind('/');
  const bool of_port = colon != std::string::npos && slash != std::string::npos && colon < slash;
  return of_port ? std::string::npos : colon;
}

// "host/path:tag@digest" without the digest.
void add_reference(Parsed& parsed, const Reading& reading, std::string image) {
  image = image.substr(0, image.find('@'));
  const auto colon = tag_colon(image);
  const bool tagged = colon != std::string::npos;
  auto name = tagged ? image.substr(0, colon) : image;
  if (!reading.registry.empty()) name = reading.registry + "/" + name;
  if (tagged) return add_image(parsed, std::move(name), image.substr(colon + 1));
  Event event;
  event.repositories.push_back(std::move(name));
  event.every_tag = true;
  add_event(parsed, std::move(event));
}

// The registry that the event itself names stands where none is configured.
Reading with_registry(const json& value, const Reading& reading) {
  auto own = reading;
  const auto hosts = texts(value, reading, "registry");
  if (own.registry.empty() && !hosts.empty()) own.registry = host_of(hosts.front());
  return own;
}

// `references` counts what all events of a delivery refer to, also what is then left out.
void read_generic_event(const json& value, const Reading& configured, Parsed& parsed,
                        std::size_t& references) {
  const auto reading = with_registry(value, configured);
  const auto tags = texts(value, reading, "tag");
  auto images = texts(value, reading, "image");
  const auto repositories = texts(value, reading, "repository");
  references += (images.size() + repositories.size()) * std::max<std::size_t>(1, tags.size());
  if (references > most_references)
    throw Error(ErrorKind::invalid,
                fmt::format("there are more than {} references in one delivery", most_references));
  for (auto& image : images) {
    // A tag beside the image says which one; an image that has one already keeps it.
    if (tags.empty() || tag_colon(image) != std::string::npos) {
      add_reference(parsed, reading, std::move(image));
      continue;
    }
    for (const auto& tag : tags)
      add_reference(parsed, reading, image + ":" + tag);
  }
  for (const auto& repository : repositories) {
    if (tags.empty()) add_reference(parsed, reading, repository);
    for (const auto& tag : tags)
      add_reference(parsed, reading, repository + ":" + tag);
  }
}

// Many senders count their deliveries.
std::string id_of(const json& payload, const Reading& reading) {
  const auto* found = field(payload, reading, "id");
  if (found && found->is_number()) return found->dump();
  const auto all = texts(payload, reading, "id");
  return all.empty() ? std::string() : all.front();
}

Parsed parse_generic(const Delivery& delivery, const Reading& reading) {
  const auto payload = read_payload(delivery.body);
  Parsed parsed;
  parsed.id = id_of(payload, reading);
  const bool many = reading.fields.contains("events");
  const auto* events = many ? field(payload, reading, "events") : &payload;
  if (!events || (many && !events->is_array()))
    throw Error(ErrorKind::invalid, "what fields.events points to must be a list");
  std::size_t references = 0;
  if (many)
    for (const auto& event : *events)
      read_generic_event(event, reading, parsed, references);
  else
    read_generic_event(*events, reading, parsed, references);
  if (parsed.events.empty() && !many)
    throw Error(ErrorKind::invalid, "the payload has nothing where 'fields' points to");
  if (parsed.events.empty()) parsed.note = "no events";
  return parsed;
}

}  // namespace

const Sender generic_sender{.name = "generic",
                            .parse = parse_generic,
                            .signature = {},
                            .registry = {},
                            .fields = true,
                            .advice = "bearer: {env: HOOK_SECRET}",
                            .steps = R"(1. Have the sender POST its JSON to {url}
2. with the proof that is configured here; the secret is {secret}.
`sluice webhooks test NAME --payload FILE` shows what a payload would do.)"};

}  // namespace sluice::watch
