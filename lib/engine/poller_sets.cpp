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

Task<Poller::Looked> Poller::look_at_list(Id id, Promises owed) {
  Looked looked;
  auto tags = std::make_shared<std::vector<std::string>>();
  const auto repository = list_.find(id)->repository;
  const auto asked = world_.clock.steady();
  try {
    registry::Place place;
    place.repository = *repository;
    *tags = co_await registry_.tags(std::move(place));
  } catch (...) {
    looked.failure = current_error();
  }
  const auto took = world_.clock.steady() - asked;
  const auto* look = list_.find(id);
  if (!look) co_return overtaken();
  std::vector<std::string> names;
  for (const auto& one : look->subscribers)
    names.push_back(*one.name);
  const bool refused = looked.failure.has_value();
  if (refused && looked.failure->kind() == ErrorKind::not_found) co_await note_missing(names);
  for (const auto& name : names) {
    if (refused) {
      note_failure(name, *looked.failure);
      continue;
    }
    const auto promise = owed.find(name);
    const auto told = promise == owed.end() ? std::nullopt : std::optional(promise->second.since);
    co_await update_set(name, tags, told, looked);
  }
  hurry_joined();
  count_look(repository->registry, looked, took);
  co_return looked;
}

Task<> Poller::update_set(std::string name, std::shared_ptr<const std::vector<std::string>> tags,
                          std::optional<Time> told, Looked& looked) {
  const auto* found = config_->pipeline(name);
  if (!found || !found->is_set()) co_return;  // a reload came in between
  TagSets::Inputs inputs{.set = *found,
                         .listed = std::move(tags),
                         .taken = taken_by_others(*config_, list_, *found),
                         .digests = {},
                         .reload = reloads_};
  if (sets_.is_done(inputs)) {
    note_answer(name);
    co_return;
  }
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
  if (failure) {
    note_failure(name, *failure);
    looked.failure = std::move(failure);
    co_return;
  }
  note_answer(name);
  const auto* now = config_->pipeline(name);
  if (!now || chooses_anew(&set, *now)) co_return;  // a reload came in between; it asks again
  if (update.changed) looked.changed.insert(name);
  if (update.changed || list_.members(name).size() != update.watched.size())
    sync_members(*now, update.watched, told);
  changes_.notify();
}

// What a webhook had listed is news that came by webhook.
void Poller::sync_members(const config::Pipeline& set, const std::vector<std::string>& tags,
                          std::optional<Time> told) {
  const std::unordered_set<std::string_view> wanted(tags.begin(), tags.end());
  for (const auto& key : list_.members(set.name))
    if (!wanted.contains(config::split_key(key)->tag)) unwatch(key);
  for (const auto& tag : tags) {
    const auto key = config::member_key(set.name, tag);
    const bool fresh = !list_.contains(key);
    watch(key, question_of_member(set, tag));
    if (fresh && told) owe(key, 0, *told);
  }
}

}  // namespace sluice::engine
