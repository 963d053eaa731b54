#pragma once
// Which pipelines a webhook concerns. Pure.

#include "config/config.hpp"
#include "watch/sender.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace sluice::engine {

struct HookMatch {
  /// Names of pipelines; keys of members that sets would have of the tags, whether or not they watch them;
  /// names of sets where the tag is not told.
  std::set<std::string> pipelines;
  /// Sets among them of which any member may have moved.
  std::set<std::string> whole_sets;
  /// Repositories that no pipeline watches, at most a few of them.
  std::vector<std::string> unknown;
  std::size_t unknown_count = 0;
};

/// Upstream repositories by name, made once for each configuration.
class HookIndex {
 public:
  explicit HookIndex(const config::Config& config);
  HookMatch match(const std::vector<watch::Event>& events) const;

 private:
  struct Watched {
    std::string pipeline;
    std::string tag;
    std::shared_ptr<const config::TagSet> tags;  // of a set, which has no tag of its own
  };
  static void match_set(const watch::Event& event, const Watched& set, HookMatch& match);
  void match_one(const watch::Event& event, HookMatch& match) const;

  std::multimap<std::string, Watched> by_repository_;
};

}  // namespace sluice::engine
