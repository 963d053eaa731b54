#include "config/config.hpp"

#include "config/placeholders.hpp"

#include <algorithm>
#include <string_view>

namespace sluice::config {
namespace {

template <class T>
const T* named(const std::vector<T>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const T& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
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

std::string Pipeline::unique_tag_for(const std::string& run) const {
  std::string tag = unique_tag;
  for (auto found = tag.find(run_placeholder); found != std::string::npos;
       found = tag.find(run_placeholder, found + run.size()))
    tag.replace(found, run_placeholder.size(), run);
  return tag;
}

const Pipeline* Config::pipeline(const std::string& name) const {
  return named(pipelines, name);
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
  if (found != registries.end() && found->second.plain_http) return true;
  const bool own_certificates = found != registries.end() && !found->second.ca.empty();
  return is_loopback(host) && !own_certificates;
}

}  // namespace sluice::config
