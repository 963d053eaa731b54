#include "triggers/kinds.hpp"
#include "triggers/trigger.hpp"

namespace sluice::triggers {

std::map<std::string, config::ParsePart> table() {
  return {
      {"buildah", parse_buildah},
      {"exec", parse_exec},
      {"webhook", parse_webhook},
  };
}

}  // namespace sluice::triggers
