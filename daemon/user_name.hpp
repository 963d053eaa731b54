#pragma once
// Names of the machine's users, for the audit log.

#include <string>

namespace sluice::daemon {

/// "1000" -> "ada"; the number again when nobody has it.
std::string user_name(const std::string& uid);

}  // namespace sluice::daemon
