#pragma once
// WWW-Authenticate (RFC 9110, section 11.6.1). Pure.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::registry {

struct Challenge {
  std::string scheme;                             // lower case: "bearer", "basic", ...
  std::map<std::string, std::string> parameters;  // names in lower case; the first of a name counts
  std::optional<std::string> get(const std::string& name) const;
  bool operator==(const Challenge&) const = default;
};

/// All challenges of all header lines, in order. What is malformed is passed over.
std::vector<Challenge> parse_challenges(const std::vector<std::string>& lines);

/// The one to answer: Bearer with a realm before Basic; nullopt when there is neither.
std::optional<Challenge> choose_challenge(const std::vector<Challenge>& challenges);

}  // namespace sluice::registry
