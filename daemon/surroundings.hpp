#pragma once
// What of this machine the search for registry credentials sees.

#include "registry/surroundings.hpp"

namespace sluice::daemon {

/// For the daemon: credential helpers get only the variables that such programs are known to need, because
/// its environment may hold secrets of others.
registry::Surroundings daemon_surroundings();
/// For a command that a person runs: credential helpers get the whole environment, as from docker.
registry::Surroundings command_surroundings();

}  // namespace sluice::daemon
