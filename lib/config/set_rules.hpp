#pragma once
// What must hold between sets of tags and everything else. Private to the room.

#include "config/read.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::config {

/// What a tag is called in these rules; empty when it was not understood.
std::string tag_name(const oci::Repository& repository, const std::string& tag);
std::string tag_name(const oci::Reference& reference);
/// The stable tag; of a set with {tag} in it.
std::string target_of(const Pipeline& pipeline);
/// The upstream's tag; of a set "repository:{tag}".
std::string upstream_of(const Pipeline& pipeline);
/// "line 7".
std::string in_line(Position at);

/// Sets by the repositories that they read and write.
class Sets {
 public:
  explicit Sets(const Draft& draft);
  /// Where the set stands that promotes to this tag, if one does.
  std::optional<Position> promote(const oci::Reference& tag) const;
  /// The targets of sets, by name, that may make this tag.
  std::vector<std::string> made(const oci::Reference& tag) const;
  /// The same of what a pipeline reads.
  std::vector<std::string> made(const Pipeline& pipeline) const;
  /// The upstreams of sets, by name, that take this tag; of `any` tag, those that read the repository.
  std::vector<std::string> taken(const oci::Repository& repository, const std::string& tag, bool any) const;
  /// Each pair of a set and another pipeline that promotes to the same repository, by their places.
  std::vector<std::pair<std::size_t, std::size_t>> neighbours() const;

 private:
  using Places = std::map<oci::Repository, std::vector<std::size_t>>;
  const Pipeline& one(std::size_t i) const { return draft_.config.pipelines[i]; }
  static const std::vector<std::size_t>& of(const Places& places, const oci::Repository& repository);

  const Draft& draft_;
  Places writers_;
  Places readers_;
};

/// Sets that promote to the repository that they watch, or to tags that another pipeline promotes to, as far
/// as that is certain before the tags are known.
void check_sets(Section& root, const Draft& draft);

}  // namespace sluice::config
