#pragma once
// Showing what a change does to a file.

#include <string>

namespace sluice::daemon {

/// A unified diff with one hunk and three lines of context; empty when nothing changed. What a terminal would
/// act on is escaped.
std::string unified_diff(const std::string& file, const std::string& before, const std::string& after);

}  // namespace sluice::daemon
