#include "checks/check.hpp"
#include "checks/kinds.hpp"

namespace sluice::checks {

std::map<std::string, config::ParsePart> table() {
  return {
      {"command", parse_command},
      {"container", parse_container},
  };
}

}  // namespace sluice::checks
