#pragma once
// Sets of tags: from a list of what the upstream has to the members that are kept in the store. What is
// chosen is decided in watch/tag_set.hpp.

#include "engine/engine.hpp"
#include "engine/watch_list.hpp"
#include "registry/client.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice::engine {

class TagSets {
 public:
  TagSets(World world, registry::Client& registry) : world_(world), registry_(registry) {}

  /// The tags that the store knows as watched.
  Task<std::vector<std::string>> members(std::string set);

  struct Inputs {
    config::Pipeline set;
    std::shared_ptr<const std::vector<std::string>> listed;  // what the upstream's repository has
    std::set<std::string> taken;                             // stable tags that others promote to
    std::unordered_map<std::string, oci::Digest> digests;    // what tags are known to name now
    std::uint64_t reload = 0;                                // another one after each reload
  };
  struct Update {
    std::vector<std::string> watched;  // the members from now on, newest first
    bool changed = false;
  };
  /// Whether update() was done with the same before. Of sets by the images' times that cannot be told. A
  /// large list that does not change, which is nearly every one, costs no more than this.
  bool is_done(const Inputs& inputs) const;

  /// Chooses the members anew and writes what changed: new ones, those that are withdrawn and those that are
  /// no longer chosen, the latter two with a line in the audit. One transaction. Throws as the registry's
  /// client does (only where images' times are needed), and invalid when that would take too many requests.
  Task<Update> update(Inputs inputs);

  /// Forgets a set that is none any more.
  void forget(const std::string& set) {
    statuses_.erase(set);
    done_.erase(set);
  }
  const std::map<std::string, SetStatus>& statuses() const { return statuses_; }

 private:
  using Times = std::unordered_map<std::string, Time>;
  Task<std::shared_ptr<const Times>> image_times(const Inputs& inputs);
  Task<std::optional<Time>> image_time(oci::Repository repository, oci::Digest digest,
                                       oci::Platform platform);

  World world_;
  registry::Client& registry_;
  std::map<std::string, SetStatus> statuses_;
  std::map<std::string, std::size_t> done_;  // hash of the inputs, by set
};

/// Whether a set may choose other tags than before. False without a set before.
bool chooses_anew(const config::Pipeline* before, const config::Pipeline& now);

/// The stable tags that other pipelines promote to in the repository that this set promotes to.
std::set<std::string> taken_by_others(const config::Config& config, const WatchList& watches,
                                      const config::Pipeline& set);

}  // namespace sluice::engine
