#pragma once
// What is looked at, and for whom: one look serves all pipelines that want the same answer at the same pace.

#include "engine/engine.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::engine {

/// The names of pipelines and the keys of members that are watched, and the looks that serve them. Kept
/// small: 100,000 watches must fit. Pointers into it are good until the next put() or remove().
class WatchList {
 public:
  using Id = std::uint64_t;

  /// What is asked. Looks that are equal here are one look.
  struct Question {
    oci::Repository repository;
    std::string tag;  // empty: the list of tags
    config::Poll poll;
  };
  /// What the store knows of the digest that was seen last.
  struct Seen {
    std::int64_t observation = 0;  // 0: ask the store
    Time written{};                // its last_seen there
    bool settled = false;          // nothing is left to do for it
  };
  struct Subscriber {
    const std::string* name = nullptr;
    WatchStatus* status = nullptr;
    Seen seen = {};
  };
  struct Look {
    std::shared_ptr<const oci::Repository> repository;
    std::string tag;  // empty: the list of tags
    std::shared_ptr<const config::Poll> poll;
    std::vector<Subscriber> subscribers;
    bool is_list() const { return tag.empty(); }
  };
  struct Put {
    Id id = 0;
    bool fresh = false;            // the look is new
    bool joined = false;           // the name is new to a look that was there
    std::optional<Id> ended = {};  // the look that nobody wants any more
  };

  /// The name is served by this look from now on. What was seen is forgotten when it was another one before.
  Put put(std::string name, const Question& question);
  /// The look that nobody wants any more, if this was the last one.
  std::optional<Id> remove(const std::string& name);

  Look* find(Id id);
  std::optional<Id> of(const std::string& name) const;
  /// Null when the name is not watched.
  Subscriber* subscriber(const std::string& name);
  bool contains(const std::string& name) const { return statuses_.contains(name); }
  const std::map<std::string, WatchStatus>& statuses() const { return statuses_; }
  /// The keys of a set's members.
  std::vector<std::string> members(const std::string& set) const;
  template <class Use>
  void each(Use use) {
    for (auto& [id, look] : looks_)
      use(look);
  }

 private:
  struct Key {
    const oci::Repository* repository;
    std::string_view tag;  // that of the look
    const config::Poll* poll;
    auto operator<=>(const Key&) const = default;
  };
  static Key key_of(const Look& look) { return {look.repository.get(), look.tag, look.poll.get()}; }
  std::shared_ptr<const oci::Repository> shared(const oci::Repository& repository);
  std::shared_ptr<const config::Poll> shared(const config::Poll& poll);

  std::map<std::string, WatchStatus> statuses_;
  std::unordered_map<const WatchStatus*, Id> look_of_;
  std::unordered_map<Id, Look> looks_;
  std::map<Key, Id> by_key_;
  std::map<oci::Repository, std::weak_ptr<const oci::Repository>> repositories_;
  std::vector<std::weak_ptr<const config::Poll>> polls_;  // few: most watches take over their registry's
  Id last_ = 0;
};

/// What is asked for a pipeline of one tag, or for the list of a set.
WatchList::Question question_of(const config::Pipeline& pipeline);
WatchList::Question question_of_member(const config::Pipeline& set, std::string tag);

}  // namespace sluice::engine
