#pragma once
// Which tags of a repository a set watches, and what a new list changes: pure.

#include "config/config.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice::watch {

/// When the image of a tag was made; nullopt when that is not known.
using Created = std::function<std::optional<Time>(const std::string& tag)>;

struct TagChoice {
  std::vector<std::string> watched;   // newest first
  std::size_t matched = 0;            // that the rules accept and that may be promoted, before `newest`
  std::size_t excess = 0;             // that only `limit` keeps out
  std::vector<std::string> refused;   // accepted, but their promotion would be under no valid tag
  std::vector<std::string> unstaged;  // accepted, but their staging would be in no valid repository
};

/// The tags of a pipeline that is a set, out of a list of its upstream's repository. With Order::version the
/// newest versions go first (those without a version last); without any version in the set's rules and tags,
/// the list's order decides. With Order::created the newest images go first, `created` says when they were
/// made.
TagChoice choose(const config::Pipeline& set, std::vector<std::string> listed, const Created& created);

struct TagChanges {
  std::vector<std::string> added;      // to be watched from now on, newest first
  std::vector<std::string> withdrawn;  // were watched, and the upstream has them no more
  std::vector<std::string> left;       // were watched, are there, and are not chosen any more
  bool operator==(const TagChanges&) const = default;
};

/// From what was watched to `chosen`, when the upstream has `listed`.
TagChanges compare(const std::vector<std::string>& known, const std::vector<std::string>& chosen,
                   const std::vector<std::string>& listed);

}  // namespace sluice::watch
