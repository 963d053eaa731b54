#pragma once
// Which pipelines a webhook concerns. Pure.

#include "config/config.hpp"
#include "triggers/git_source.hpp"
#include "watch/sender.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace sluice::engine {

struct HookMatch {
  /// Dependents that are built from a source that was pushed to.
  std::set<std::string> dependents;
  /// A push to what no dependent is built from: "refs/heads/main of https://host/path".
  std::string unbuilt;
  /// Names of pipelines; keys of members that sets would have of the tags, whether or not they watch them;
  /// names of sets where the tag is not told.
  std::set<std::string> pipelines;
  /// Members of which the sender does not tell the tag, or not its case.
  struct Members {
    bool all = false;
    std::set<std::string> tags = {};  // in lower case
    bool have(const std::string& tag) const;
    bool operator==(const Members&) const = default;
  };
  /// Of sets among them: which members may have moved. A set's own list is for those that it has not yet.
  std::map<std::string, Members> members;
  /// Repositories that no pipeline watches, at most a few of them.
  std::vector<std::string> unknown;
  std::size_t unknown_count = 0;

  bool empty() const { return pipelines.empty() && dependents.empty(); }
};

/// Upstream repositories and sources of dependents by name, made once for each configuration.
class HookIndex {
 public:
  explicit HookIndex(const config::Config& config);
  HookMatch match(const watch::Parsed& parsed) const;

 private:
  struct Watched {
    std::string pipeline;
    std::string tag;
    std::shared_ptr<const config::TagSet> tags;  // of a set, which has no tag of its own
  };
  static void match_set(const watch::Event& event, const Watched& set, HookMatch& match);
  void match_one(const watch::Event& event, HookMatch& match) const;
  void match_push(const watch::GitPush& push, HookMatch& match) const;

  struct Source {
    std::string dependent;
    triggers::GitSource git;
  };
  std::multimap<std::string, Watched> by_repository_;
  std::multimap<std::string, Source> by_source_;
};

}  // namespace sluice::engine
