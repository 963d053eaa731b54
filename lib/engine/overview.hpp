#pragma once
// All watches counted together: by registry and by set.

#include "engine/freshness.hpp"
#include "watch/promise.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sluice::engine {

/// The watches of one registry together.
struct RegistryFreshness {
  std::string host;
  std::size_t at_once = 0;
  watch::Promise promise;
  std::size_t failing = 0;
  /// Since when the least fresh of its watches has not been answered; nullopt when one never was, or there is
  /// none.
  std::optional<Time> oldest;
  std::size_t unknown = 0;  // never answered
};

/// The members of one set.
struct SetCounts {
  int members = 0;
  int looked_at = 0;
  int failing = 0;
};

struct Overview {
  std::vector<RegistryFreshness> upstreams;  // that are watched, by name
  std::map<std::string, SetCounts> sets;     // that have members, by name
};

/// Made watch by watch, so that whoever counts 100,000 of them may let others go on in between. `freshness`
/// must outlive it.
class Tally {
 public:
  Tally(const Freshness& freshness, std::shared_ptr<const config::Config> config)
      : freshness_(freshness), config_(std::move(config)) {}
  /// What the configuration does not know (a reload is under way) is passed over.
  void add(const std::string& name, const WatchStatus& status);
  /// `registries`: what they told of their limits.
  Overview take(const std::vector<registry::RegistryStatus>& registries);

 private:
  struct Upstream {
    RegistryFreshness told;
    std::vector<Milliseconds> paces;
  };
  Milliseconds pace(const std::string& name, const config::Poll& poll);

  const Freshness& freshness_;
  std::shared_ptr<const config::Config> config_;
  std::map<std::string, Upstream> upstreams_;
  std::map<std::string, SetCounts> sets_;
  std::map<std::string, Milliseconds> crons_;  // reckoned once, however many have the same
};

}  // namespace sluice::engine
