#include "watch/payload.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "oci/strict_json.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace sluice::watch {
namespace {

constexpr std::size_t most_events = 1000;

const json& nothing() {
  static const json empty = json::object();
  return empty;
}

std::string unescaped(std::string_view token) {
  std::string text;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size()) {
      text += token[++i] == '1' ? '/' : '~';
      continue;
    }
    text += token[i];
  }
  return text;
}

const json* member(const json& value, std::string_view token) {
  if (value.is_object()) {
    const auto found = value.find(unescaped(token));
    return found == value.end() ? nullptr : &*found;
  }
  if (!value.is_array()) return nullptr;
  std::size_t index = 0;
  const auto read = std::from_chars(token.data(), token.data() + token.size(), index);
  const bool whole = read.ec == std::errc() && read.ptr == token.data() + token.size();
  return whole && index < value.size() ? &value[index] : nullptr;
}

}  // namespace

json read_payload(std::string_view body) {
  try {
    return oci::parse_strict_value(body, "the payload");
  } catch (const Error& error) {
    throw Error(ErrorKind::invalid, error.what());
  }
}

Fields::Fields(const json& value, std::string where) : value_(value), where_(std::move(where)) {
  if (!value.is_object())
    throw Error(ErrorKind::invalid, fmt::format("{} must be a JSON object, not {}",
                                                where_.empty() ? "the payload" : where_, value.type_name()));
}

const json* Fields::find(const char* name) const {
  const auto found = value_.find(name);
  return found == value_.end() || found->is_null() ? nullptr : &*found;
}

void Fields::fail(const char* name, std::string_view why) const {
  throw Error(ErrorKind::invalid, fmt::format("{}{}{} {}", where_, where_.empty() ? "" : ".", name, why));
}

std::string Fields::text(const char* name) const {
  const auto* value = find(name);
  if (!value) return {};
  if (!value->is_string()) fail(name, fmt::format("must be a text, not {}", value->type_name()));
  const auto& text = value->get_ref<const std::string&>();
  if (text.size() > longest_text) fail(name, "is too long");
  return text;
}

std::string Fields::required(const char* name) const {
  auto value = text(name);
  if (value.empty()) fail(name, "is missing");
  return value;
}

std::string Fields::scalar(const char* name) const {
  const auto* value = find(name);
  if (!value) return {};
  if (value->is_string()) return text(name);
  if (value->is_structured()) fail(name, fmt::format("must be a single value, not {}", value->type_name()));
  return value->dump();
}

Fields Fields::object(const char* name) const {
  if (!find(name)) fail(name, "is missing");
  return maybe_object(name);
}

Fields Fields::maybe_object(const char* name) const {
  const auto* value = find(name);
  return Fields(value ? *value : nothing(), where_.empty() ? name : where_ + "." + name);
}

std::vector<Fields> Fields::objects(const char* name) const {
  std::vector<Fields> all;
  const auto* value = find(name);
  if (!value) return all;
  if (!value->is_array()) fail(name, fmt::format("must be a list, not {}", value->type_name()));
  for (std::size_t i = 0; i < value->size(); ++i)
    all.emplace_back((*value)[i], fmt::format("{}{}{}[{}]", where_, where_.empty() ? "" : ".", name, i));
  return all;
}

std::vector<std::string> Fields::texts(const char* name) const {
  const auto* value = find(name);
  if (!value) return {};
  if (value->is_string()) return {text(name)};
  if (!value->is_array()) fail(name, fmt::format("must be a list of texts, not {}", value->type_name()));
  std::vector<std::string> all;
  for (const auto& each : *value) {
    if (!each.is_string()) fail(name, fmt::format("must hold texts, not {}", each.type_name()));
    all.push_back(each.get<std::string>());
  }
  return all;
}

const json* at_pointer(const json& value, std::string_view pointer) {
  const json* here = &value;
  while (here && !pointer.empty()) {
    pointer.remove_prefix(1);
    const auto end = std::min(pointer.find('/'), pointer.size());
    here = member(*here, pointer.substr(0, end));
    pointer.remove_prefix(end);
  }
  return here && here->is_null() ? nullptr : here;
}

bool is_pointer(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() != '/') return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '~' && (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1'))) return false;
  return true;
}

std::string host_of(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return std::string(url.substr(0, url.find_first_of("/?#")));
}

bool is_digest(std::string_view tag) {
  return tag.find(':') != std::string_view::npos;
}

std::string in_registry(const Reading& reading, std::string_view said, std::string_view path) {
  const std::string_view host = reading.registry.empty() ? said : std::string_view(reading.registry);
  if (host.empty())
    throw Error(ErrorKind::invalid,
                "the payload does not say which registry this is; set 'registry' for this webhook");
  return std::string(host) + "/" + std::string(path);
}

void add_event(Parsed& parsed, Event event) {
  if (parsed.events.size() >= most_events)
    throw Error(ErrorKind::invalid,
                fmt::format("there are more than {} events in one delivery", most_events));
  parsed.events.push_back(std::move(event));
}

void add_image(Parsed& parsed, std::string repository, std::string tag) {
  if (tag.empty() || is_digest(tag)) return;
  if (!parsed.events.empty() && parsed.events.back().repositories.front() == repository) {
    parsed.events.back().tags.push_back(std::move(tag));
    return;
  }
  Event event;
  event.repositories.push_back(std::move(repository));
  event.tags.push_back(std::move(tag));
  add_event(parsed, std::move(event));
}

}  // namespace sluice::watch
