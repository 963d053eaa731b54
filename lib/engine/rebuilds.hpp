#pragma once
// Writes the rebuilds that are owed: inside one transaction.

#include "config/config.hpp"
#include "store/tables.hpp"

#include <optional>
#include <string>

namespace sluice::engine {

struct OwedRebuild {
  RunId promotion_run;
  std::string pipeline;
  std::string trigger;
  oci::Reference base;
  int wave = 0;
};

/// Inserts a planned rebuild. `instance` is that of the store, for the key of the request.
RunId insert_rebuild(store::Tables& tables, const config::Dependent& dependent, const OwedRebuild& owed,
                     const std::string& instance, Time at);

/// Has a dependent built again since its source moved (trigger Commit), on what its base is promoted to now.
/// Nullopt when that is not needed: nothing that it is built from was promoted so far, or a request that has
/// not gone out yet will build the same source.
std::optional<RunId> rebuild_for_commit(store::Tables& tables, const config::Config& config,
                                        const config::Dependent& dependent, const std::string& instance,
                                        Time at);

}  // namespace sluice::engine
