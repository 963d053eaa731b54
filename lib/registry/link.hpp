#pragma once
// Link headers (RFC 8288) as far as lists in pages need them. Pure.

#include <optional>
#include <string>
#include <vector>

namespace sluice::registry {

/// The target of the first link with rel="next", as it stands between the angle brackets; nullopt when there
/// is none. What is malformed is passed over.
std::optional<std::string> next_link(const std::vector<std::string>& lines);

}  // namespace sluice::registry
