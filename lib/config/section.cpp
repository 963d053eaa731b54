#include "config/document.hpp"
#include "config/section_impl.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

namespace sluice::config {
namespace {

std::string in_quotes(std::string_view text) {
  return "'" + printable(text, 80) + "'";
}

// Calls the parser of a type that throws Error(invalid); notes what it says.
template <class T, class Parse>
std::optional<T> parsed(Section::Impl& section, Section::Impl::Entry* entry, Parse parse) {
  if (!entry) return std::nullopt;
  try {
    return parse(entry->value.Scalar());
  } catch (const Error& error) {
    section.context->notes.add(position_of(*entry), in_quotes(entry->key) + ": " + printable(error.what()));
  }
  return std::nullopt;
}

void note_missing(Section& section, const std::string& key, const std::string& advice = {}) {
  section.error(section.position(), in_quotes(key) + " is missing", advice);
}

}  // namespace

// The parser places what is not there at whatever comes next.
Position position_of(const Section::Impl::Entry& entry) {
  const auto at = position_of(entry.value);
  return at.line > 0 && !entry.value.IsNull() ? at : entry.key_at;
}

Section section_on(std::shared_ptr<Context> context, const YAML::Node& node, Position at) {
  auto impl = std::make_shared<Section::Impl>();
  impl->context = std::move(context);
  impl->at = at;
  if (node.IsMap())
    for (const auto& pair : node)
      if (pair.first.IsScalar())
        impl->entries.push_back(
            {.key = pair.first.Scalar(), .key_at = position_of(pair.first), .value = pair.second});
  // A key that stands twice was noted when the file was read; the first one counts.
  for (std::size_t i = 0; i < impl->entries.size(); ++i)
    if (!impl->index.emplace(impl->entries[i].key, i).second) impl->entries[i].known = true;
  return Section(std::move(impl));
}

// As if the value stood under a key of a mapping.
Section section_of_one(std::shared_ptr<Context> context, const std::string& key, const YAML::Node& value,
                       Position at) {
  auto impl = std::make_shared<Section::Impl>();
  impl->context = std::move(context);
  impl->at = at;
  impl->entries.push_back({.key = key, .key_at = at, .value = value});
  impl->index.emplace(impl->entries.front().key, 0);
  return Section(std::move(impl));
}

Section::Impl::Entry* Section::Impl::ask(const std::string& key) {
  if (std::find(asked.begin(), asked.end(), key) == asked.end()) asked.push_back(key);
  const auto found = index.find(key);
  if (found == index.end()) return nullptr;
  entries[found->second].known = true;
  return &entries[found->second];
}

Section::Impl::Entry* Section::Impl::ask_scalar(const std::string& key) {
  auto* entry = ask(key);
  return entry ? scalar(*entry) : nullptr;
}

Section::Impl::Entry* Section::Impl::scalar(Entry& entry) {
  entry.known = true;
  if (entry.value.IsNull()) {
    context->notes.add(entry.key_at, in_quotes(entry.key) + " has no value",
                       "give it one, or remove the line");
    return nullptr;
  }
  if (!entry.value.IsScalar()) {
    wrong_shape(entry, "one value");
    return nullptr;
  }
  return is_clean(entry, entry.value) ? &entry : nullptr;
}

Section Section::Impl::section_of(Entry& entry) {
  entry.known = true;
  if (!entry.value.IsMap() && !entry.value.IsNull())
    wrong_shape(entry, "a mapping",
                "write " + printable(entry.key, 80) + ": {...} or indented lines of 'key: value'");
  return section_on(context, entry.value, config::position_of(entry));
}

void Section::Impl::wrong_shape(const Entry& entry, const std::string& what, const std::string& advice) {
  context->notes.add(position_of(entry), in_quotes(entry.key) + " must be " + what, advice);
}

bool Section::Impl::is_clean(const Entry& entry, const YAML::Node& value) {
  const auto& text = value.Scalar();
  const auto bad = [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\n' && c != '\t'; };
  if (std::none_of(text.begin(), text.end(), bad)) return true;
  context->notes.add(config::position_of(value), in_quotes(entry.key) + " holds a control character");
  return false;
}

Section::Section(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

bool Section::has(const std::string& key) const {
  return impl_->ask(key) != nullptr;
}

bool Section::is_mapping(const std::string& key) const {
  const auto* entry = impl_->ask(key);
  return entry && entry->value.IsMap();
}

std::string Section::written() const {
  std::string text;
  for (const auto& entry : impl_->entries)
    text += entry.key + ": " + YAML::Dump(entry.value) + "\n";
  return text;
}

Position Section::position() const {
  return impl_->at;
}

Position Section::position(const std::string& key) const {
  const auto* entry = impl_->ask(key);
  return entry ? position_of(*entry) : impl_->at;
}

Position Section::position(const std::string& key, std::size_t index) const {
  const auto* entry = impl_->ask(key);
  if (!entry || !entry->value.IsSequence() || index >= entry->value.size()) return position(key);
  const auto at = position_of(entry->value[index]);
  return at.line > 0 ? at : position_of(*entry);
}

void Section::error(Position at, std::string message, std::string advice) {
  impl_->context->notes.add(at, std::move(message), std::move(advice));
}

void Section::unavailable(Position at, std::string message, std::string advice) {
  impl_->context->notes.add(at, std::move(message), std::move(advice), true);
}

std::string Section::text(const std::string& key, std::string fallback) {
  const auto* entry = impl_->ask_scalar(key);
  return entry ? entry->value.Scalar() : fallback;
}

std::string Section::required_text(const std::string& key, const std::string& advice) {
  if (!has(key)) {
    note_missing(*this, key, advice);
    return {};
  }
  const auto* entry = impl_->ask_scalar(key);
  if (entry && entry->value.Scalar().empty())
    error(position_of(*entry), in_quotes(key) + " is empty", advice);
  return entry ? entry->value.Scalar() : std::string();
}

bool Section::flag(const std::string& key, bool fallback) {
  const auto* entry = impl_->ask_scalar(key);
  if (!entry) return fallback;
  const auto& value = entry->value.Scalar();
  if (value == "true" || value == "yes" || value == "on") return true;
  if (value == "false" || value == "no" || value == "off") return false;
  error(position_of(*entry), in_quotes(key) + " must be true or false, not " + in_quotes(value));
  return fallback;
}

std::int64_t Section::integer(const std::string& key, std::int64_t fallback, std::int64_t least,
                              std::int64_t most) {
  const auto* entry = impl_->ask_scalar(key);
  if (!entry) return fallback;
  const auto& text = entry->value.Scalar();
  std::int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec == std::errc() && result.ptr == text.data() + text.size() && value >= least && value <= most)
    return value;
  error(position_of(*entry), fmt::format("{} must be a whole number from {} to {}, not {}", in_quotes(key),
                                         least, most, in_quotes(text)));
  return fallback;
}

Milliseconds Section::duration(const std::string& key, Milliseconds fallback) {
  const auto* entry = impl_->ask_scalar(key);
  if (!entry) return fallback;
  if (const auto value = parse_duration(entry->value.Scalar())) return *value;
  error(position_of(*entry), in_quotes(key) + " must be a duration, not " + in_quotes(entry->value.Scalar()),
        "for instance 500ms, 90s, 15m, 1h30m or 7d");
  return fallback;
}

std::vector<std::string> Section::texts(const std::string& key) {
  std::vector<std::string> all;
  const auto* entry = impl_->ask(key);
  if (!entry || entry->value.IsNull()) return all;
  if (!entry->value.IsSequence()) {
    impl_->wrong_shape(*entry, "a list of texts", "for instance " + printable(key, 80) + ": [one, two]");
    return all;
  }
  for (const auto& item : entry->value) {
    if (item.IsScalar() && impl_->is_clean(*entry, item))
      all.push_back(item.Scalar());
    else if (!item.IsScalar())
      error(position_of(item), "each item of " + in_quotes(key) + " must be a text",
            "put a text with ': ' in it in quotes");
  }
  return all;
}

std::vector<std::string> Section::one_or_more_texts(const std::string& key) {
  const auto* entry = impl_->ask(key);
  if (!entry || !entry->value.IsScalar()) return texts(key);
  return {text(key)};
}

std::vector<std::pair<std::string, std::string>> Section::text_map(const std::string& key) {
  std::vector<std::pair<std::string, std::string>> all;
  auto values = section(key);
  for (auto& entry : values.impl_->entries)
    if (const auto* scalar = values.impl_->scalar(entry)) all.emplace_back(entry.key, scalar->value.Scalar());
  return all;
}

std::optional<oci::Reference> Section::reference(const std::string& key, bool required) {
  if (required && !has(key)) note_missing(*this, key, "for instance registry.example.com/team/image:tag");
  return parsed<oci::Reference>(*impl_, impl_->ask_scalar(key),
                                [](const auto& text) { return oci::Reference::parse(text); });
}

std::optional<oci::Repository> Section::repository(const std::string& key, bool required) {
  if (required && !has(key))
    note_missing(*this, key, "for instance registry.example.com/team/image, without a tag");
  return parsed<oci::Repository>(*impl_, impl_->ask_scalar(key),
                                 [](const auto& text) { return oci::Repository::parse(text); });
}

std::optional<oci::Platform> Section::platform(const std::string& key) {
  return parsed<oci::Platform>(*impl_, impl_->ask_scalar(key),
                               [](const auto& text) { return oci::Platform::parse(text); });
}

Section Section::section(const std::string& key) {
  auto* entry = impl_->ask(key);
  return entry ? impl_->section_of(*entry) : section_on(impl_->context, YAML::Node(), impl_->at);
}

std::vector<Section> Section::sections(const std::string& key, const std::string& short_key) {
  std::vector<Section> all;
  const auto* entry = impl_->ask(key);
  if (!entry || entry->value.IsNull()) return all;
  if (!entry->value.IsSequence()) {
    impl_->wrong_shape(*entry, "a list", "each item begins with '- '");
    return all;
  }
  for (const auto& item : entry->value) {
    const auto at = position_of(item).line > 0 ? position_of(item) : position_of(*entry);
    if (item.IsMap())
      all.push_back(section_on(impl_->context, item, at));
    else if (item.IsScalar() && !short_key.empty())
      all.push_back(section_of_one(impl_->context, short_key, item, at));
    else
      error(at, "each item of " + in_quotes(key) + " must be a mapping", "write '- key: value'");
  }
  return all;
}

std::vector<std::pair<std::string, Section>> Section::named_sections(const std::string& key) {
  std::vector<std::pair<std::string, Section>> all;
  auto names = section(key);
  for (auto& entry : names.impl_->entries)
    all.emplace_back(entry.key, names.impl_->section_of(entry));
  return all;
}

std::string Section::only_key(const std::string& what) {
  std::vector<std::string> names;
  Position last = impl_->at;
  for (auto& entry : impl_->entries) {
    if (entry.known) continue;
    names.push_back(in_quotes(entry.key));
    last = entry.key_at;
  }
  if (names.size() == 1) {
    for (const auto& entry : impl_->entries)
      if (!entry.known) return entry.key;
  }
  if (names.empty()) {
    error(impl_->at, "the " + what + " names no kind");
  } else {
    for (auto& entry : impl_->entries)
      entry.known = true;
    error(last, fmt::format("the {} must be of one kind, not of {}", what, fmt::join(names, " and ")),
          "keep one of them");
  }
  return {};
}

void Section::unsupported(const std::string& key) {
  const auto found = impl_->index.find(key);
  if (found == impl_->index.end()) return;
  auto& entry = impl_->entries[found->second];
  entry.known = true;
  error(entry.key_at, in_quotes(key) + " is not supported by this version", "remove it");
}

void Section::done() {
  if (std::exchange(impl_->done, true)) return;
  for (const auto& entry : impl_->entries) {
    if (entry.known || impl_->context->notes.full()) continue;
    std::string advice;
    if (entry.key == "<<")
      advice =
          "merge keys are not supported; an anchor (&name) and an alias (*name) can stand for a whole value";
    else if (const auto meant = nearest(entry.key, impl_->asked); !meant.empty())
      advice = "did you mean '" + meant + "'?";
    else if (!impl_->asked.empty())
      advice = fmt::format("known here: {}", fmt::join(impl_->asked, ", "));
    error(entry.key_at, "unknown key " + in_quotes(entry.key), std::move(advice));
  }
}

}  // namespace sluice::config
