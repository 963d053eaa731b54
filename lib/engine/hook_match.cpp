#include "engine/hook_match.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "triggers/trigger.hpp"

#include <algorithm>

namespace sluice::engine {
namespace {

constexpr std::size_t most_unknown = 8;

// The name as pipelines have it ("docker.io/node" is "docker.io/library/node"); as it is when it is none.
std::string normal(const std::string& repository) {
  try {
    return oci::Repository::parse(repository).text();
  } catch (const Error&) {
    return repository;
  }
}

bool has_tag(const watch::Event& event, const std::string& tag) {
  return event.every_tag || std::any_of(event.tags.begin(), event.tags.end(), [&](const std::string& each) {
           return event.any_case ? same_without_case(each, tag) : each == tag;
         });
}

}  // namespace

bool HookMatch::Members::have(const std::string& tag) const {
  return all || tags.contains(lower(tag));
}

HookIndex::HookIndex(const config::Config& config) {
  for (const auto& pipeline : config.pipelines)
    by_repository_.emplace(pipeline.upstream.repository.text(),
                           Watched{.pipeline = pipeline.name,
                                   .tag = pipeline.upstream.tag.value_or("latest"),
                                   .tags = pipeline.tags});
  for (const auto& dependent : config.dependents) {
    const auto* trigger = dynamic_cast<const triggers::Trigger*>(dependent.trigger.get());
    const auto* source = trigger ? trigger->git_source() : nullptr;
    if (const auto place = source ? triggers::git_place(source->url) : std::string(); !place.empty())
      by_source_.emplace(place, Source{.dependent = dependent.name, .git = *source});
  }
}

HookMatch HookIndex::match(const watch::Parsed& parsed) const {
  HookMatch match;
  for (const auto& event : parsed.events)
    match_one(event, match);
  for (const auto& push : parsed.pushes)
    match_push(push, match);
  return match;
}

void HookIndex::match_push(const watch::GitPush& push, HookMatch& match) const {
  const auto before = match.dependents.size();
  for (const auto& url : push.urls) {
    const auto [first, last] = by_source_.equal_range(triggers::git_place(url));
    for (auto it = first; it != last; ++it)
      if (it->second.git.follows(push.ref, push.is_default)) match.dependents.insert(it->second.dependent);
  }
  if (match.dependents.size() == before && !push.urls.empty())
    match.unbuilt = push.ref + " of " + push.urls.front();
}

// Which tags a set watches is not known here, only which its rules accept.
void HookIndex::match_set(const watch::Event& event, const Watched& set, HookMatch& match) {
  // A sender that does not tell a tag, or does not tell it as it is.
  if (event.every_tag || event.any_case) {
    match.pipelines.insert(set.pipeline);
    auto& members = match.members[set.pipeline];
    members.all = members.all || event.every_tag;
    for (const auto& tag : event.tags)
      members.tags.insert(lower(tag));
    return;
  }
  for (const auto& tag : event.tags)
    if (oci::is_valid_tag(tag) && set.tags->filter.accepts(tag))
      match.pipelines.insert(config::member_key(set.pipeline, tag));
}

void HookIndex::match_one(const watch::Event& event, HookMatch& match) const {
  bool known = false;
  for (const auto& repository : event.repositories) {
    const auto [first, last] = by_repository_.equal_range(normal(repository));
    known = known || first != last;
    for (auto it = first; it != last; ++it)
      if (it->second.tags)
        match_set(event, it->second, match);
      else if (has_tag(event, it->second.tag))
        match.pipelines.insert(it->second.pipeline);
  }
  if (known || event.repositories.empty()) return;
  ++match.unknown_count;
  if (match.unknown.size() < most_unknown) match.unknown.push_back(event.repositories.front());
}

}  // namespace sluice::engine
