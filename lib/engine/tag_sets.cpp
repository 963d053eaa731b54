#include "engine/tag_sets.hpp"

#include "core/text.hpp"
#include "watch/tag_set.hpp"

#include <algorithm>
#include <utility>

#include <boost/functional/hash.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace sluice::engine {
namespace {

constexpr const char* member_watched = "watched";
constexpr const char* member_withdrawn = "withdrawn";
constexpr const char* member_left = "left";
// Each costs a request whenever the list is looked at.
constexpr std::size_t most_dated = 1000;

void move_on(store::Tables& tables, const config::Pipeline& set, const std::string& tag, const char* state,
             const std::string& detail, Time at) {
  tables.members.put({.pipeline = set.name, .tag = tag, .state = state, .since = at});
  tables.audit.append({.at = at,
                       .who = "sluice",
                       .action = state,
                       .pipeline = config::member_key(set.name, tag),
                       .detail = detail});
}

void add_member(store::Tables& tables, const config::Pipeline& set, const std::string& tag, bool baseline,
                Time at) {
  const auto before = tables.members.find(set.name, tag);
  tables.members.put(
      {.pipeline = set.name, .tag = tag, .state = member_watched, .since = at, .baseline = baseline});
  if (before)
    tables.audit.append({.at = at,
                         .who = "sluice",
                         .action = "returned",
                         .pipeline = config::member_key(set.name, tag),
                         .detail = set.upstream.repository.text() + ":" + tag + " is watched again"});
}

watch::TagChanges write_members(store::Tables& tables, const config::Pipeline& set,
                                const std::vector<std::string>& chosen,
                                const std::vector<std::string>& listed, Time at) {
  const bool first = !tables.members.begun(set.name);
  const bool baseline = first && !set.tags->initial;
  if (first) tables.members.begin(set.name, at);
  auto changes = watch::compare(tables.members.in_state(set.name, member_watched), chosen, listed);
  const auto repository = set.upstream.repository.text();
  for (const auto& tag : changes.added)
    add_member(tables, set, tag, baseline, at);
  for (const auto& tag : changes.withdrawn)
    move_on(tables, set, tag, member_withdrawn, repository + " has no tag " + tag + " any more", at);
  for (const auto& tag : changes.left)
    move_on(tables, set, tag, member_left, tag + " is not among the tags any more that the set takes", at);
  return changes;
}

void add_note(std::string& note, const std::string& more) {
  note += (note.empty() ? "" : "; ") + more;
}

// Takes out what another pipeline promotes to; how many, and one of them.
void leave_taken(const config::Pipeline& set, const std::set<std::string>& taken,
                 std::vector<std::string>& chosen, std::string& note) {
  if (taken.empty()) return;
  std::string example;
  std::size_t count = 0;
  std::erase_if(chosen, [&](const std::string& tag) {
    if (!taken.contains(set.stable_tag_of(tag))) return false;
    if (++count == 1) example = tag;
    return true;
  });
  if (count > 0)
    add_note(note, fmt::format("not watched since another pipeline promotes to the same tag: {} tags, for "
                               "instance {}; exclude them",
                               count, example));
}

std::string note_on(const watch::TagChoice& choice, const config::Pipeline& set) {
  std::string note;
  if (choice.excess > 0)
    note = fmt::format("{} tags match and only {} are watched: raise 'limit', or say less in 'tags'",
                       choice.matched, set.tags->limit);
  if (!choice.refused.empty())
    add_note(note, fmt::format("not watched since the tags to promote to would be too long: {} tags, for "
                               "instance {}",
                               choice.refused.size(), choice.refused.front()));
  if (!choice.unstaged.empty())
    add_note(note,
             fmt::format("not watched since no repository can be called {} with the tag in it (only lower "
                         "case, no separator at the end): {} tags, for instance {}; take {{tag}} out of "
                         "'staging', or exclude them",
                         set.staging.text(), choice.unstaged.size(), choice.unstaged.front()));
  return note;
}

std::size_t hash_of_inputs(const TagSets::Inputs& inputs) {
  std::size_t hash = boost::hash_range(inputs.listed->begin(), inputs.listed->end());
  boost::hash_combine(hash, boost::hash_range(inputs.taken.begin(), inputs.taken.end()));
  boost::hash_combine(hash, inputs.reload);
  return hash;
}

void log_changes(const config::Pipeline& set, const watch::TagChanges& changes) {
  if (changes != watch::TagChanges{})
    spdlog::info("{}: {} tags are new, {} are withdrawn, {} are not taken any more", set.name,
                 changes.added.size(), changes.withdrawn.size(), changes.left.size());
}

}  // namespace

bool chooses_anew(const config::Pipeline* before, const config::Pipeline& now) {
  return before && before->is_set() &&
         (!(*before->tags == *now.tags) || before->target != now.target || before->staging != now.staging ||
          before->stable_tag != now.stable_tag || before->unique_tag != now.unique_tag);
}

Task<std::vector<std::string>> TagSets::members(std::string set) {
  auto query = [set](store::Tables& tables) { return tables.members.in_state(set, member_watched); };
  co_return co_await world_.store.read(std::move(query));
}

bool TagSets::is_done(const Inputs& inputs) const {
  const auto done = done_.find(inputs.set.name);
  return done != done_.end() && inputs.set.tags->by != config::TagSet::Order::created &&
         done->second == hash_of_inputs(inputs);
}

Task<TagSets::Update> TagSets::update(Inputs inputs) {
  const auto times = co_await image_times(inputs);
  const auto& set = inputs.set;
  // Not on the loop: a list may have as many tags as a registry can hold.
  auto work = [set = inputs.set, listed = inputs.listed, times] {
    return watch::choose(set, *listed, [&](const std::string& tag) -> std::optional<Time> {
      const auto found = times->find(tag);
      return found == times->end() ? std::nullopt : std::optional(found->second);
    });
  };
  auto choice = co_await world_.workers.run(std::move(work));
  auto note = note_on(choice, set);
  leave_taken(set, inputs.taken, choice.watched, note);
  auto query = [set, chosen = choice.watched, listed = inputs.listed](store::Tables& tables) {
    const auto before = tables.members.in_state(set.name, member_watched);
    const auto changes = watch::compare(before, chosen, *listed);
    return !tables.members.begun(set.name) || changes != watch::TagChanges{};
  };
  bool changed = co_await world_.store.read(std::move(query));
  if (changed) {
    const auto at = world_.clock.now();
    auto change = [set, chosen = choice.watched, listed = inputs.listed, at](store::Tables& tables) {
      return write_members(tables, set, chosen, *listed, at);
    };
    const auto changes = co_await world_.store.write(std::move(change));
    log_changes(set, changes);
    changed = changes != watch::TagChanges{};
  }
  auto& status = statuses_[set.name];
  if (status.note != note && !note.empty()) spdlog::warn("{}: {}", set.name, printable(note, 500));
  status = {.members = choice.watched.size(), .matched = choice.matched, .note = std::move(note)};
  done_[set.name] = hash_of_inputs(inputs);
  co_return Update{.watched = std::move(choice.watched), .changed = changed};
}

// One request for each tag whose digest is not known from its own looks, and two more for each image that was
// never looked at.
Task<std::shared_ptr<const TagSets::Times>> TagSets::image_times(const Inputs& inputs) {
  auto times = std::make_shared<Times>();
  const auto& set = inputs.set;
  if (set.tags->by != config::TagSet::Order::created) co_return times;
  const auto tags = set.tags->filter.select(*inputs.listed);
  if (tags.size() > most_dated)
    throw Error(
        ErrorKind::invalid,
        fmt::format("{} tags match, and the images of at most {} are looked at to find the newest: say "
                    "less in 'tags', or use by: version",
                    tags.size(), most_dated));
  for (const auto& tag : tags) {
    std::optional<oci::Digest> digest;
    if (const auto known = inputs.digests.find(tag); known != inputs.digests.end()) {
      digest = known->second;
    } else {
      auto resolved = co_await registry_.resolve(set.upstream.repository, tag);
      if (resolved) digest = resolved->digest;
    }
    if (!digest) continue;
    const auto time = co_await image_time(set.upstream.repository, *digest, set.platform);
    if (time) times->emplace(tag, *time);
  }
  co_return times;
}

Task<std::optional<Time>> TagSets::image_time(oci::Repository repository, oci::Digest digest,
                                              oci::Platform platform) {
  auto query = [digest](store::Tables& tables) { return tables.image_times.find(digest); };
  const auto known = co_await world_.store.read(std::move(query));
  if (known) co_return *known;
  std::optional<Time> created;
  std::optional<Error> failure;
  try {
    const auto config = co_await registry_.image_config(repository, digest.text(), platform);
    created = parse_time(config.created);
  } catch (...) {
    failure = current_error();
  }
  // What is no image, or has none for this platform, has no time; anything else may go better later.
  if (failure && failure->kind() != ErrorKind::not_found && failure->kind() != ErrorKind::corrupt)
    throw *failure;
  auto change = [digest, created](store::Tables& tables) { tables.image_times.put(digest, created); };
  co_await world_.store.write(std::move(change));
  co_return created;
}

std::set<std::string> taken_by_others(const config::Config& config, const WatchList& watches,
                                      const config::Pipeline& set) {
  std::set<std::string> taken;
  for (const auto& other : config.pipelines) {
    if (other.target != set.target || other.name == set.name) continue;
    if (!other.is_set()) {
      taken.insert(other.stable_tag);
      continue;
    }
    for (const auto& key : watches.members(other.name))
      taken.insert(other.stable_tag_of(std::string(config::split_key(key)->tag)));
  }
  return taken;
}

}  // namespace sluice::engine
