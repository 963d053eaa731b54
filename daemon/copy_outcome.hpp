#pragma once
// How copies ended, for people and for programs.

#include "core/error.hpp"
#include "registry/client.hpp"

#include <optional>

#include <nlohmann/json_fwd.hpp>

namespace sluice::daemon {

struct CopyPair {
  registry::Place source;
  registry::Place target;
};

/// One copy and how it ended.
struct CopyEnded {
  std::optional<registry::CopyResult> result;
  std::optional<registry::CopyPlan> plan;
  std::optional<Error> failure;
};

/// One entry of what `sluice copy --json` prints.
nlohmann::ordered_json outcome_json(const CopyPair& pair, const CopyEnded& ended);

/// The result on stdout, and what else there is to know on stderr: less of it when `quiet`.
void tell_outcome(const CopyPair& pair, const CopyEnded& ended, bool quiet);

}  // namespace sluice::daemon
