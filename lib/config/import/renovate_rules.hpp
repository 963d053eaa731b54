#pragma once
// Renovate's packageRules, as far as they are about images. Private to the room.

#include "config/import/foreign.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::config {

/// A list of words of which one must fit: plain ones, globs, /expressions/, and "!..." of which none may.
/// https://docs.renovatebot.com/string-pattern-matching/
class RenovatePatterns {
 public:
  /// Throws Error(invalid) for an expression that cannot be read.
  explicit RenovatePatterns(const std::vector<std::string>& written);
  bool fit(const std::vector<std::string>& names) const;

 private:
  struct Pattern;
  std::vector<std::shared_ptr<const Pattern>> wanted_, unwanted_;
};

/// What the rules make of one image.
struct RenovateVerdict {
  bool enabled = true;
  std::string by;       // what switched it off: "renovate.json, line 7"
  std::string allowed;  // `allowedVersions`, empty: any
};

/// A rule that names an image; which no Dockerfile may use.
struct RenovateNamed {
  std::string name;
  std::string allowed;
  std::string file;
  Position at;
};

class RenovateRules {
 public:
  /// The next one of `packageRules`. Tells what of it does not carry over, when it is about images.
  void read(Foreign& rule);
  /// `ignoreDeps`.
  void ignore(const std::string& name, const std::string& file, Position at);
  /// By all rules in their order: a later one wins. `names` are those that stand for one image; the first is
  /// that which was written, at which patterns look.
  RenovateVerdict verdict(const std::vector<std::string>& names) const;
  const std::vector<RenovateNamed>& named() const { return named_; }

 private:
  struct Rule {
    std::vector<RenovatePatterns> all_of;
    std::optional<bool> enabled;
    std::string allowed;
    std::string place;
  };
  void add(Foreign& rule);
  void remember(Foreign& rule, const std::vector<std::string>& names, const std::string& allowed);

  std::vector<Rule> rules_;
  std::map<std::string, std::string> ignored_;  // by name, in lower case: where that stands
  std::size_t patterns_ = 0;
  std::vector<RenovateNamed> named_;
};

}  // namespace sluice::config
