#pragma once
// The variables of the environment.

#include <optional>
#include <string>

namespace sluice::daemon {

/// Nullopt when there is no variable of this name.
std::optional<std::string> environment(const std::string& name);

}  // namespace sluice::daemon
