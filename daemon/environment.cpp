#include "environment.hpp"

#include <cstdlib>

namespace sluice::daemon {

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (!value) return std::nullopt;
  return value;
}

}  // namespace sluice::daemon
