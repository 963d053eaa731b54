#pragma once
// Where secrets come from on a real machine.

#include "config/section.hpp"

namespace sluice::daemon {

/// Environment variables, files (at most 64 KiB), commands (10 seconds, through a launcher of their own) and
/// the credentials of the systemd unit. Reasons for failing never quote what was read.
config::SecretSources system_secret_sources();
/// Every secret is taken to be there, but nothing is read except time zones.
config::SecretSources placeholder_secret_sources();

}  // namespace sluice::daemon
