#pragma once
// What registries have to say to people beside their answers (distribution specification, "Warnings").

#include "net/http.hpp"

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace sluice::registry {

/// Bytes of warnings that one answer may have (distribution specification); what comes after is passed over.
inline constexpr std::size_t max_warning_bytes = 4096;

/// The texts of `Warning: 299 - "..."`. Other codes are of caches and proxies, and are passed over as what is
/// malformed. Not escaped. Pure.
std::vector<std::string> warnings_in(const net::Headers& headers);

/// Which warnings were told already.
class Warnings {
 public:
  /// Different texts of one registry that are told.
  static constexpr std::size_t most = 20;

  /// Those that this registry has not said before, as they may be shown.
  std::vector<std::string> news(const std::string& registry, const net::Headers& headers);

 private:
  std::map<std::string, std::set<std::string>> told_;
};

}  // namespace sluice::registry
