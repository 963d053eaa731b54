#pragma once
// Files that are complete or absent, also after a power cut. Private to the room.

#include <filesystem>

namespace sluice::store {

/// Makes `from` durable and gives it the name `to` in one step (fsync, rename, fsync of the directory; both
/// must be in one directory). Throws Error(unavailable).
void publish(const std::filesystem::path& from, const std::filesystem::path& to);

/// Removes a database file of ours that never got its name, with the files that SQLite keeps beside it.
void remove_unfinished(const std::filesystem::path& path);

}  // namespace sluice::store
