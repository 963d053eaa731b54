#pragma once
// A consistent copy of a database in use. Private to the room.

#include <atomic>
#include <filesystem>

namespace sluice::store {

/// Copies the state of this instant while others read and write. The target appears complete and checked, or
/// not at all. Throws Error(invalid) when the target is something else than an earlier backup,
/// Error(cancelled) when `stop` became true.
void copy_database(const std::filesystem::path& source, const std::filesystem::path& target,
                   const std::atomic<bool>& stop);

}  // namespace sluice::store
