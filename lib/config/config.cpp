#include "config/config.hpp"

#include "config/placeholders.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>

namespace sluice::config {
namespace {

template <class T>
const T* named(const std::vector<T>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const T& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

// What stands for {tag} in this text, when it is made from this template.
std::optional<std::string> behind(std::string_view pattern, std::string_view text) {
  const auto place = pattern.find(tag_placeholder);
  if (place == std::string_view::npos) return std::nullopt;
  const auto before = pattern.substr(0, place);
  const auto after = pattern.substr(place + tag_placeholder.size());
  if (text.size() <= before.size() + after.size() || !text.starts_with(before) || !text.ends_with(after))
    return std::nullopt;
  return std::string(text.substr(place, text.size() - before.size() - after.size()));
}

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

}  // namespace

Milliseconds Poll::slowest_pace() const {
  if (!adaptive) return every;
  return std::max(every, slowest.value_or(std::min<Milliseconds>(every * 4, std::chrono::hours(1))));
}

bool Poll::operator==(const Poll& other) const {
  return every == other.every && slowest_pace() == other.slowest_pace() && cron == other.cron &&
         zone->name() == other.zone->name();
}

bool is_loopback(std::string_view host) {
  const auto name = without_port(host);
  if (name == "localhost" || name == "[::1]") return true;
  return name.starts_with("127.") && std::count(name.begin(), name.end(), '.') == 3 &&
         name.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool TagSet::operator==(const TagSet& other) const {
  return filter.rules() == other.filter.rules() && newest == other.newest && by == other.by &&
         limit == other.limit && initial == other.initial;
}

std::string member_key(std::string_view set, std::string_view tag) {
  return std::string(set).append(":").append(tag);
}

std::optional<MemberKey> split_key(std::string_view key) {
  const auto colon = key.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return MemberKey{key.substr(0, colon), key.substr(colon + 1)};
}

Pipeline Pipeline::member(const std::string& tag) const {
  const Values values{{std::string(tag_value), tag}};
  Pipeline one = *this;
  one.name = member_key(name, tag);
  one.upstream.tag = tag;
  one.staging.path = fill(staging.path, values);
  one.stable_tag = stable_tag_of(tag);
  one.unique_tag = fill(unique_tag, values);
  one.tags.reset();
  return one;
}

std::string Pipeline::stable_tag_of(const std::string& tag) const {
  return fill(stable_tag, {{std::string(tag_value), tag}});
}

std::optional<std::string> Pipeline::tag_behind(const std::string& stable) const {
  auto tag = behind(stable_tag, stable);
  if (!tags || !tag || !oci::is_valid_tag(*tag) || !tags->filter.accepts(*tag)) return std::nullopt;
  return tag;
}

std::optional<std::string> Pipeline::tag_staged_in(const oci::Repository& repository) const {
  auto tag = behind(staging.text(), repository.text());
  if (!tags || !tag || !oci::is_valid_tag(*tag) || !tags->filter.accepts(*tag)) return std::nullopt;
  return tag;
}

std::string Pipeline::unique_tag_for(const std::string& run) const {
  std::string tag = unique_tag;
  for (auto found = tag.find(run_placeholder); found != std::string::npos;
       found = tag.find(run_placeholder, found + run.size()))
    tag.replace(found, run_placeholder.size(), run);
  return tag;
}

const Pipeline* Config::pipeline(std::string_view name) const {
  const auto before = [this](std::uint32_t place, std::string_view wanted) {
    return place < pipelines.size() && pipelines[place].name < wanted;
  };
  const auto found = std::lower_bound(by_name.begin(), by_name.end(), name, before);
  if (found != by_name.end() && *found < pipelines.size() && pipelines[*found].name == name)
    return &pipelines[*found];
  // What the index knows of is not there; only what it does not know of is left.
  for (auto place = by_name.size(); place < pipelines.size(); ++place)
    if (pipelines[place].name == name) return &pipelines[place];
  return nullptr;
}

std::optional<Pipeline> Config::watched(std::string_view key) const {
  const auto parts = split_key(key);
  const auto* found = pipeline(parts ? parts->set : key);
  if (!found || found->is_set() != parts.has_value()) return std::nullopt;
  if (!parts) return *found;
  std::string tag(parts->tag);
  if (!oci::is_valid_tag(tag)) return std::nullopt;
  return found->member(tag);
}

void Config::index() {
  by_name.resize(pipelines.size());
  std::iota(by_name.begin(), by_name.end(), 0U);
  std::sort(by_name.begin(), by_name.end(), [this](std::uint32_t left, std::uint32_t right) {
    return pipelines[left].name < pipelines[right].name;
  });
}

const Dependent* Config::dependent(const std::string& name) const {
  return named(dependents, name);
}

const Webhook* Config::webhook(const std::string& name) const {
  return named(webhooks, name);
}

Registry Config::registry(const std::string& host) const {
  if (const auto found = registries.find(host); found != registries.end()) return found->second;
  Registry unlisted;
  unlisted.host = host;
  return unlisted;
}

bool Config::plain_http(const std::string& host) const {
  const auto found = registries.find(host);
  if (found != registries.end() && found->second.plain_http) return *found->second.plain_http;
  const bool own_certificates = found != registries.end() && !found->second.ca.empty();
  return is_loopback(host) && !own_certificates;
}

}  // namespace sluice::config
