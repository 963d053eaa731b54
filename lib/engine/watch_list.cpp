#include "engine/watch_list.hpp"

#include <algorithm>
#include <utility>

namespace sluice::engine {

WatchList::Question question_of(const config::Pipeline& pipeline) {
  return {.repository = pipeline.upstream.repository,
          .tag = pipeline.is_set() ? std::string() : pipeline.upstream.tag.value_or("latest"),
          .poll = pipeline.poll};
}

WatchList::Question question_of_member(const config::Pipeline& set, std::string tag) {
  return {.repository = set.upstream.repository, .tag = std::move(tag), .poll = set.poll};
}

WatchList::Put WatchList::put(std::string name, const Question& question) {
  Put put;
  auto repository = shared(question.repository);
  auto poll = shared(question.poll);
  const auto known = by_key_.find(Key{repository.get(), question.tag, poll.get()});
  if (const auto now = of(name)) {
    if (known != by_key_.end() && known->second == *now) return {.id = *now};
    put.ended = remove(name);
    repository = shared(question.repository);
  }
  const auto status = statuses_.try_emplace(std::move(name)).first;
  if (known != by_key_.end()) {
    put.id = known->second;
    put.joined = true;
  } else {
    put.id = ++last_;
    put.fresh = true;
    auto& look = looks_[put.id];
    look.repository = std::move(repository);
    look.tag = question.tag;
    look.poll = std::move(poll);
    by_key_.emplace(key_of(look), put.id);
  }
  looks_.at(put.id).subscribers.push_back({.name = &status->first, .status = &status->second});
  look_of_.emplace(&status->second, put.id);
  return put;
}

std::optional<WatchList::Id> WatchList::remove(const std::string& name) {
  const auto status = statuses_.find(name);
  if (status == statuses_.end()) return std::nullopt;
  const auto entry = look_of_.find(&status->second);
  const auto id = entry->second;
  auto& look = looks_.at(id);
  std::erase_if(look.subscribers, [&](const Subscriber& one) { return one.status == &status->second; });
  look_of_.erase(entry);
  statuses_.erase(status);
  if (!look.subscribers.empty()) return std::nullopt;
  const auto repository = look.repository;
  by_key_.erase(key_of(look));
  looks_.erase(id);
  // This one and the one above: nobody else reads the repository.
  if (repository.use_count() == 1) repositories_.erase(*repository);
  return id;
}

WatchList::Look* WatchList::find(Id id) {
  const auto found = looks_.find(id);
  return found == looks_.end() ? nullptr : &found->second;
}

std::optional<WatchList::Id> WatchList::of(const std::string& name) const {
  const auto status = statuses_.find(name);
  if (status == statuses_.end()) return std::nullopt;
  return look_of_.at(&status->second);
}

WatchList::Subscriber* WatchList::subscriber(const std::string& name) {
  const auto status = statuses_.find(name);
  if (status == statuses_.end()) return nullptr;
  auto& subscribers = looks_.at(look_of_.at(&status->second)).subscribers;
  const auto found = std::find_if(subscribers.begin(), subscribers.end(),
                                  [&](const Subscriber& one) { return one.status == &status->second; });
  return &*found;
}

std::vector<std::string> WatchList::members(const std::string& set) const {
  std::vector<std::string> keys;
  for (auto it = statuses_.lower_bound(set + ":"); it != statuses_.end() && it->first.starts_with(set + ":");
       ++it)
    keys.push_back(it->first);
  return keys;
}

std::shared_ptr<const oci::Repository> WatchList::shared(const oci::Repository& repository) {
  auto& known = repositories_[repository];
  auto now = known.lock();
  if (!now) {
    now = std::make_shared<const oci::Repository>(repository);
    known = now;
  }
  return now;
}

std::shared_ptr<const config::Poll> WatchList::shared(const config::Poll& poll) {
  std::erase_if(polls_, [](const auto& known) { return known.expired(); });
  for (const auto& known : polls_)
    if (auto now = known.lock(); *now == poll) return now;
  auto made = std::make_shared<const config::Poll>(poll);
  polls_.push_back(made);
  return made;
}

}  // namespace sluice::engine
