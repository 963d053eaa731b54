// Lists of tags: which members there are to be looked at.

#include "engine/poller.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace sluice::engine {

Task<> Poller::take_up_members() {
  const auto config = config_;
  for (const auto& set : config->pipelines) {
    if (!set.is_set()) continue;
    const auto tags = co_await sets_.members(set.name);
    const auto* now = config_->pipeline(set.name);
    if (!now || !now->is_set()) continue;  // a reload came in between
    for (const auto& tag : tags)
      watch(config::member_key(set.name, tag), question_of_member(*now, tag));
  }
  hurry_joined();
}

Task<std::optional<Error>> Poller::look_at_list(Id id, const Owed& owed) {
  std::optional<Error> failure;
  auto tags = std::make_shared<std::vector<std::string>>();
  const auto repository = list_.find(id)->repository;
  try {
    registry::Place place;
    place.repository = *repository;
    *tags = co_await registry_.tags(std::move(place));
  } catch (...) {
    failure = current_error();
  }
  const auto* look = list_.find(id);
  if (!look) co_return failure;  // a reload came in between
  std::vector<std::string> names;
  for (const auto& one : look->subscribers)
    names.push_back(*one.name);
  if (failure && failure->kind() == ErrorKind::not_found) co_await note_missing(names);
  for (const auto& name : names) {
    if (failure) {
      note_failure(name, *failure);
      continue;
    }
    const bool by_webhook =
        std::any_of(owed.begin(), owed.end(), [&](const auto& o) { return o.first == name; });
    auto trouble = co_await update_set(name, tags, by_webhook);
    if (trouble) {
      note_failure(name, *trouble);
      failure = std::move(trouble);
    } else {
      note_answer(name);
    }
  }
  hurry_joined();
  co_return failure;
}

Task<std::optional<Error>> Poller::update_set(std::string name,
                                              std::shared_ptr<const std::vector<std::string>> tags,
                                              bool by_webhook) {
  const auto* found = config_->pipeline(name);
  if (!found || !found->is_set()) co_return std::nullopt;  // a reload came in between
  TagSets::Inputs inputs{.set = *found,
                         .listed = std::move(tags),
                         .taken = taken_by_others(*config_, list_, *found),
                         .digests = {}};
  const auto set = inputs.set;
  if (set.tags->by == config::TagSet::Order::created)
    for (const auto& key : list_.members(name))
      if (const auto& digest = list_.statuses().at(key).digest)
        inputs.digests.emplace(std::string(config::split_key(key)->tag), *digest);
  std::optional<Error> failure;
  TagSets::Update update;
  try {
    update = co_await sets_.update(std::move(inputs));
  } catch (...) {
    failure = current_error();
  }
  if (failure) co_return failure;
  const auto* now = config_->pipeline(name);
  if (!now || chooses_anew(&set, *now)) co_return std::nullopt;  // a reload came in between; it asks again
  if (update.changed || list_.members(name).size() != update.watched.size())
    sync_members(*now, update.watched, by_webhook);
  changes_.notify();
  co_return std::nullopt;
}

// What a webhook had listed is news that came by webhook.
void Poller::sync_members(const config::Pipeline& set, const std::vector<std::string>& tags,
                          bool by_webhook) {
  const std::unordered_set<std::string_view> wanted(tags.begin(), tags.end());
  for (const auto& key : list_.members(set.name))
    if (!wanted.contains(config::split_key(key)->tag)) unwatch(key);
  for (const auto& tag : tags) {
    const auto key = config::member_key(set.name, tag);
    const bool fresh = !list_.contains(key);
    watch(key, question_of_member(set, tag));
    if (fresh && by_webhook) owe(key, 0);
  }
}

}  // namespace sluice::engine
